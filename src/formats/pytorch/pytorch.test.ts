import assert from "node:assert/strict";
import { test } from "node:test";
import { matchExpected } from "../../../test/lib/expected.ts";
import { graphScope } from "../../ir/scope.ts";
import { type BuildOptions, buildNetwork, networks } from "../../networks/index.ts";
import { fittingWidth } from "../../networks/networks.testing.ts";
import { ops } from "../../ops/index.ts";
import { pythonText } from "./assets.node.ts";
import { pytorchClasses } from "./index.ts";
import { moduleText } from "./moduleText.ts";
import { isNumber, type Part } from "./parts.ts";
import { structureOf } from "./structure.ts";

const small = { size: 32, classes: 3, batch: 2, isTraining: true, isSmallImage: true } as const;

function textOf(network: string, more: BuildOptions = {}): string {
  return pytorchClasses(buildNetwork(network, { ...small, ...more }), network, pythonText("layers.py")).text;
}

/** Paths of all modules that hold weights. */
function pathsOf(part: Part, path: string): readonly string[] {
  const inside = (name: string, child: Part): readonly string[] => pathsOf(child, path === "" ? name : `${path}.${name}`);
  if (part.kind === "layer") return [path];
  if (part.kind === "sequence") return part.items.flatMap((item, i) => inside(String(i), item));
  const own = part.kind === "block" && part.base ? [path] : [];
  return [...own, ...(part.kind === "list" ? part.entries : part.children).flatMap((child) => inside(child.name, child.part))];
}

/** Forwards of a text, each as its lines. */
function forwardsOf(text: string): readonly (readonly string[])[] {
  return text
    .split("def forward(")
    .slice(1)
    .map((rest) => rest.split(/\n\n/)[0].split("\n").slice(1));
}

test("a network of repeated blocks is written as a few classes with parameters", () => {
  const graph = buildNetwork("mobilenet-v2", { ...small, width: 0.25 });
  const classes = pytorchClasses(graph, "mobilenet-v2", pythonText("layers.py"));
  matchExpected("pytorch/mobilenet-v2.txt", moduleText(pythonText("model.py"), classes, "MobileNetV2, small."));
});

test("layers that PyTorch lacks and branches that are not computed in one go are written out", () => {
  matchExpected("pytorch/compconv.txt", textOf("resnet-20", { width: 0.5, conv: "compconv", arithmetic: "adder" }));
});

test("every network of the zoo can be said: its weights under their names, no forward longer than a page", () => {
  for (const { name, scalesDepth } of Object.values(networks)) {
    const graph = buildNetwork(name, { ...small, width: fittingWidth(name, 0.25), depth: scalesDepth ? 0.5 : 1 });
    const held = new Set(pathsOf(structureOf(graph), ""));
    const places = graph.leaves.filter(({ kind }) => kind === "parameter").map((leaf) => (leaf.name as string).replace(/\.[^.]*$/, ""));
    assert.deepEqual(
      places.filter((path) => !held.has(path)),
      [],
      name,
    );
    const { text } = pytorchClasses(graph, name, pythonText("layers.py"));
    const longest = Math.max(...forwardsOf(text).map((lines) => lines.length));
    assert.ok(longest <= 40, `${name}: a forward of ${longest} lines`);
  }
});

test("an op that has no line in the table is refused with its place", () => {
  const g = graphScope({ isTraining: true });
  const x = g.input("image", [2, 3, 4, 4]);
  g.output("logits", ops.sumTo(g.scope("stem"), [x], { shape: [2, 3, 1, 1] }));
  assert.throws(() => structureOf(g.finish()), { code: "option", message: /"sumTo" at "stem" cannot be said in PyTorch/ });
});

test("names that are numbers are told from others", () => {
  assert.deepEqual([{ name: "12" }, { name: "conv1" }, { name: "" }].map(isNumber), [true, false, false]);
});
