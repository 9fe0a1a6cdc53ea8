import assert from "node:assert/strict";
import { test } from "node:test";
import type { Tensor } from "../../../core/tensor.ts";
import type { Graph } from "../../../ir/graph.ts";
import { graphScope } from "../../../ir/scope.ts";
import { ops } from "../../../ops/index.ts";
import { encodeGraphAsOnnx } from "../encode.ts";
import { decodeModelProto, encodeModelProto, type ModelProto, type NodeProto, type Written } from "../schema.ts";
import { numbers } from "./files.testing.ts";
import { readOnnx } from "./index.ts";

const init = { kind: "constant", value: 0 } as const;

function layers(similarity: "l1" | "mitchell"): { graph: Graph; weights: Map<string, Tensor> } {
  const g = graphScope();
  const weights = new Map<string, Tensor>();
  const weight = (name: string, ...shape: number[]) => {
    weights.set(`${name}.weight`, numbers(name, ...shape));
    return g.parameter(`${name}.weight`, shape, init);
  };
  const x = g.input("image", [1, 6, 7, 5]);
  const padded = { stride: [2, 1], padding: [1, 0, 2, 1], groups: 2, similarity } as const;
  const plain = { stride: [1, 1], padding: [0, 0, 0, 0], groups: 6, similarity } as const;
  g.output("grouped", ops.conv2d(g, [x, weight("grouped", 4, 3, 3, 2)], padded));
  // An operand that is a product itself is not taken apart.
  g.output("depthwise", ops.conv2d(g, [ops.silu(g, [x], {}), weight("depthwise", 6, 1, 3, 3)], plain));
  g.output("linear", ops.linear(g, [ops.reshape(g, [x], { shape: [1, 210] }), weight("linear", 3, 210)], { similarity }));
  return { graph: g.finish(), weights };
}

for (const similarity of ["l1", "mitchell"] as const) {
  test(`layers of ${similarity} are recognised, strides, pads and groups included`, () => {
    const { graph, weights } = layers(similarity);
    const back = readOnnx(encodeGraphAsOnnx(graph, weights));
    const described = (found: Graph) => Object.values(found.outputs).map(({ producer }) => [producer?.op.name, producer?.attrs]);
    assert.deepEqual(described(back.graph), described(graph));
    for (const [name, { data }] of weights) assert.deepEqual(back.weights.get(name)?.data, data);
  });

  test(`what looks like a layer of ${similarity} but is none is not taken for one`, () => {
    const { graph, weights } = layers(similarity);
    const proto = decodeModelProto(encodeGraphAsOnnx(graph, weights), "test");
    // One tap of the first layer is taken away instead of added.
    const at = proto.graph?.node.findIndex(({ opType }) => opType === "Add" && similarity === "l1") ?? -1;
    const other = at >= 0 ? at : (proto.graph?.node.findIndex(({ opType }) => opType === "Floor") ?? -1);
    const replaced = at >= 0 ? "Sub" : "Ceil";
    const node = proto.graph?.node.map((each, i): NodeProto => (i === other ? { ...each, opType: replaced } : each));
    const file = encodeModelProto({ ...proto, graph: { ...proto.graph, node } } as Written<ModelProto>);
    assert.throws(() => readOnnx(file), /needs what Goldcrest does not read/);
  });
}
