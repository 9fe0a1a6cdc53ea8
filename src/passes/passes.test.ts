/** Each pass on the smallest graph that shows it, before and after as text (test/expected/passes/). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertSameOutputs } from "../../test/lib/conformity.ts";
import { matchExpected } from "../../test/lib/expected.ts";
import { randomWeights } from "../../test/lib/randomWeights.ts";
import { foldedPass } from "../../test/tolerances.ts";
import type { Graph, Value } from "../ir/graph.ts";
import { print } from "../ir/print.ts";
import { graphScope, type Scope } from "../ir/scope.ts";
import { verify } from "../ir/verify.ts";
import { ops } from "../ops/index.ts";
import { absorbShuffle } from "./absorbShuffle.ts";
import { differentiate } from "./differentiate.ts";
import { foldBatchNorm } from "./foldBatchNorm.ts";
import { foldConstants } from "./foldConstants.ts";
import { fuseActivation } from "./fuseActivation.ts";
import { optimise, optimiseTraining } from "./index.ts";
import { removeDead } from "./removeDead.ts";
import { type Arithmetic, arithmetics, setArithmetic } from "./setArithmetic.ts";

const init = { kind: "constant", value: 1 } as const;
const one = { stride: [1, 1], padding: [0, 0, 0, 0], groups: 1, similarity: "product" } as const;

function conv(g: Scope, x: Value, out: number): Value {
  return ops.conv2d(g, [x, g.parameter("weight", [out, x.shape[1], 1, 1], init)], one);
}

function norm(g: Scope, x: Value): Value {
  const vector = [x.shape[1]];
  const trained = [g.parameter("weight", vector, init), g.parameter("bias", vector, init)];
  const statistics = [g.state("mean", vector, init), g.state("var", vector, init)];
  if (!g.isTraining) return ops.batchNorm(g, [x, ...trained, ...statistics], { eps: 1e-5 });
  const count = g.state("count", [], init);
  const results = ops.batchNormTrain.all(g, [x, ...trained, ...statistics, count], { eps: 1e-5, momentum: 0.1 });
  for (const [i, target] of [...statistics, count].entries()) g.update(target, results[i + 3]);
  return results[0];
}

/** y = relu6(x + norm(conv(x))), the end of a residual block. */
function residual(isTraining = false): Graph {
  const g = graphScope({ isTraining });
  const x = g.input("image", [2, 3, 2, 2]);
  const sum = ops.add(g.scope("sum"), [x, norm(g.scope("norm"), conv(g.scope("conv"), x, 3))], {});
  g.output("y", ops.relu6(g.scope("act"), [sum], {}));
  return g.finish();
}

function show(name: string, before: Graph, after: Graph): void {
  verify(after);
  matchExpected(`passes/${name}.txt`, `before\n${print(before)}\nafter\n${print(after)}`);
}

test("a normalisation is folded into the convolution before it, as graph", () => {
  const graph = residual();
  show("foldBatchNorm", graph, foldBatchNorm(graph));
});

test("adders take the place of the products that a normalisation follows, but for the first and the last; Mitchell products of all", () => {
  const g = graphScope();
  let x = conv(g.scope("first"), g.input("image", [1, 3, 2, 2]), 4);
  x = conv(g.scope("second"), norm(g.scope("norm1"), x), 4);
  // Moved channels are normalised all the same; a sum is not.
  x = norm(g.scope("norm2"), ops.channelShuffle(g, [x], { groups: 2 }));
  x = ops.add(g, [x, conv(g.scope("third"), x, 4)], {});
  g.output("y", norm(g.scope("norm3"), conv(g.scope("last"), x, 2)));
  const graph = g.finish();
  show("setArithmetic", graph, setArithmetic(graph, { arithmetic: "adder" }));
  const layers = (arithmetic: Arithmetic): number =>
    setArithmetic(graph, { arithmetic }).nodes.filter(({ attrs }) => Object.values(attrs).includes(arithmetics[arithmetic].similarity))
      .length;
  assert.deepEqual([layers("adder"), layers("mitchell"), layers("product")], [1, 4, 4]);
});

test("a normalisation is not folded where something else reads the convolution", () => {
  const g = graphScope();
  const y = conv(g.scope("conv"), g.input("image", [1, 3, 2, 2]), 3);
  g.output("y", norm(g.scope("norm"), y));
  g.output("before", y);
  assert.ok(foldBatchNorm(g.finish()).nodes.some(({ op }) => op.name === "batchNorm"));
});

/** Channels of x shuffled in `groups`, in a scope of that name. */
function shuffle(g: Scope, x: Value, groups: number): Value {
  return ops.channelShuffle(g.scope(`shuffle${groups}`), [x], { groups });
}

