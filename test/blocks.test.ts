/** Every block of the literature by itself: shapes, a training step on every backend, every pass. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { blocks, differentiate, type Graph, graphScope, verify } from "../src/index.ts";
import { leavesOf } from "../src/ir/graph.ts";
import { applyPasses, inferencePasses, trainingPasses } from "../src/passes/index.ts";
import { backends } from "./backends.ts";
import { type BlockCase, heads, papers, survey } from "./lib/blockCases.ts";
import { assertAgrees, assertSameOutputs } from "./lib/conformity.ts";
import { randomWeights } from "./lib/randomWeights.ts";
import { withGradients } from "./lib/smallNetworks.ts";
import { deepNetwork, deepTraining, foldedPass, samePass } from "./tolerances.ts";

const BATCH = 3;
const [HEIGHT, WIDTH] = [7, 6];

function built({ inputs, build }: BlockCase, isTraining: boolean): { graph: Graph; shape: readonly number[] } {
  const g = graphScope({ isTraining });
  const y = build(g.scope("block"), g.input("x", [BATCH, inputs, HEIGHT, WIDTH]));
  g.output("logits", y.shape.length === 4 ? blocks.pooledFeatures(g, y) : y);
  return { graph: verify(g.finish()), shape: y.shape };
}

const all = [
  ...survey.map((each) => ({ ...each, name: `${each.name} (survey)` })),
  ...papers.map((each) => ({ ...each, name: `${each.name} (paper)` })),
  ...heads,
];

for (const block of all) {
  const { name, out, stride = 1 } = block;
  const isHead = heads.includes(block);

  test(`${name}: ${block.inputs} → ${out} channels, and a gradient of every parameter`, () => {
    const { graph, shape } = built(block, false);
    assert.deepEqual(shape, isHead ? [BATCH, out] : [BATCH, out, Math.ceil(HEIGHT / stride), Math.ceil(WIDTH / stride)]);
    const { gradients } = differentiate(graph, { loss: "logits", cotangent: "cotangent" });
    for (const leaf of leavesOf(graph, "parameter")) assert.ok(gradients.has(leaf), `no gradient of ${leaf.name}`);
  });

  test(`${name}: every pass keeps what it computes`, () => {
    const { graph } = built(block, false);
    const inference = { graph, weights: randomWeights(graph) };
    assertSameOutputs(inference, applyPasses(inferencePasses, inference), foldedPass, "the inference passes");
    const training = withGradients(built(block, true).graph);
    assertSameOutputs(training, applyPasses(trainingPasses, training), samePass, "the training passes");
  });

  for (const tested of backends.filter(({ backend }) => backend.name !== "reference")) {
    test(`${tested.name}: ${name} infers and trains as on the reference, without a fallback`, async () => {
      const { graph } = built(block, false);
      await assertAgrees(tested, applyPasses(inferencePasses, { graph, weights: randomWeights(graph) }), deepNetwork);
      await assertAgrees(tested, applyPasses(trainingPasses, withGradients(built(block, true).graph)), deepTraining);
    });
  }
}
