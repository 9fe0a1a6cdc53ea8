import assert from "node:assert/strict";
import { test } from "node:test";
import { EngineError, OptionError, ShapeError } from "../../core/errors.ts";
import { type Tensor, tensor } from "../../core/tensor.ts";
import type { Graph } from "../../ir/graph.ts";
import { graphScope } from "../../ir/scope.ts";
import { ops } from "../../ops/index.ts";
import { wasmBackend } from "./index.ts";
import { kernels } from "./kernels/index.ts";
import { openSession } from "./session.ts";

const ramp = (...shape: number[]): Tensor =>
  tensor(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i)),
  );

/** relu(x + shift), with a counter that each run adds one to. */
function counting(): Graph {
  const g = graphScope();
  const x = g.input("x", [45]);
  const shift = g.parameter("shift", [45], { kind: "constant", value: 0 });
  const count = g.state("count", [4], { kind: "constant", value: 0 });
  g.output("y", ops.relu(g, [ops.add(g, [x, shift], {})], {}));
  g.update(count, ops.add(g, [count, g.constant([4], Float32Array.of(1, 1, 1, 1))], {}));
  return g.finish();
}

const weights = (): Map<string, Tensor> =>
  new Map([
    ["shift", ramp(45)],
    ["count", tensor([4], new Float32Array(4))],
  ]);

test("a session runs, keeps its state and takes new weights", async () => {
  using session = await wasmBackend.open(counting(), weights());
  const x = ramp(45);
  const { y } = session.run({ x });
  for (const [i, value] of y.data.entries()) assert.ok(Math.abs(value - Math.max(0, 2 * x.data[i])) < 1e-6);
  session.run({ x });
  assert.deepEqual([...session.read("count").data], [2, 2, 2, 2]);
  session.write(
    "shift",
    tensor(
      [45],
      x.data.map((value) => -value),
    ),
  );
  assert.ok(session.run({ x }).y.data.every((value) => value === 0));
  assert.deepEqual(session.fallbacks, []);
});

test("the first run, which goes through large layers in slices, gives the bits of the later ones", async () => {
  const g = graphScope();
  const filter = g.parameter("filter", [20, 12, 3, 3], { kind: "constant", value: 0 });
  const geometry = { stride: [1, 1], padding: [1, 1, 1, 1], groups: 1, similarity: "product" } as const;
  g.output("y", ops.conv2d(g, [g.input("x", [1, 12, 31, 29]), filter], geometry));
  using session = await wasmBackend.open(g.finish(), new Map([["filter", ramp(20, 12, 3, 3)]]));
  const inputs = { x: ramp(1, 12, 31, 29) };
  const first = session.run(inputs);
  assert.ok(first.y.data.every((value) => value !== 0));
  assert.deepEqual(session.run(inputs), first);
});

test("threads change no bit of the result", async () => {
  using one = await wasmBackend.open(counting(), weights());
  using two = await wasmBackend.open(counting(), weights(), { threads: 2 });
  const x = ramp(45);
  for (let i = 0; i < 50; i++) assert.deepEqual(two.run({ x }).y.data, one.run({ x }).y.data);
});

test("a graph that is opened again is not planned again, and its sessions share nothing but the plan", async () => {
  let lookups = 0;
  const watched = new Proxy(kernels, {
    get(table, name) {
      lookups++;
      return Reflect.get(table, name);
    },
  });
  const graph = counting();
  using first = await openSession(graph, weights(), watched);
  const planned = lookups;
  assert.ok(planned > 0);
  first.run({ x: ramp(45) });
  using second = await openSession(graph, weights(), watched);
  assert.equal(lookups, planned);
  second.run({ x: ramp(45) });
  second.run({ x: ramp(45) });
  assert.deepEqual([first.read("count").data[0], second.read("count").data[0]], [1, 2]);
  using threaded = await openSession(graph, weights(), watched, { threads: 2 });
  assert.equal(lookups, 2 * planned, "another number of threads is another plan");
  assert.deepEqual(threaded.run({ x: ramp(45) }).y.data, first.run({ x: ramp(45) }).y.data);
});

test("running in place allocates nothing and leaves inputs as they are", async () => {
  using session = await wasmBackend.open(counting(), weights());
  const [x, y] = [session.view("x"), session.view("y")];
  x.data.fill(1);
  session.runInPlace();
  const first = y.data.slice();
  session.runInPlace();
  assert.deepEqual(y.data, first);
  assert.ok(x.data.every((value) => value === 1));
  assert.equal(session.view("y"), y);
});

test("mistakes are named: missing weights, wrong shapes, unknown names, a disposed session", async () => {
  await assert.rejects(
    wasmBackend.open(counting(), new Map()),
    (error) => error instanceof EngineError && /lack "shift" \[45\]/.test(error.message),
  );
  const session = await wasmBackend.open(counting(), weights());
  assert.throws(
    () => session.run({ x: ramp(44) }),
    (error) => error instanceof ShapeError && /"x" needs \[45\], given \[44\]/.test(error.message),
  );
  assert.throws(() => session.run({}), ShapeError);
  const doubles = { shape: [45], data: new Float64Array(45) } as unknown as Tensor;
  assert.throws(
    () => session.run({ x: doubles }),
    (error) => error instanceof ShapeError && /\[45\] of Float64Array; it needs a Float32Array/.test(error.message),
  );
  assert.throws(() => session.write("shift", { shape: [45], data: new Float32Array(44) }), /with 44 elements/);
  assert.throws(() => session.read("shfit"), OptionError);
  session.dispose();
  session.dispose();
  assert.throws(
    () => session.run({ x: ramp(45) }),
    (error) => error instanceof EngineError && /disposed/.test(error.message),
  );
  assert.throws(() => session.view("x"), EngineError);
});

test("a graph that no memory can hold is refused before anything is allocated", async () => {
  const g = graphScope();
  g.output("y", ops.relu(g, [g.input("x", [64, 1024, 128, 128])], {}));
  await assert.rejects(
    wasmBackend.open(g.finish(), new Map()),
    (error) => error instanceof EngineError && /needs \d+ MiB/.test(error.message),
  );
});