const shufflesOf = (graph: Graph): number => graph.nodes.filter(({ op }) => op.name === "channelShuffle").length;

/** Shuffles left in what `build` makes of a picture of 12 channels, run with fixed weights; that the outputs are the same is a test of its own. */
function shufflesLeft(build: (g: Scope, x: Value) => void): number {
  const g = graphScope();
  build(g, g.input("image", [2, 12, 3, 3]));
  const graph = g.finish();
  const weights = randomWeights(graph);
  const absorbed = optimise(graph, weights);
  assertSameOutputs({ graph, weights }, absorbed, foldedPass, "absorbed shuffles");
  return shufflesOf(absorbed.graph);
}

test("a shuffle of channels is left out: vectors and filters of channels are shuffled back, grouped convolutions read from where channels lie", () => {
  const g = graphScope();
  const y = norm(g.scope("norm"), shuffle(g, g.input("image", [1, 6, 2, 2]), 2));
  const depthwise = ops.conv2d(g, [y, g.parameter("filter", [6, 1, 1, 1], init)], { ...one, groups: 6 });
  g.output("y", ops.conv2d(g, [ops.relu(g, [depthwise], {}), g.parameter("grouped", [4, 3, 1, 1], init)], { ...one, groups: 2 }));
  const graph = g.finish();
  show("absorbShuffle", graph, absorbShuffle(graph, { isRead: true }));
});

test("where convolutions must read channels in a row, the shuffle is made up for in front of the grouped one", () => {
  const g = graphScope();
  const y = ops.relu(g, [shuffle(g, g.input("image", [1, 6, 2, 2]), 2)], {});
  g.output("y", ops.conv2d(g, [y, g.parameter("grouped", [4, 3, 1, 1], init)], { ...one, groups: 2 }));
  assert.deepEqual(
    absorbShuffle(g.finish(), { isRead: false }).nodes.map(({ op }) => op.name),
    ["relu", "channelShuffle", "conv2d"],
  );
});

test("a dense layer takes any order: of pixels, of pooled features", () => {
  const left = shufflesLeft((g, x) => {
    const y = shuffle(g, shuffle(g, x, 3), 6);
    g.output("pixels", conv(g.scope("conv"), y, 5));
    const features = ops.reshape(g, [ops.globalAveragePool(g, [y], {})], { shape: [2, 12] });
    g.output("features", ops.linear(g, [features, g.parameter("weight", [7, 12], init)], {}));
  });
  assert.equal(left, 0);
});

test("shuffles that undo each other are none, and two branches in one order are added in it", () => {
  assert.equal(
    shufflesLeft((g, x) => g.output("y", shuffle(g, shuffle(g, x, 3), 4))),
    0,
  );
  const left = shufflesLeft((g, x) => {
    const sum = ops.add(g, [shuffle(g, x, 3), ops.relu(g, [shuffle(g, ops.relu(g, [x], {}), 3)], {})], {});
    g.output("y", conv(g.scope("conv"), sum, 5));
  });
  assert.equal(left, 0);
});

test("branches in different orders are not added but where one is computed in the other's", () => {
  assert.equal(
    shufflesLeft((g, x) => g.output("y", conv(g, ops.add(g, [shuffle(g, x, 3), x], {}), 5))),
    1,
  );
  const left = shufflesLeft((g, x) => {
    const dense = norm(g.scope("norm"), conv(g.scope("dense"), x, 12));
    g.output("y", conv(g, ops.add(g, [ops.sigmoid(g, [dense], {}), shuffle(g, x, 3)], {}), 5));
  });
  assert.equal(left, 0);
});

test("gates of channels and coefficients of Dynamic Shift-Max are computed in the order of what they meet", () => {
  const gates = (g: Scope, x: Value, count: number): Value => {
    const features = ops.reshape(g, [ops.globalAveragePool(g, [x], {})], { shape: [2, 12] });
    return ops.hardSigmoid(
      g,
      [ops.linear(g, [features, g.parameter("gates", [count, 12], init), g.parameter("shift", [count], init)], {})],
      {},
    );
  };
  const left = shufflesLeft((g, x) => {
    const y = shuffle(g, x, 3);
    const gated = ops.multiply(g, [y, ops.reshape(g, [gates(g.scope("gate"), y, 12)], { shape: [2, 12, 1, 1] })], {});
    const init = [1, 0, 0.5, 0.5];
    const most = ops.dynamicShiftMax(g, [gated, gates(g.scope("shift"), gated, 48)], { groups: 4, range: 2, init });
    g.output("y", conv(g.scope("conv"), most, 5));
  });
  assert.equal(left, 0);
});

