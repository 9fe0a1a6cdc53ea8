import assert from "node:assert/strict";
import { test } from "node:test";
import { ops } from "../ops/index.ts";
import type { Graph, Node } from "./graph.ts";
import { graphScope } from "./scope.ts";
import { verify } from "./verify.ts";

function twoActivations(): Graph {
  const g = graphScope();
  const x = g.input("image", [1, 3, 4, 4]);
  g.output("y", ops.relu6(g.scope("second"), [ops.relu(g.scope("first"), [x], {})], {}));
  return g.finish();
}

const refused = (graph: Graph, message: RegExp): void => assert.throws(() => verify(graph), { name: "InternalError", message });

test("a graph that a scope built is well formed", () => {
  const graph = twoActivations();
  assert.equal(verify(graph), graph);
});

test("a value that is read before it is computed is refused", () => {
  const graph = twoActivations();
  refused({ ...graph, nodes: graph.nodes.toReversed() }, /relu6 at "second" reads %1 \(input 0\) too early/);
});

test("an output that nothing computes is refused", () => {
  const graph = twoActivations();
  refused({ ...graph, nodes: graph.nodes.slice(0, 1) }, /output "y" is not computed/);
});

test("two leaves of one name and two values of one id are refused", () => {
  const graph = twoActivations();
  const [image] = graph.leaves;
  refused({ ...graph, leaves: [image, { ...image, id: 99 }] }, /two leaves named "image"/);
  refused({ ...graph, leaves: [image, { ...image, name: "other" }] }, /two values %0/);
});

test("an output whose shape is not the rule's is refused", () => {
  const graph = twoActivations();
  const node = { ...graph.nodes[1], outputs: [] as Node["outputs"] } satisfies Node;
  const outputs = [{ ...graph.outputs.y, shape: [1, 3, 4, 5], producer: node }];
  const wrong = Object.assign(node, { outputs });
  refused({ ...graph, nodes: [graph.nodes[0], wrong], outputs: {} }, /output 0 is \[1, 3, 4, 5\], needed \[1, 3, 4, 4\]/);
});

test("an epilogue on an op that takes none, or of an op that is not elementwise, is refused", () => {
  const g = graphScope();
  const x = g.input("x", [2, 3]);
  const fused = (op: keyof typeof ops) => [{ op: ops[op] as Node["op"], attrs: {}, inputs: [] }];
  g.emit(ops.relu, [x], {}, fused("relu"));
  refused(g.finish(), /relu fused into relu at "", which takes no epilogue/);
  const h = graphScope();
  h.emit(ops.linear, [h.input("x", [2, 3]), h.parameter("w", [4, 3], { kind: "constant", value: 0 })], {}, fused("softmax"));
  refused(h.finish(), /softmax fused into linear at "" is not elementwise/);
});

test("an update of an input, and two updates of one state, are refused", () => {
  const g = graphScope();
  const x = g.input("x", [3]);
  const held = g.state("held", [3], { kind: "constant", value: 0 });
  const graph = g.finish();
  refused({ ...graph, updates: [{ target: x, source: held }] }, /update of "x": only parameters and states are updated, found an input/);
  const update = { target: held, source: x };
  refused({ ...graph, updates: [update, update] }, /update of "held" happens twice/);
});
