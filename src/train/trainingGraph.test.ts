import assert from "node:assert/strict";
import { test } from "node:test";
import { leavesOf, type Node } from "../ir/graph.ts";
import { verify } from "../ir/verify.ts";
import { emitNetwork, findNetwork, resolveOptions } from "../networks/index.ts";
import { ops } from "../ops/index.ts";
import { initialise } from "./initialise.ts";
import { tinyBuilder, tinyRecipe } from "./tinyTask.testing.ts";
import { type Builder, evaluationGraph, startingWeights, trainingGraph } from "./trainingGraph.ts";

const shape = { build: tinyBuilder(), batch: 4, size: 8, channels: 1, classes: 3 };

function inputsOf(changes: Parameters<typeof tinyRecipe>[0]): string[] {
  const graph = verify(trainingGraph({ ...shape, recipe: tinyRecipe(changes) }));
  return leavesOf(graph, "input").map(({ name = "" }) => name);
}

test("a step's inputs are those that its recipe needs", () => {
  const always = ["image", "target", "learningRate", "step"];
  assert.deepEqual(inputsOf({ dropout: 0, average: 0 }), always);
  assert.deepEqual(inputsOf({ average: 0 }).sort(), [...always, "noise.drop"].sort());
  assert.deepEqual(inputsOf({ accumulate: 2 }).sort(), [...always, "noise.drop", "averageDecay", "isApplied", "partDecay"].sort());
});

test("every parameter is updated, and only weights of rank 2 and 4 decay", () => {
  const graph = trainingGraph({ ...shape, recipe: tinyRecipe({ weightDecay: 0.25 }) });
  const updated = new Set(graph.updates.map(({ target }) => target));
  for (const leaf of leavesOf(graph, "parameter")) assert(updated.has(leaf), String(leaf.name));
  const decays = graph.updates
    .filter(({ target }) => target.kind === "parameter")
    .map(
      ({ target, source }) => [`${target.name}`, (source.producer?.attrs as { weightDecay?: number } | undefined)?.weightDecay] as const,
    );
  assert.deepEqual(Object.fromEntries(decays), {
    "features.weight": 0.25,
    "norm.weight": 0,
    "norm.bias": 0,
    "second.weight": 0.25,
    "head.weight": 0.25,
    "head.bias": 0,
  });
});

test("adders decay as the weights that they are, and their layer's rate reaches the optimiser", () => {
  const network = findNetwork("vanilla-compact");
  const build: Builder = (g, image, { classes }) => {
    return emitNetwork(g, image, network, resolveOptions(network, { classes, width: 0.25, arithmetic: "adder" }));
  };
  const graph = verify(trainingGraph({ ...shape, build, recipe: tinyRecipe({ weightDecay: 0.25 }) }));
  const filters = new Set(
    graph.nodes.flatMap(({ attrs, inputs }) => ("similarity" in attrs && attrs.similarity === "l1" ? [inputs[1]] : [])),
  );
  assert.ok(filters.size > 0);
  for (const { target, source } of graph.updates.filter((update) => update.target.kind === "parameter")) {
    const { attrs, inputs } = source.producer as Node;
    assert.equal((attrs as { readonly weightDecay: number }).weightDecay, target.shape.length > 1 ? 0.25 : 0);
    if (filters.has(target)) assert.equal(inputs[1].producer?.op, ops.layerRate);
  }
});

test("states carry the names of the weights they belong to", () => {
  const named = (kind: "sgd" | "rmsprop" | "adamw"): string[] => {
    const numbers = {
      sgd: { momentum: 0.9, isNesterov: true },
      rmsprop: { decay: 0.9, eps: 1, momentum: 0.9 },
      adamw: { beta1: 0.9, beta2: 0.999, eps: 1e-8 },
    };
    const graph = trainingGraph({ ...shape, recipe: tinyRecipe({ optimiser: { kind, ...numbers[kind] } as never, average: 0 }) });
    return leavesOf(graph, "state").flatMap(({ name = "" }) =>
      name.startsWith("optimiser.") && name.endsWith(".head.bias") ? [name] : [],
    );
  };
  assert.deepEqual(named("sgd"), ["optimiser.velocity.head.bias"]);
  assert.deepEqual(named("rmsprop"), ["optimiser.square.head.bias", "optimiser.velocity.head.bias"]);
  assert.deepEqual(named("adamw"), ["optimiser.first.head.bias", "optimiser.second.head.bias"]);
});

test("initial weights depend on seed and name alone", () => {
  const small = initialise(evaluationGraph(shape), 5);
  const large = initialise(trainingGraph({ ...shape, batch: 9, recipe: tinyRecipe() }), 5);
  for (const [name, { data }] of small) assert.deepEqual(large.get(name)?.data, data, name);
  assert.notDeepEqual(initialise(evaluationGraph(shape), 6).get("head.weight"), small.get("head.weight"));
  const { data } = small.get("second.weight") ?? { data: new Float32Array(1) };
  const deviation = Math.sqrt(data.reduce((sum, x) => sum + x * x, 0) / data.length);
  assert(Math.abs(deviation - 0.15) < 0.01, `${deviation}`);
});

test("averages start as what they follow, given weights included", () => {
  const graph = trainingGraph({ ...shape, recipe: tinyRecipe() });
  const given = new Map([["head.bias", { shape: [3], data: new Float32Array([1, 2, 3]) }]]);
  const weights = startingWeights(graph, 5, given);
  assert.deepEqual(weights.get("average.head.bias")?.data, new Float32Array([1, 2, 3]));
  assert.equal(weights.has("average.norm.running_var"), false);
  assert.deepEqual(weights.get("average.second.weight"), weights.get("second.weight"));
  assert.deepEqual(weights.get("optimiser.velocity.head.bias")?.data, new Float32Array(3));
});