test("a shuffle that would have to be made up for twice stays where it is", () => {
  const g = graphScope();
  const shuffled = ops.channelShuffle(g, [g.input("image", [1, 6, 2, 2])], { groups: 2 });
  g.output("y", ops.relu(g, [shuffled], {}));
  g.output("before", shuffled);
  assert.deepEqual(
    absorbShuffle(g.finish(), { isRead: true }).nodes.map(({ op }) => op.name),
    ["channelShuffle", "relu"],
  );
});

test("what depends on weights only is computed once and stored under its scope", () => {
  const graph = foldBatchNorm(residual());
  const folded = foldConstants(graph, randomWeights(graph));
  show("foldConstants", graph, folded.graph);
  assert.deepEqual([...folded.weights.keys()].sort(), ["conv.bias.reshape", "conv.weight.multiply"]);
});

test("a state that a run replaces is not constant", () => {
  const g = graphScope();
  const held = g.state("held", [3], init);
  const twice = ops.add(g, [held, held], {});
  g.update(held, twice);
  g.output("y", twice);
  const { graph } = foldConstants(g.finish(), randomWeights(g.finish()));
  assert.equal(graph.nodes.length, 1);
});

test("a residual addition and the activation behind it go into the epilogue of the layer before", () => {
  const graph = residual();
  show("fuseActivation", graph, fuseActivation(graph));
});

test("an activation whose operand has a second reader is not fused", () => {
  const g = graphScope();
  const y = conv(g.scope("conv"), g.input("image", [1, 3, 2, 2]), 3);
  g.output("y", ops.multiply(g, [ops.relu(g, [y], {}), y], {}));
  assert.ok(fuseActivation(g.finish()).nodes.every(({ epilogue }) => epilogue.length === 0));
});

test("nodes that lead nowhere and weights that nothing reads are dropped; inputs stay", () => {
  const g = graphScope();
  const x = g.input("image", [1, 3, 2, 2]);
  conv(g.scope("unread"), x, 4);
  g.input("unused", [1]);
  g.output("y", ops.relu(g, [x], {}));
  const graph = g.finish();
  show("removeDead", graph, removeDead(graph));
});

test("all inference passes leave one node of a residual block", () => {
  const graph = residual();
  const { graph: fast } = optimise(graph, randomWeights(graph));
  assert.deepEqual(
    fast.nodes.map(({ op, epilogue }) => [op.name, ...epilogue.map((fused) => fused.op.name)]),
    [["conv2d", "add", "relu6"]],
  );
});

test("the gradient of a residual block adds what both branches send back", () => {
  const graph = residual(true);
  const wrt = graph.leaves.filter(({ name }) => name === "image" || name === "conv.weight");
  const { graph: both, gradients } = differentiate(graph, { loss: "y", cotangent: "dy", wrt });
  assert.deepEqual(
    [...gradients.keys()].map(({ name }) => name),
    ["image", "conv.weight"],
  );
  show("differentiate", graph, { ...both, outputs: Object.fromEntries([...gradients].map(([leaf, value]) => [`d ${leaf.name}`, value])) });
});

test("in training, ReLU6 is fused although its gradient is computed, hard-swish is not", () => {
  const fusedOps = (act: "relu6" | "hardSwish"): readonly string[] => {
    const g = graphScope({ isTraining: true });
    const y = norm(g.scope("norm"), conv(g.scope("conv"), g.input("image", [2, 3, 2, 2]), 3));
    g.output("y", ops[act](g, [y], {}));
    const { graph, gradients } = differentiate(g.finish(), { loss: "y", cotangent: "dy" });
    const outputs = { ...graph.outputs, ...Object.fromEntries([...gradients].map(([leaf, value]) => [`d ${leaf.name}`, value])) };
    return optimiseTraining({ ...graph, outputs }).nodes.flatMap(({ epilogue }) => epilogue.map(({ op }) => op.name));
  };
  assert.deepEqual(fusedOps("relu6"), ["relu6"]);
  assert.deepEqual(fusedOps("hardSwish"), []);
});

test("only a scalar is differentiated without a cotangent, and only an output that exists", () => {
  assert.throws(
    () => differentiate(residual(), { loss: "y" }),
    /output "y" is \[2, 3, 2, 2\], but only a scalar \[\] can be differentiated/,
  );
  assert.throws(() => differentiate(residual()), /no output "loss" to differentiate; the graph has y/);
});

test("an op without a gradient rule names itself and its place", () => {
  const g = graphScope();
  const p = g.scope("layer").parameter("p", [3], init);
  g.output("y", ops.normScale(g.scope("layer"), [p, p], { eps: 0 }));
  assert.throws(() => differentiate(g.finish(), { loss: "y", cotangent: "dy" }), /normScale at "layer" has no gradient rule/);
});
