import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../../../core/random.ts";
import { type Shape, size } from "../../../core/shape.ts";
import type { Tensor } from "../../../core/tensor.ts";
import type { OpenOptions, Session } from "../../../engine/session.ts";
import type { AnyOp } from "../../../ir/op.ts";
import { graphScope } from "../../../ir/scope.ts";
import { ops } from "../../../ops/index.ts";
import type { Padding } from "../../../ops/window.ts";
import { wasmBackend } from "../index.ts";
import { assertAgreement } from "./agreement.testing.ts";
import { winogradScheme } from "./winograd.ts";
import { four, two } from "./winogradTransforms.ts";

/** Relative to the largest element. */
const tolerance = 1e-5;

interface Layer {
  readonly x: Shape;
  readonly outputs: number;
  readonly padding?: Padding;
}

const attrsOf = ({ padding = [1, 1, 1, 1] }: Layer) => ({ stride: [1, 1], padding, groups: 1, similarity: "product" });
const weightOf = ({ x, outputs }: Layer): Shape => [outputs, x[1], 3, 3];

/** Every size of image around the tiles', one tile and many, several images, and channels that are no multiple of 4 or alias. */
const layers: readonly Layer[] = [
  { x: [1, 32, 4, 4], outputs: 32 },
  { x: [1, 32, 5, 3], outputs: 20 },
  { x: [1, 24, 6, 7], outputs: 32 },
  { x: [1, 21, 9, 8], outputs: 30 },
  { x: [3, 16, 11, 10], outputs: 18 },
  { x: [2, 13, 27, 29], outputs: 31 },
  { x: [1, 64, 22, 39], outputs: 70 },
  { x: [1, 32, 9, 14], outputs: 24, padding: [0, 0, 0, 0] },
  { x: [1, 32, 9, 14], outputs: 24, padding: [0, 3, 2, 1] },
  { x: [2, 32, 3, 3], outputs: 24, padding: [5, 4, 0, 6] },
  { x: [1, 512, 6, 6], outputs: 20 },
  { x: [1, 16, 8, 8], outputs: 512 },
];

for (const layer of layers) {
  test(`${layer.x.join("×")} to ${layer.outputs} channels, padding ${attrsOf(layer).padding.join()}, agrees with the reference`, async () => {
    const shapes = [layer.x, weightOf(layer)];
    await assertAgreement(ops.conv2d, shapes, attrsOf(layer), { tolerance });
    await assertAgreement(ops.conv2d, [...shapes, [layer.outputs]], attrsOf(layer), { tolerance, epilogue: [ops.hardSwish] });
  });
}

function drawn(shape: Shape, name: string): Tensor {
  const { normal } = random(3, name);
  return { shape, data: Float32Array.from({ length: size(shape) }, (_, i) => normal(i)) };
}

/** A convolution whose result is added to another image; `isTrained` makes the run change its bias. */
async function open(layer: Layer, options: OpenOptions, isTrained = false): Promise<Session> {
  const g = graphScope();
  const none = { kind: "constant", value: 0 } as const;
  const [x, weight, bias] = [g.input("x", layer.x), g.parameter("w", weightOf(layer), none), g.parameter("b", [layer.outputs], none)];
  const yShape = [layer.x[0], layer.outputs, layer.x[2], layer.x[3]];
  const convolve: AnyOp = ops.conv2d;
  const [y] = g.emit(convolve, [x, weight, bias], attrsOf(layer), [{ op: ops.add, attrs: {}, inputs: [g.input("other", yShape)] }]);
  g.output("y", y);
  if (isTrained) g.update(bias, ops.add(g, [bias, bias], {}));
  const weights = new Map([
    ["w", drawn(weightOf(layer), "w")],
    ["b", drawn([layer.outputs], "b")],
  ]);
  const session = await wasmBackend.open(g.finish(), weights, options);
  session.run({ x: drawn(layer.x, "x"), other: drawn(yShape, "other") });
  return session;
}

const isWinograd = (session: Session): boolean => session.profile().some(({ kernel }) => kernel.startsWith("winograd"));

test("exact sessions and sessions that train multiply windows as they are; others differ by less than 1e-5", async () => {
  const layer: Layer = { x: [2, 40, 15, 17], outputs: 36 };
  using fast = await open(layer, {});
  using exact = await open(layer, { exact: true });
  using trained = await open(layer, {}, true);
  assert.deepEqual([fast, exact, trained].map(isWinograd), [true, false, false]);
  const [found, wanted] = [fast, exact].map((session) => session.view("y").data);
  const largest = wanted.reduce((most, y) => Math.max(most, Math.abs(y)), 0);
  for (const [i, y] of wanted.entries()) assert.ok(Math.abs(found[i] - y) <= tolerance * largest, `element ${i} is ${found[i]}, not ${y}`);
});

test("a weight written into an open session is transformed anew", async () => {
  const layer: Layer = { x: [1, 16, 12, 12], outputs: 16 };
  using session = await open(layer, {});
  const before = session.view("y").data.slice();
  const other = session.view("other").data;
  session.write("w", { shape: weightOf(layer), data: new Float32Array(size(weightOf(layer))) });
  session.runInPlace();
  const bias = session.read("b").data;
  assert.notDeepEqual(session.view("y").data, before);
  assert.ok(session.view("y").data.every((y, i) => Math.abs(y - bias[i % 16] - other[i]) < 1e-6));
});

test("large images take tiles of four, small ones of two, thin and tiny ones none", () => {
  const schemeOf = (side: number, channels: number, outputs: number) =>
    winogradScheme({ images: 1, channels, outputs, outSize: [side, side] });
  assert.equal(schemeOf(56, 64, 64), four);
  assert.equal(schemeOf(13, 64, 256), four);
  assert.equal(schemeOf(4, 64, 64), two);
  assert.equal(schemeOf(7, 512, 512), two);
  assert.equal(schemeOf(224, 3, 32), undefined);
  assert.equal(schemeOf(2, 64, 64), undefined);
});
