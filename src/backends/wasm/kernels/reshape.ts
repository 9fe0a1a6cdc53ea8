/** A reshape that keeps the bytes costs nothing (the plan aliases it); flattening maps to features, and back, moves each float. */
import { f32, i32 } from "../assembler.ts";
import { type Lower, step } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { wasmKernel } from "../module.ts";

const fields = { y: "i32", x: "i32", channels: "i32", pixels: "i32", pixelBytes: "i32", rowBytes: "i32" } as const;

/** y[n][c · pixels + p] = x[n][p][c]; a unit is one channel of one image. */
const flatten = wasmKernel("flatten", fields, ({ y, x, channels, pixels, pixelBytes, rowBytes, begin, end }, k) => {
  k.for({ from: begin, to: end }, (unit) => {
    const image = k.local(i32.div(unit, channels));
    const channel = k.local(i32.rem(unit, channels));
    const from = k.local(x.plus(image.times(pixels).times(pixelBytes)).plus(channel.times(4)));
    const to = k.local(y.plus(image.times(rowBytes)).plus(channel.times(pixels).times(4)));
    k.for({ to: pixels }, () => {
      k.store(to, f32.load(from));
      to.add(4);
      from.add(pixelBytes);
    });
  });
});

/** The inverse: y[n][p][c] = x[n][c · pixels + p]. */
const unflatten = wasmKernel("unflatten", fields, ({ y, x, channels, pixels, pixelBytes, rowBytes, begin, end }, k) => {
  k.for({ from: begin, to: end }, (unit) => {
    const image = k.local(i32.div(unit, channels));
    const channel = k.local(i32.rem(unit, channels));
    const to = k.local(y.plus(image.times(pixels).times(pixelBytes)).plus(channel.times(4)));
    const from = k.local(x.plus(image.times(rowBytes)).plus(channel.times(pixels).times(4)));
    k.for({ to: pixels }, () => {
      k.store(to, f32.load(from));
      from.add(4);
      to.add(pixelBytes);
    });
  });
});

/** Maps to features and features to maps; other reshapes that move bytes have no kernel. */
export const reshape: Lower = (node, context) => {
  const [x] = node.inputs;
  const [y] = node.outputs;
  const isFlatten = x.shape.length === 4 && y.shape.length === 2 && x.shape[0] === y.shape[0];
  const isUnflatten = x.shape.length === 2 && y.shape.length === 4 && x.shape[0] === y.shape[0];
  if (!(isFlatten || isUnflatten) || context.isWeight(x) || context.isWeight(y)) return undefined;
  const [n, channels, h, w] = isFlatten ? x.shape : y.shape;
  const pixels = h * w;
  const sizes = { channels, pixels, pixelBytes: pad4(channels) * 4, rowBytes: pad4(channels * pixels) * 4 };
  return [step(isFlatten ? flatten : unflatten, n * channels, { y: context.at(y), x: context.at(x), ...sizes })];
};
