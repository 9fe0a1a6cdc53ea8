import assert from "node:assert/strict";
import { test } from "node:test";
import { OptionError } from "../core/errors.ts";
import { type Graph, leavesOf, type Node, type Value } from "../ir/graph.ts";
import { extendScope, graphScope } from "../ir/scope.ts";
import { verify } from "../ir/verify.ts";
import { ops } from "../ops/index.ts";
import { differentiate } from "../passes/differentiate.ts";
import type { Arithmetic } from "../passes/setArithmetic.ts";
import { type BuildOptions, buildNetwork, emitNetwork, findNetwork, networks, resolveOptions } from "./index.ts";
import { count, fittingWidth } from "./networks.testing.ts";

/** Networks that normalise nothing: adders cannot stand in them. */
const unnormalised = ["squeezenet-1.0", "squeezenet-1.1", "vgg-16"];

function small(name: string, arithmetic: Arithmetic, more: BuildOptions = {}): Graph {
  const network = findNetwork(name);
  const shape = { size: 64, batch: 2, classes: 10, isSmallImage: true, width: fittingWidth(network, 0.25) };
  return buildNetwork(network, { ...shape, arithmetic, ...more });
}

function similarityOf({ attrs }: Node): string {
  return (attrs as { readonly similarity?: string }).similarity ?? "product";
}

/** Layers that sum similarities, and which. */
function layersOf(graph: Graph): readonly { readonly node: Node; readonly similarity: string }[] {
  return graph.nodes.filter(({ op }) => op.takesSimilarity).map((node) => ({ node, similarity: similarityOf(node) }));
}

/** Every parameter has a gradient in a step of training. */
function assertTrainable(graph: Graph): void {
  const g = extendScope(verify(graph), { isTraining: true });
  const { logits } = graph.outputs;
  g.output("loss", ops.softmaxCrossEntropy(g, [logits, g.input("target", logits.shape)], { smoothing: 0 }));
  const { graph: whole, gradients } = differentiate(g.finish());
  verify(whole);
  assert.equal(gradients.size, leavesOf(graph, "parameter").length);
}

for (const name of Object.keys(networks)) {
  test(`${name} computes by Mitchell products: all layers, every parameter with a gradient, the same weights`, () => {
    const graph = small(name, "mitchell", { isTraining: true });
    assert.ok(layersOf(graph).every(({ similarity }) => similarity === "mitchell"));
    assertTrainable(graph);
    const weights = (all: Graph): unknown => leavesOf(all, "parameter").map(({ name: leaf, shape }) => [leaf, shape]);
    assert.deepEqual(weights(graph), weights(small(name, "product")));
  });

  if (unnormalised.includes(name)) {
    test(`${name} has no convolution that could be of adders, and says so`, () => {
      assert.throws(
        () => small(name, "adder"),
        (error: unknown) =>
          error instanceof OptionError && /arithmetic "adder" .* there are none; nearest legal value "product"/.test(error.message),
      );
    });
    continue;
  }

  test(`${name} computes by adders: convolutions that are normalised, but neither the first layer nor the classifier`, () => {
    const graph = small(name, "adder", { isTraining: true });
    const layers = layersOf(graph);
    const adders = layers.filter(({ similarity }) => similarity === "l1");
    assert.ok(adders.length > 0);
    for (const { node } of adders) assert.ok(node.inputs[0].shape.length === 4 && node.inputs[0].kind === "computed", node.scope);
    assert.equal(layers[0].similarity, "product");
    assert.equal(layers[layers.length - 1].similarity, "product");
    assertTrainable(graph);
  });
}

test("gates of channel attention stay products: nothing normalises them", () => {
  const products = layersOf(small("efficientnet-b0", "adder")).filter(({ similarity }) => similarity === "product");
  assert.ok(products.slice(1, -1).every(({ node }) => /\.fc[12]$/.test(node.scope)));
});

test("adders start as normal numbers of deviation 1, products and Mitchell products as products do", () => {
  const init = (arithmetic: Arithmetic, name: string): Value["init"] =>
    leavesOf(buildNetwork("resnet-20", { arithmetic }), "parameter").find((leaf) => leaf.name === name)?.init;
  const [filter, first] = ["layer1.0.conv1.weight", "conv1.weight"];
  assert.deepEqual(init("adder", filter), { kind: "normal", std: 1 });
  for (const name of [filter, first]) assert.deepEqual(init("mitchell", name), init("product", name));
  assert.deepEqual(init("adder", first), init("product", first));
});

test("the padding of TensorFlow, which is not the same on all sides, stays where it is", () => {
  const paddings = (arithmetic: Arithmetic): unknown =>
    layersOf(small("mobilenet-v2", arithmetic, { padding: "tensorflow" })).map(({ node }) => (node.attrs as { padding?: unknown }).padding);
  assert.deepEqual(paddings("adder"), paddings("product"));
});

test("a network built in a scope by another arithmetic has its leaves, its noise and its updates there", () => {
  const network = findNetwork("mobilenet-v3-small");
  const settings = resolveOptions(network, { arithmetic: "adder", width: 0.25, classes: 3, dropout: 0.5, isSmallImage: true }, 32);
  const g = graphScope({ isTraining: true });
  g.output("logits", emitNetwork(g, g.input("image", [2, 3, 32, 32]), network, settings));
  const graph = verify(g.finish());
  const plain = buildNetwork(network, { width: 0.25, classes: 3, dropout: 0.5, isSmallImage: true, size: 32, batch: 2, isTraining: true });
  const names = (all: Graph): unknown => all.leaves.map(({ kind, name }) => [kind, name]);
  assert.deepEqual(names(graph), names(plain));
  assert.equal(graph.updates.length, plain.updates.length);
  assert.deepEqual(count(graph).params, count(plain).params);
});

const refused: readonly (readonly [what: string, options: object, message: RegExp])[] = [
  [
    "an unknown arithmetic",
    { arithmetic: "added" },
    /unknown arithmetic "added"\n {2}did you mean "adder"\? {3}\(product, adder, mitchell\)/,
  ],
  ["a gradient that the arithmetic does not have", { arithmetic: "adder", gradient: "ste" }, /arithmetic "adder": "ste"\n {2}\(adder\)/],
  ["an unknown gradient", { arithmetic: "mitchell", gradient: "exakt" }, /did you mean "exact"\? {3}\(approx, exact, ste\)/],
];

for (const [what, options, message] of refused) {
  test(`${what} is refused`, () => {
    assert.throws(
      () => buildNetwork("resnet-20", options),
      (error: unknown) => error instanceof OptionError && message.test(error.message),
    );
  });
}
