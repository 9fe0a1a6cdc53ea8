import assert from "node:assert/strict";
import { test } from "node:test";
import { type Graph, leavesOf, type Node } from "../src/ir/graph.ts";
import { ops } from "../src/ops/index.ts";
import type { Similar } from "../src/ops/similarity.ts";
import { applyPasses, inferencePasses, type Pass, trainingPasses } from "../src/passes/index.ts";
import { assertSameOutputs } from "./lib/conformity.ts";
import { inferenceNetwork, representatives, trainingNetwork } from "./lib/smallNetworks.ts";
import { foldedPass, samePass } from "./tolerances.ts";

const isFolding = (pass: Pass): boolean => pass.name === "foldConstants";
const count = (graph: Graph, name: string): number => graph.nodes.filter(({ op }) => op.name === name).length;

for (const name of representatives) {
  test(`${name}: every inference pass keeps the outputs`, () => {
    const network = inferenceNetwork(name);
    for (const pass of inferencePasses) {
      assertSameOutputs(network, applyPasses([pass], network), isFolding(pass) ? foldedPass : samePass, pass.name);
    }
    assertSameOutputs(network, applyPasses(inferencePasses, network), foldedPass, "all passes");
  });

  test(`${name}: after all inference passes no normalisation is left but behind adders, and each activation behind a layer is fused`, () => {
    const { graph, weights } = applyPasses(inferencePasses, inferenceNetwork(name));
    const isOfAdders = ({ inputs: [x] }: Node): boolean => (x.producer?.attrs as Partial<Similar> | undefined)?.similarity === "l1";
    assert.deepEqual(
      graph.nodes.filter((node) => node.op.name === "batchNorm" && !isOfAdders(node)),
      [],
    );
    assert.equal(count(graph, "normScale"), 0);
    for (const relu of graph.nodes.filter(({ op }) => op.name === "relu" || op.name === "relu6")) {
      assert.notEqual(relu.inputs[0].producer?.op.name, "conv2d", `${relu.scope} is not fused`);
    }
    assert.deepEqual(
      leavesOf(graph, "parameter").map((leaf) => weights.get(leaf.name as string)?.shape),
      leavesOf(graph, "parameter").map((leaf) => leaf.shape),
    );
  });

  test(`${name}: training passes keep the loss, every gradient and every running statistic`, () => {
    const network = trainingNetwork(name);
    assertSameOutputs(network, applyPasses(trainingPasses, network), samePass, "the training passes");
  });

  test(`${name}: differentiating for training computes a gradient of every parameter and none of the image`, () => {
    const { graph } = trainingNetwork(name);
    for (const { name: leaf } of leavesOf(graph, "parameter")) assert.ok(graph.outputs[`gradient of ${leaf}`], `no gradient of ${leaf}`);
    const [image] = leavesOf(graph, "input");
    const isOfImage = (shape: unknown): boolean => String(shape) === String(image.shape);
    // Other values may have the image's shape; each layer that reads one of these has its gradient.
    const computed = graph.nodes.filter(({ op, outputs }) => op.name.endsWith("InputGradient") && isOfImage(outputs[0].shape));
    const readers = graph.nodes.filter(({ op, inputs: [x] }) => `${op.name}InputGradient` in ops && x !== image && isOfImage(x.shape));
    assert.equal(computed.length, readers.length);
  });
}
