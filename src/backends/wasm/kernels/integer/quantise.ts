/** Floats to bytes and back, pixel by pixel: both lie with the channels inside, but with different padding. */
import type { Quantised } from "../../../../ir/integer.ts";
import { quantiseFactors } from "../../../../ops/quantise.ts";
import { f32x4, i8x16, i16x8, i32, i32x4, type Local, v128 } from "../../assembler.ts";
import { type Lower, step } from "../../kernel.ts";
import { lanesOf, pad4 } from "../../layout.ts";
import { wasmKernel } from "../../module.ts";

const quantiseFields = {
  y: "i32",
  x: "i32",
  yPixel: "i32",
  xPixel: "i32",
  pixels: "i32",
  block: "i32",
  ratio: "f32",
  offset: "f32",
} as const;

/** `xPixel` and `yPixel` are bytes; a unit is `block` pixels. */
const quantiseFloats = wasmKernel("quantise", quantiseFields, ({ y, x, yPixel, xPixel, pixels, block, ratio, offset, begin, end }, k) => {
  const [ratios, offsets] = [ratio, offset].map((value) => k.local(f32x4.splat(value)));
  const [low, high] = [0, 127].map((bound) => k.local(f32x4.const(bound)));
  const quantised = (from: Local<"i32">, at: Local<"i32">) => {
    const scaled = f32x4.add(f32x4.mul(v128.load(from.plus(at)), ratios), offsets);
    // The bounds come first: they take the place of what is no number.
    return k.truncate(f32x4.pmin(high, f32x4.pmax(low, scaled)));
  };
  const first = k.local(begin.times(block));
  const from = k.local(x.plus(first.times(xPixel)));
  const to = k.local(y.plus(first.times(yPixel)));
  k.for({ from: first, to: k.local(i32.min(end.times(block), pixels)) }, () => {
    k.for({ to: xPixel, step: 16 }, (at) => {
      const shorts = k.local(i16x8.narrow(quantised(from, at), low));
      k.storeLow(to.plus(i32.shrU(at, 2)), i8x16.narrowU(shorts, shorts), 4);
    });
    from.add(xPixel);
    to.add(yPixel);
  });
});

const dequantiseFields = {
  y: "i32",
  x: "i32",
  yPixel: "i32",
  xPixel: "i32",
  pixels: "i32",
  block: "i32",
  scale: "f32",
  zero: "i32",
} as const;

const dequantiseBytes = wasmKernel("dequantise", dequantiseFields, (args, k) => {
  const { y, x, yPixel, xPixel, pixels, block, begin, end } = args;
  const scale = k.local(f32x4.splat(args.scale));
  const zero = k.local(i32x4.splat(args.zero));
  const first = k.local(begin.times(block));
  const from = k.local(x.plus(first.times(xPixel)));
  const to = k.local(y.plus(first.times(yPixel)));
  k.for({ from: first, to: k.local(i32.min(end.times(block), pixels)) }, () => {
    k.for({ to: yPixel, step: 16 }, (at) => {
      const wide = i32x4.extendLowU(i16x8.extendLowU(v128.load32Zero(from.plus(i32.shrU(at, 2)))));
      k.store(to.plus(at), f32x4.mul(f32x4.fromI32x4(i32x4.sub(wide, zero)), scale));
    });
    from.add(xPixel);
    to.add(yPixel);
  });
});

/** Sizes of a walk over the pixels of both buffers: bytes of their pixels, and so many pixels a unit that there is something to do. */
function walk([n, c = 1, h = 1, w = 1]: readonly number[]): {
  floats: number;
  bytes: number;
  pixels: number;
  block: number;
  units: number;
} {
  const pixels = n * h * w;
  const block = Math.max(1, Math.floor(4096 / pad4(c)));
  return { floats: pad4(c) * 4, bytes: lanesOf(c, "u7"), pixels, block, units: Math.ceil(pixels / block) };
}

/** Steps of floats to bytes. */
export const quantise: Lower = (node, context) => {
  const [x] = node.inputs;
  if ((x.shape.length !== 2 && x.shape.length !== 4) || context.isWeight(x)) return undefined;
  const { floats, bytes, pixels, block, units } = walk(x.shape);
  const places = { y: context.at(node.outputs[0]), x: context.at(x), yPixel: bytes, xPixel: floats, pixels, block };
  return [step(quantiseFloats, units, { ...places, ...quantiseFactors(node.attrs as Quantised) })];
};

/** Steps of bytes to floats. */
export const dequantise: Lower = (node, context) => {
  const [x] = node.inputs;
  if (x.shape.length !== 2 && x.shape.length !== 4) return undefined;
  const { scale, zero } = node.attrs as Quantised;
  const { floats, bytes, pixels, block, units } = walk(x.shape);
  const places = { y: context.at(node.outputs[0]), x: context.at(x), yPixel: floats, xPixel: bytes, pixels, block };
  return [step(dequantiseBytes, units, { ...places, scale, zero })];
};
