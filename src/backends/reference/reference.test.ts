import assert from "node:assert/strict";
import { test } from "node:test";
import type { Tensor } from "../../core/tensor.ts";
import type { Session, Weights } from "../../engine/session.ts";
import type { Graph } from "../../ir/graph.ts";
import { graphScope } from "../../ir/scope.ts";
import { ops } from "../../ops/index.ts";
import { evaluate, referenceBackend } from "./index.ts";

const vector = (...data: number[]): Tensor => ({ shape: [data.length], data: Float32Array.from(data) });

/** y = x + held; held' = y. */
function accumulator(): Graph {
  const g = graphScope();
  const x = g.input("x", [2]);
  const held = g.state("held", [2], { kind: "constant", value: 0 });
  const y = ops.add(g, [x, held], {});
  g.update(held, y);
  g.output("y", y);
  return g.finish();
}

const open = (weights: Weights = new Map([["held", vector(1, 2)]])): Promise<Session> => referenceBackend.open(accumulator(), weights);

test("a run gives its outputs and then replaces what it updates", async () => {
  const session = await open();
  assert.deepEqual(session.run({ x: vector(10, 20) }).y, vector(11, 22));
  assert.deepEqual(session.read("held"), vector(11, 22));
  assert.deepEqual(session.run({ x: vector(1, 1) }).y, vector(12, 23));
});

test("weights can be replaced, and inputs and outputs seen in place", async () => {
  const session = await open();
  session.write("held", vector(5, 5));
  session.view("x").data.set([1, 2]);
  session.runInPlace();
  assert.deepEqual([...session.view("y").data], [6, 7]);
  assert.deepEqual(session.view("y").strides, [1]);
});

test("a profile has a row for each node", async () => {
  const session = await open();
  assert.deepEqual(
    session.profile().map(({ op, kernel }) => [op, kernel]),
    [["add", "reference"]],
  );
});

test("outputs of an evaluation keep float64", () => {
  const { data } = evaluate(
    accumulator(),
    new Map([["held", vector(1, 2)]]),
    new Map([["x", { shape: [2], data: new Float64Array([1e-12, 0]) }]]),
  ).get("y") ?? {
    data: [],
  };
  assert.equal(data[0], 1 + 1e-12);
});

test("missing or misshapen tensors, unknown names and a disposed session are refused", async () => {
  await assert.rejects(open(new Map()), /state "held" \[2\] is missing; given: none/);
  await assert.rejects(open(new Map([["held", vector(1)]])), /state "held" is \[1\], needed \[2\]/);
  const session = await open();
  assert.throws(() => session.run({}), /input "x" \[2\] is missing/);
  assert.throws(() => session.run({ x: vector(1, 2, 3) }), /input "x" is \[3\], needed \[2\]/);
  assert.throws(() => session.read("other"), /no parameter or state "other"/);
  assert.throws(() => session.write("held", vector(1)), /the new value of "held" is \[1\], needed \[2\]/);
  assert.throws(() => session.view("z"), /no input or output "z"; this session has x, y/);
  session.dispose();
  assert.throws(() => session.run({ x: vector(1, 2) }), /this session was disposed of/);
});
