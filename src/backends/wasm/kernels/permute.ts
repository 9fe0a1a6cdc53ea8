/** Axes in another order, element by element; operand and result lie as their ranks say, so each axis has a stride of its own in both. */
import { f32, i32, type Local } from "../assembler.ts";
import { type Lower, step } from "../kernel.ts";
import { stridesOf } from "../layout.ts";
import { wasmKernel } from "../module.ts";

/** Axes behind the images; fewer are filled up with axes of one element. */
const MOST_AXES = 5;

type Axis = 0 | 1 | 2 | 3 | 4;
type Name = `${"e" | "x" | "y"}${Axis}`;
const names = ([0, 1, 2, 3, 4] as const).map((axis) => [`e${axis}`, `x${axis}`, `y${axis}`] as const);
const fields = {
  y: "i32",
  x: "i32",
  xn: "i32",
  yn: "i32",
  ...(Object.fromEntries(names.flat().map((name) => [name, "i32"])) as Record<Name, "i32">),
} as const;

/** A unit is one index of axis 1 of one image; extents e, strides x and y in bytes. */
const kernel = wasmKernel("permute", fields, (a, k) => {
  const walk = (axis: number, from: Local<"i32">, to: Local<"i32">): void => {
    const [e, xs, ys] = names[axis];
    k.for({ to: a[e] }, () => {
      if (axis === MOST_AXES - 1) k.store(to, f32.load(from));
      else walk(axis + 1, k.local(from.plus(0)), k.local(to.plus(0)));
      from.add(a[xs]);
      to.add(a[ys]);
    });
  };
  k.for({ from: a.begin, to: a.end }, (unit) => {
    const image = k.local(i32.div(unit, a.e0));
    const outer = k.local(i32.rem(unit, a.e0));
    const from = k.local(a.x.plus(image.times(a.xn)).plus(outer.times(a.x0)));
    const to = k.local(a.y.plus(image.times(a.yn)).plus(outer.times(a.y0)));
    walk(1, from, to);
  });
});

export const permute: Lower = (node, context) => {
  const [x] = node.inputs;
  const [y] = node.outputs;
  const { axes } = node.attrs as { axes: readonly number[] };
  const inner = axes.length - 1;
  if (context.isWeight(x) || inner > MOST_AXES) return undefined;
  const bytes = (strides: readonly number[]): number[] => strides.map((floats) => floats * 4);
  const [xStrides, yStrides] = [bytes(stridesOf(x.shape, "activation")), bytes(stridesOf(y.shape, "activation"))];
  // The axes that are filled up come first.
  const filled = (values: readonly number[], fill: number): number[] => [...Array<number>(MOST_AXES - inner).fill(fill), ...values];
  const extents = filled(y.shape.slice(1), 1);
  const [from, to] = [
    filled(
      axes.slice(1).map((axis) => xStrides[axis]),
      0,
    ),
    filled(yStrides.slice(1), 0),
  ];
  const along = Object.fromEntries(
    names.flatMap(([e, xs, ys], axis) => [
      [e, extents[axis]],
      [xs, from[axis]],
      [ys, to[axis]],
    ]),
  ) as Record<Name, number>;
  const [xn, yn] = [xStrides[0] ?? 0, yStrides[0] ?? 0];
  return [step(kernel, x.shape[0] * extents[0], { y: context.at(y), x: context.at(x), xn, yn, ...along })];
};
