import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, interpret } from "../backends/reference/index.ts";
import { ShapeError } from "../core/errors.ts";
import { mitchellProduct } from "../core/mitchell.ts";
import { random } from "../core/random.ts";
import { type Shape, size } from "../core/shape.ts";
import type { ReferenceTensor, Tensor } from "../core/tensor.ts";
import { graphScope } from "../ir/scope.ts";
import { differentiate } from "../passes/differentiate.ts";
import { conv2d } from "./conv2d.ts";
import { linear } from "./linear.ts";
import type { Similar } from "./similarity.ts";

const window = { stride: [2, 1], padding: [1, 0, 1, 1], groups: 1 } as const;
const x: Shape = [2, 3, 5, 4];
const weight: Shape = [2, 3, 3, 3];

function drawn(name: string, shape: Shape): Tensor {
  const { normal } = random(1, name);
  return { shape, data: Float32Array.from({ length: size(shape) }, (_, i) => normal(i)) };
}

interface Trained {
  readonly y: ReferenceTensor;
  readonly dx: ReferenceTensor;
  readonly dw: ReferenceTensor;
  readonly held: Readonly<Record<"x" | "w" | "dy", Tensor>>;
}

/** Output and gradients of a convolution, for the gradient "dy" of its output. */
function train(similar: Similar): Trained {
  const g = graphScope();
  const leaves = [g.input("x", x), g.parameter("w", weight, { kind: "constant", value: 0 })];
  const y = conv2d(g, leaves, { ...window, ...similar });
  g.output("y", y);
  const { graph, gradients } = differentiate(g.finish(), { loss: "y", cotangent: "dy", wrt: leaves });
  const held = { x: drawn("x", x), w: drawn("w", weight), dy: drawn("dy", y.shape) };
  const given = new Map(Object.entries(held).map(([name, { shape, data }]) => [name, { shape, data: Float64Array.from(data) }]));
  const values = interpret(graph, given, given);
  const at = (value: Parameters<typeof values.get>[0]): ReferenceTensor => values.get(value) as ReferenceTensor;
  const [dx, dw] = leaves.map((leaf) => at(gradients.get(leaf) as (typeof leaves)[number]));
  return { y: at(y), dx, dw, held };
}

/** Visits every tap of every output: indices into y, the weight and x (−1 on padding). */
function eachTap(visit: (y: number, w: number, x: number) => void): void {
  const [, , oh, ow] = [2, 2, 2, 4];
  for (let i = 0; i < x[0] * weight[0] * oh * ow; i++) {
    const [n, o, oy, ox] = [Math.floor(i / (weight[0] * oh * ow)), Math.floor(i / (oh * ow)) % weight[0], Math.floor(i / ow) % oh, i % ow];
    for (let j = 0; j < 27; j++) {
      const [c, iy, ix] = [Math.floor(j / 9), oy * 2 - 1 + (Math.floor(j / 3) % 3), ox - 1 + (j % 3)];
      const isInside = iy >= 0 && iy < x[2] && ix >= 0 && ix < x[3];
      visit(i, o * 27 + j, isInside ? ((n * 3 + c) * x[2] + iy) * x[3] + ix : -1);
    }
  }
}

function assertNear(found: ArrayLike<number>, wanted: ArrayLike<number>): void {
  assert.equal(found.length, wanted.length);
  for (let i = 0; i < found.length; i++) assert.ok(Math.abs(found[i] - wanted[i]) <= 1e-9 * (1 + Math.abs(wanted[i])), `element ${i}`);
}

test("the L1 similarity is minus the distance, and padding counts", () => {
  const g = graphScope();
  const ones: Shape = [1, 1, 3, 3];
  const w = g.parameter("w", ones, { kind: "constant", value: 1 });
  g.output("y", conv2d(g, [g.input("x", [1, 1, 1, 1]), w], { stride: [1, 1], padding: [1, 1, 1, 1], groups: 1, similarity: "l1" }));
  const weights = new Map([["w", { shape: ones, data: new Float32Array(9).fill(1) }]]);
  const inputs = new Map([["x", { shape: [1, 1, 1, 1], data: new Float32Array(1) }]]);
  assert.equal(evaluate(g.finish(), weights, inputs).get("y")?.data[0], -9);
});

test("AdderNet's gradients are those of its stated form, the filter's with norm 0.2 · √elements", () => {
  const { y, dx, dw, held } = train({ similarity: "l1" });
  const wanted = { y: new Float64Array(y.data.length), dx: new Float64Array(size(x)), dw: new Float64Array(size(weight)) };
  eachTap((i, j, at) => {
    const [pixel, filter, dy] = [at < 0 ? 0 : held.x.data[at], held.w.data[j], held.dy.data[i]];
    wanted.y[i] -= Math.abs(pixel - filter);
    wanted.dw[j] += dy * (pixel - filter);
    if (at >= 0) wanted.dx[at] += dy * Math.min(Math.max(filter - pixel, -1), 1);
  });
  const scale = (0.2 * Math.sqrt(size(weight))) / Math.hypot(...wanted.dw);
  assertNear(y.data, wanted.y);
  assertNear(dx.data, wanted.dx);
  assertNear(
    dw.data,
    wanted.dw.map((each) => each * scale),
  );
  assert.ok(Math.abs(Math.hypot(...dw.data) - 0.2 * Math.sqrt(size(weight))) < 1e-9);
});

test("Mitchell's gradients in the approximate form are Mitchell products of dy, in the straight-through form ordinary ones", () => {
  for (const [gradient, product] of [
    ["approx", mitchellProduct],
    ["ste", (a: number, b: number) => a * b],
  ] as const) {
    const { y, dx, dw, held } = train({ similarity: "mitchell", gradient });
    const wanted = { y: new Float64Array(y.data.length), dx: new Float64Array(size(x)), dw: new Float64Array(size(weight)) };
    eachTap((i, j, at) => {
      if (at < 0) return;
      wanted.y[i] += mitchellProduct(held.x.data[at], held.w.data[j]);
      wanted.dw[j] += product(held.dy.data[i], held.x.data[at]);
      wanted.dx[at] += product(held.dy.data[i], held.w.data[j]);
    });
    assertNear(y.data, wanted.y);
    assertNear(dx.data, wanted.dx);
    assertNear(dw.data, wanted.dw);
  }
});

test("similarities and gradients that do not exist are refused by name", () => {
  const g = graphScope();
  const inputs = [g.input("x", [1, 2]), g.input("w", [3, 2])];
  assert.throws(
    () => linear(g, inputs, { similarity: "l2" as "l1" }),
    (error: unknown) => error instanceof ShapeError && /similarity "l2" is not one of product, l1, mitchell/.test(error.message),
  );
  assert.throws(
    () => linear(g, inputs, { similarity: "mitchell", gradient: "exakt" }),
    (error: unknown) => error instanceof ShapeError && /gradient "exakt" of mitchell is not one of approx, exact, ste/.test(error.message),
  );
});
