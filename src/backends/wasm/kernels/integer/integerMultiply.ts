/** The gates of squeeze-and-excitation on bytes: products of 16 bits, then floats, sixteen channels a vector. */
import type { IntegerProduct } from "../../../../ops/integerMultiply.ts";
import { f32x4, i16x8, i32, i32x4, type V128, v128 } from "../../assembler.ts";
import { type Lower, step } from "../../kernel.ts";
import { lanesOf } from "../../layout.ts";
import { type Arguments, type Fields, wasmKernel } from "../../module.ts";
import { type Bounds, boundsOf } from "./bounds.ts";
import { narrowed } from "./elementwiseBytes.ts";

const fields = {
  y: "i32",
  x: "i32",
  gate: "i32",
  pixel: "i32",
  area: "i32",
  block: "i32",
  blocks: "i32",
  zero: "i32",
  gateZero: "i32",
  ratio: "f32",
  offset: "f32",
} as const;

/** Units are `block` pixels of one image; each goes channel by channel, so that gates are widened once. */
function gateKernel(bounds: Bounds, isThin: boolean): ReturnType<typeof wasmKernel<Fields>> {
  return wasmKernel<Fields>(`gate bytes${isThin ? " thin" : ""}${bounds.key}`, { ...fields, ...bounds.fields }, (given, k) => {
    const args = given as unknown as Arguments<typeof fields>;
    const [ratio, offset] = [args.ratio, args.offset].map((factor) => k.local(f32x4.splat(factor)));
    const [zero, gateZero] = [args.zero, args.gateZero].map((point) => k.local(i16x8.splat(point)));
    const finish = bounds.begin(k, given);
    const halves = (x: V128): V128[] => [i16x8.extendLowU(x), i16x8.extendHighU(x)];
    const requantised = (sum: V128): V128 => k.truncate(f32x4.add(f32x4.mul(f32x4.fromI32x4(sum), ratio), offset));
    k.for({ from: args.begin, to: args.end }, (unit) => {
      const image = k.local(i32.divU(unit, args.blocks));
      const first = k.local(unit.minus(image.times(args.blocks)).times(args.block));
      const last = k.local(i32.min(first.plus(args.block), args.area));
      const start = image.times(args.area).plus(first).times(args.pixel);
      k.for({ to: args.pixel, step: 16 }, (channel) => {
        const loaded = k.local(v128.load(args.gate.plus(image.times(args.pixel)).plus(channel)));
        const gates = halves(loaded).map((half) => k.local(i16x8.sub(half, gateZero)));
        const at = k.local(start.plus(channel));
        k.for({ from: first, to: last }, () => {
          const pixels = halves(k.local(v128.load(args.x.plus(at))));
          const products = pixels.map((half, i) => k.local(i16x8.mul(i16x8.sub(half, zero), gates[i])));
          const wide = products.flatMap((product) => [i32x4.extendLowS(product), i32x4.extendHighS(product)]);
          const bytes = finish(narrowed(wide.map(requantised)));
          if (isThin) k.storeLow(args.y.plus(at), bytes, 4);
          else k.store(args.y.plus(at), bytes);
          at.add(args.pixel);
        });
      });
    });
  });
}

/** Steps of a product with gates. */
export const integerMultiply: Lower = (node, context) => {
  const { zeros, ratio, offset } = node.attrs as IntegerProduct;
  const [x, gate] = node.inputs;
  const bounds = boundsOf(node, context);
  const [n, c, h, w] = x.shape;
  const pixel = lanesOf(c, "u7");
  if (!bounds) return undefined;
  const block = Math.max(1, Math.floor(16_384 / pixel));
  const blocks = Math.ceil((h * w) / block);
  const places = { y: context.at(node.outputs[0]), x: context.at(x), gate: context.at(gate), pixel, area: h * w, block, blocks };
  const factors = { zero: zeros[0], gateZero: zeros[1], ratio, offset };
  return [step(gateKernel(bounds, pixel < 16), n * blocks, { ...places, ...factors, ...bounds.args })];
};
