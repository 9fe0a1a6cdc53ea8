/** dw of a convolution: filters of groups with few inputs tap by tap (narrowSums.ts), all others as sums of outer products (outerSums.ts). */
import type { Node } from "../../../ir/graph.ts";
import type { ConvolutionWeightGradient } from "../../../ops/conv2dWeightGradient.ts";
import type { Lower, LowerContext, Step } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { isNarrowServed, narrowSumSteps } from "./narrowSums.ts";
import { imageOperand, type Operand, spoilSteps } from "./operands.ts";
import { outerSumSteps } from "./outerSums.ts";
import { laneFloats, packed, packLaneSteps } from "./pack.ts";
import { subtractScaledSteps } from "./subtractScaled.ts";
import { gradientTaps, type Tap } from "./taps.ts";
import type { WindowSizes } from "./window.ts";

/** x and dy as the tap reads them, and how windows lie on x. */
interface Operands {
  readonly x: Operand;
  readonly dy: Operand;
  readonly windows: WindowSizes;
}

function operandsOf(node: Node, tap: Tap, context: LowerContext): Operands {
  const [x, dy] = node.inputs;
  const { stride, padding, weightShape } = node.attrs as ConvolutionWeightGradient;
  const [images, channels, height, width] = x.shape;
  const [, outputs, outHeight, outWidth] = dy.shape;
  const [size, outSize] = [[height, width] as const, [outHeight, outWidth] as const];
  const before = [padding[0], padding[2]] as const;
  // Where operands are changed, zeros are, too: they must be in memory.
  const paddedSize = tap.b ? ([height + padding[0] + padding[1], width + padding[2] + padding[3]] as const) : size;
  const image = { x: context.at(x), images, channels, size, before: tap.b ? before : ([0, 0] as const), paddedSize };
  const gradient = { x: context.at(dy), images, channels: outputs, size: outSize, before: [0, 0] as const, paddedSize: outSize };
  const kernel = [weightShape[2], weightShape[3]] as const;
  return {
    x: imageOperand(image, tap.b, context),
    dy: imageOperand(gradient, tap.a, context),
    windows: { size: paddedSize, outSize, kernel, stride, before: tap.b ? [0, 0] : before },
  };
}

function sums(node: Node, tap: Tap, { x, dy, windows }: Operands, context: LowerContext): readonly Step[] {
  const [{ shape: image }, { shape: gradient }, weight] = node.inputs.map((value) => value);
  const { stride, padding, groups, weightShape } = node.attrs as ConvolutionWeightGradient;
  const [images, channels] = image;
  const [, outputs, outHeight, outWidth] = gradient;
  const c = context.at(node.outputs[0]);
  const taps = weightShape[2] * weightShape[3];
  const sizes = { inputs: weightShape[1], outputs: outputs / groups };
  // Filters too large to be written out go one by one, as groups of few columns.
  if (groups > 1 && isNarrowServed(sizes, windows.kernel)) {
    const products = taps * sizes.inputs;
    const pack = (target: Parameters<typeof packLaneSteps>[0]) => packLaneSteps(target, context.at(weight), outputs, products, products, 1);
    const own = tap.hasOwn ? packed(context, "lanes of products", weight, laneFloats(outputs, products), pack) : undefined;
    const place = { tap, x: x.at, dy: dy.at, dw: c, own: own?.at, images, groups, sizes };
    return [...(own?.steps ?? []), ...narrowSumSteps({ ...place, ...windows }, context)];
  }
  const isDirect = taps === 1 && stride[0] === 1 && stride[1] === 1 && padding.every((extent) => extent === 0);
  const rows = images * outHeight * outWidth;
  const a = { a: dy.at, lda: pad4(outputs), m: outputs / groups };
  const b = { b: x.at, ldb: pad4(channels), n: weightShape[1], windows: isDirect ? undefined : windows };
  return outerSumSteps({ tap, ...a, ...b, rows, groups, c, own: tap.hasOwn ? context.at(weight) : undefined }, context);
}

export const conv2dWeightGradient: Lower = (node, context) => {
  const [, dy, weight] = node.inputs;
  const [dw] = node.outputs;
  const { weight: tap, isWeightSubtracted } = gradientTaps(node.attrs as ConvolutionWeightGradient);
  if (weight && !context.isWeight(weight)) return undefined;
  const operands = operandsOf(node, tap, context);
  return [
    ...operands.x.steps,
    ...operands.dy.steps,
    ...sums(node, tap, operands, context),
    ...(isWeightSubtracted ? subtractScaledSteps(context.at(dw), weight, dy, context) : []),
    ...spoilSteps(dw, [...operands.x.flags, ...operands.dy.flags], context),
  ];
};
