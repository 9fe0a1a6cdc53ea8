/**
 * Convolutions and linear layers of another similarity than the product, composed of standard operators: for each tap of the kernel the pixels
 * under it, [n, groups, 1, inner, pixels], meet the filters, [1, groups, outputs, inner, 1]; what they give is summed over `inner`, then over the taps.
 * A broadcast of pixels times outputs a tap: what another engine needs time and memory for, and what our own kernels avoid.
 */
import type { Convolution } from "../../ops/convolution.ts";
import type { Similarity } from "../../ops/similarity.ts";
import { windowCounts } from "../../ops/window.ts";
import { integers, type OnnxWriter, type Operands, scalar } from "./writer.ts";

/** Prepares a whole operand once, and sums similarities of prepared operands over an axis. */
export interface Composition {
  /** Tensors of the operand's shape, to be cut into taps. */
  readonly prepare: (writer: OnnxWriter, operand: string) => readonly string[];
  readonly sum: (writer: OnnxWriter, pixels: readonly string[], filters: readonly string[], axis: number) => string;
}

const LEAST_NORMAL = 2 ** -126;

/**
 * a = ±2ⁿ · (1 + x) as ±2ⁿ (0 for zeros and subnormal numbers) and x. The logarithm may round across a power of two, so n is put right by one
 * comparison with each neighbour.
 */
function splitBinary(writer: OnnxWriter, a: string): readonly string[] {
  const emit = (type: string, ...inputs: string[]): string => writer.emit(type, inputs);
  const [one, two] = [scalar(writer, 1), scalar(writer, 2)];
  const asFloat = (truth: string): string => writer.emit("Cast", [truth], { to: 1 });
  const magnitude = emit("Abs", a);
  const least = scalar(writer, LEAST_NORMAL);
  const bounded = emit("Max", magnitude, least);
  let n = emit("Floor", emit("Div", emit("Log", bounded), scalar(writer, Math.LN2)));
  n = emit("Sub", n, asFloat(emit("Greater", emit("Pow", two, n), bounded)));
  n = emit("Add", n, asFloat(emit("LessOrEqual", emit("Pow", two, emit("Add", n, one)), bounded)));
  const power = emit("Pow", two, n);
  const isNormal = asFloat(emit("GreaterOrEqual", magnitude, least));
  const signed = emit("Mul", emit("Mul", emit("Sign", a), power), isNormal);
  return [signed, emit("Sub", emit("Div", bounded, power), one)];
}

const compositions: Readonly<Record<Exclude<Similarity, "product">, Composition>> = {
  l1: {
    prepare: (_writer, operand) => [operand],
    sum: (writer, [x], [w], axis) =>
      writer.emit("Neg", [writer.emit("ReduceL1", [writer.emit("Sub", [x, w])], { axes: [axis], keepdims: 0 })]),
  },
  // 2ⁿ · 2ᵐ · (1 + s) below s = 1 and 2ⁿ · 2ᵐ · 2s from there on, s the sum of the mantissas: the greater of the two, always.
  mitchell: {
    prepare: splitBinary,
    sum(writer, [xPower, xMantissa], [wPower, wMantissa], axis) {
      const s = writer.emit("Add", [xMantissa, wMantissa]);
      const mantissa = writer.emit("Max", [writer.emit("Add", [s, scalar(writer, 1)]), writer.emit("Add", [s, s])]);
      const products = writer.emit("Mul", [writer.emit("Mul", [xPower, wPower]), mantissa]);
      return writer.emit("ReduceSum", [products, integers(writer, [axis])], { keepdims: 0 });
    },
  },
};

/** How a similarity is composed; undefined for the product, which ONNX has operators for. */
export function compositionOf(similarity: Similarity): Composition | undefined {
  return similarity === "product" ? undefined : compositions[similarity];
}

/** A convolution (x, weight, bias?) of a composed similarity. */
export function composedConvolution(
  writer: OnnxWriter,
  { prepare, sum }: Composition,
  { names: [x, weight, bias], shapes: [inputShape, weightShape] }: Operands,
  { stride, padding, groups }: Convolution,
): string {
  const [n, c, height, width] = inputShape;
  const [out, inner, kh, kw] = weightShape;
  const [top, bottom, left, right] = padding;
  const [rows, columns] = windowCounts([height, width], { kernel: [kh, kw], stride, padding });
  const isPadded = padding.some((pixels) => pixels > 0);
  const padded = isPadded ? writer.emit("Pad", [x, integers(writer, [0, 0, top, left, 0, 0, bottom, right])]) : x;
  const pixelParts = prepare(writer, padded);
  const filterParts = prepare(writer, weight);
  const axes = integers(writer, [2, 3]);
  const cut = (
    part: string,
    from: readonly number[],
    count: readonly number[],
    steps: readonly number[],
    shape: readonly number[],
  ): string => {
    const to = from.map((start, axis) => start + (count[axis] - 1) * steps[axis] + 1);
    const taken = writer.emit("Slice", [part, integers(writer, from), integers(writer, to), axes, integers(writer, steps)]);
    return writer.emit("Reshape", [taken, integers(writer, shape)]);
  };
  let total: string | undefined;
  for (let ky = 0; ky < kh; ky++) {
    for (let kx = 0; kx < kw; kx++) {
      const at = [ky, kx];
      const pixels = pixelParts.map((part) => cut(part, at, [rows, columns], stride, [n, groups, 1, c / groups, rows * columns]));
      const filters = filterParts.map((part) => cut(part, at, [1, 1], [1, 1], [1, groups, out / groups, inner, 1]));
      const tap = sum(writer, pixels, filters, 3);
      total = total === undefined ? tap : writer.emit("Add", [total, tap]);
    }
  }
  const y = writer.emit("Reshape", [total as string, integers(writer, [n, out, rows, columns])]);
  return bias === undefined ? y : writer.emit("Add", [y, writer.emit("Reshape", [bias, integers(writer, [1, out, 1, 1])])]);
}

/** A linear layer (x [n, in], weight [out, in], bias?) of a composed similarity. */
export function composedLinear(
  writer: OnnxWriter,
  { prepare, sum }: Composition,
  { names: [x, weight, bias], shapes: [[n, inputs], [out]] }: Operands,
): string {
  const reshaped = (part: string, shape: readonly number[]): string => writer.emit("Reshape", [part, integers(writer, shape)]);
  const features = prepare(writer, x).map((part) => reshaped(part, [n, 1, inputs]));
  const filters = prepare(writer, weight).map((part) => reshaped(part, [1, out, inputs]));
  const y = sum(writer, features, filters, 2);
  return bias === undefined ? y : writer.emit("Add", [y, bias]);
}
