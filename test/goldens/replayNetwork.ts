import type { Backend } from "../../src/engine/session.ts";
import type { Graph, Value } from "../../src/ir/graph.ts";
import { optimise } from "../../src/passes/index.ts";
import { expect, expectNear, expectShape, type Tolerances } from "./compare.ts";
import { build, expectDigest, type NetworkFixture, type Prepared, prepare } from "./networkFixture.ts";
import { draw } from "./recipe.ts";
import { replayGradients } from "./replayGradients.ts";
import { countParams, expectCounts, expectState, runOnce, withOutputs } from "./run.ts";

/** Folded constants are stored in float32, whatever the backend computes in. */
const FOLDED = 1e-5;

/** The value that a module of the reference gives: the last one computed in our scope of that place. */
function stageValue(graph: Graph, scope: string): Value | undefined {
  return graph.nodes.findLast((node) => node.scope === scope || node.scope.startsWith(`${scope}.`))?.outputs[0];
}

/** Replays a network: counts, names, stages, logits, gradient sets. Throws Mismatch at the first difference; returns remarks. */
export async function replayNetwork(fixture: NetworkFixture, backend: Backend, tolerances: Tolerances): Promise<readonly string[]> {
  const prepared = prepare(fixture);
  const { weights } = prepared;
  const graph = build(prepared, fixture.input, false);
  expectState(graph, new Map([...weights].map(([name, { shape }]) => [name, shape])));
  expect(countParams(graph) === fixture.params, () => `parameters: ${countParams(graph)}, needed ${fixture.params}`);
  expectCounts(graph, fixture.input.shape[0], fixture.macs.per_image);
  // Two images: normalised features of one have no variance.
  expectNormalisation(build(prepared, { ...fixture.input, shape: [2, ...fixture.input.shape.slice(1)] }, true), fixture);
  await replayInference(prepared, graph, backend, tolerances);
  const remarks: string[] = [];
  for (const name of ["train", "grad_eval"] as const) {
    const set = fixture[name];
    const remark = set && (await replayGradients(prepared, name, set, backend, tolerances));
    if (remark) remarks.push(remark);
  }
  return remarks;
}

function expectNormalisation(graph: Graph, { bn }: NetworkFixture): void {
  const attributes = graph.nodes.map((node) => node.attrs as { eps?: number; momentum?: number });
  const found = attributes
    .filter(({ eps, momentum }) => eps !== undefined && momentum !== undefined)
    .map(({ eps, momentum }) => `eps ${eps}, momentum ${momentum}`);
  const needed = bn.map(({ eps, momentum }) => `eps ${eps}, momentum ${momentum}`);
  const list = (texts: readonly string[]): string => [...new Set(texts)].sort().join("; ") || "none";
  expect(list(found) === list(needed), () => `normalisation: ${list(found)}, needed ${list(needed)}`);
}

async function replayInference(
  { fixture, counterpart, weights }: Prepared,
  graph: Graph,
  backend: Backend,
  { logits: tolerance }: Tolerances,
): Promise<void> {
  const inputs = { image: draw(fixture.input) };
  const stages = fixture.stages.flatMap((stage) => {
    const scope = counterpart.names.scopeOf(stage.name);
    const value = scope === undefined ? undefined : stageValue(graph, scope);
    return value ? [{ stage, value }] : [];
  });
  const observed = withOutputs(graph, Object.fromEntries(stages.map(({ stage, value }) => [`stage.${stage.name}`, value])));
  await runOnce(backend, observed, weights, inputs, ({ outputs }) => {
    for (const { stage } of stages) expectDigest(`stage ${stage.name}`, outputs[`stage.${stage.name}`], stage, tolerance);
    expectNear("logits", outputs.logits.data, fixture.logits, { tolerance });
  });
  const inference = optimise(graph, weights);
  await runOnce(backend, inference.graph, inference.weights, inputs, ({ outputs }) => {
    expectShape("logits", outputs.logits.shape, fixture.logits_shape);
    expectNear("logits of the optimised graph", outputs.logits.data, fixture.logits, { tolerance: Math.max(tolerance, FOLDED) });
  });
}
