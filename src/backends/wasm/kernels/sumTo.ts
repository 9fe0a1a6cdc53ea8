/** The sum over broadcast axes: the gradient of broadcasting. */
import { f32, f32x4, i32, v128 } from "../assembler.ts";
import { type Lower, step } from "../kernel.ts";
import { pad4, stridesOf } from "../layout.ts";
import { wasmKernel } from "../module.ts";

const sizes = {
  n: "i32",
  h: "i32",
  w: "i32",
  sn: "i32",
  sh: "i32",
  sw: "i32",
  vectors: "i32",
  on: "i32",
  oh: "i32",
  ow: "i32",
  yn: "i32",
  yh: "i32",
  yw: "i32",
} as const;

/** One output vector of four channels a unit; n, h, w are the reduced extents (1 where kept), on, oh, ow the output's. Strides in bytes. */
const sumVectors = wasmKernel("sum to vectors", { y: "i32", x: "i32", ...sizes }, (a, k) => {
  k.for({ from: a.begin, to: a.end }, (unit) => {
    const lane = k.local(i32.rem(unit, a.vectors).times(16));
    const rest = k.local(i32.div(unit, a.vectors));
    const column = k.local(i32.rem(rest, a.ow));
    rest.set(i32.div(rest, a.ow));
    const row = k.local(i32.rem(rest, a.oh));
    const image = k.local(i32.div(rest, a.oh));
    const from = k.local(a.x.plus(lane).plus(image.times(a.sn)).plus(row.times(a.sh)).plus(column.times(a.sw)));
    const sum = k.local(f32x4.const(0));
    k.for({ to: a.n }, (i) => {
      k.for({ to: a.h }, (j) => {
        const at = k.local(from.plus(i.times(a.sn)).plus(j.times(a.sh)));
        k.for({ to: a.w }, () => {
          sum.set(f32x4.add(sum, v128.load(at)));
          at.add(a.sw);
        });
      });
    });
    k.store(a.y.plus(lane).plus(image.times(a.yn)).plus(row.times(a.yh)).plus(column.times(a.yw)), sum);
  });
});

/** All channels of every pixel of one image into one number, in lane 0. */
const sumImages = wasmKernel(
  "sum to images",
  { y: "i32", x: "i32", channels: "i32", pixels: "i32", pixelBytes: "i32", yn: "i32" },
  (a, k) => {
    k.for({ from: a.begin, to: a.end }, (image) => {
      const at = k.local(a.x.plus(image.times(a.pixels).times(a.pixelBytes)));
      const sum = k.local(f32.const(0));
      k.for({ to: a.pixels }, () => {
        k.for({ to: a.channels.times(4), step: 4 }, (lane) => sum.set(f32.add(sum, f32.load(at.plus(lane)))));
        at.add(a.pixelBytes);
      });
      k.store(a.y.plus(image.times(a.yn)), f32x4.replace(f32x4.const(0), 0, sum));
    });
  },
);

export const sumTo: Lower = (node, context) => {
  const [x] = node.inputs;
  const [y] = node.outputs;
  if (x.shape.length !== 4 || context.isWeight(x)) return undefined;
  const [n, c, h, w] = x.shape;
  const target = y.shape.length === 0 ? [1, 1, 1, 1] : y.shape;
  if (target.length !== 4) return undefined;
  const [on, oc, oh, ow] = target;
  const pointers = { y: context.at(y), x: context.at(x) };
  const [sn, , sh, sw] = stridesOf(x.shape, "activation").map((floats) => floats * 4);
  const [yn, , yh, yw] = stridesOf(target, "activation").map((floats) => floats * 4);
  if (oc === c) {
    const reduced = { n: on === 1 ? n : 1, h: oh === 1 ? h : 1, w: ow === 1 ? w : 1 };
    const vectors = pad4(c) / 4;
    return [step(sumVectors, on * oh * ow * vectors, { ...pointers, ...reduced, sn, sh, sw, vectors, on, oh, ow, yn, yh, yw })];
  }
  const isPixelsSummed = oc === 1 && oh === 1 && ow === 1;
  return isPixelsSummed ? [step(sumImages, on, { ...pointers, channels: c, pixels: (n / on) * h * w, pixelBytes: sw, yn })] : undefined;
};
