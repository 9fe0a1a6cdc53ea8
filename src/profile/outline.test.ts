import assert from "node:assert/strict";
import { test } from "node:test";
import { designs } from "../blocks/index.ts";
import { designGraph } from "../networks/designGraph.ts";
import { buildNetwork, networks } from "../networks/index.ts";
import { fittingWidth } from "../networks/networks.testing.ts";
import { blockDiagram } from "./blockDiagram.ts";
import { networkDiagram } from "./diagram.ts";
import { inLanes } from "./lanes.ts";
import { type OutlineBlock, outline, rowsOf } from "./outline.ts";
import { staticCost } from "./staticCost.ts";

function blocksOf(name: string, options: object = {}): readonly OutlineBlock[] {
  return outline(buildNetwork(name, options)).stages.flatMap(({ blocks }) => blocks);
}

function textOf(name: string, path: string, options: object = {}): string | undefined {
  return blocksOf(name, options).find((block) => block.path === path)?.text;
}

test("a block is told as its paper draws it", () => {
  assert.equal(textOf("mobilenet-v2", "features.2"), "1×1 (96) → dw 3×3/2 → 1×1 (24)");
  assert.equal(textOf("mobilenet-v2", "features.3"), "⊕(1×1 (144) → dw 3×3 → 1×1 (24))");
  assert.equal(textOf("squeezenet-1.1", "features.3"), "1×1 (16) → concat(1×1 (64), 3×3 (64))");
  assert.equal(textOf("mobilenet-v3-small", "features.1"), "dw 3×3/2 → ⊗(mean → 1×1 (8) → 1×1 (16)) → 1×1");
  assert.equal(textOf("shufflenet-v2", "stage2.1"), "concat(half (58), half (58) → 1×1 → dw 3×3 → 1×1) → shuffle 2");
  assert.equal(textOf("shufflenet-v1-g3", "features.stage1.unit2"), "⊕(1×1 g3 (60) → shuffle 3 → dw 3×3 → 1×1 g3 (240))");
  assert.equal(textOf("resnet-20", "layer2.0"), "⊕(3×3/2 (32) → 3×3, every 2nd pixel → +16 zeros (32))");
  assert.equal(textOf("vgg-16-cifar", "features.3", { conv: "ghost" }), "3×3 (32) → concat(x, dw 3×3)");
});

test("stages are runs of one resolution, and equal neighbours one row", () => {
  const { stages } = outline(buildNetwork("mobilenet-v2"));
  assert.deepEqual(
    stages.map(({ title }) => title),
    ["112×112", "56×56", "28×28", "14×14", "7×7", "features"],
  );
  assert.deepEqual(
    rowsOf(stages[2]).map(({ first, count }) => [first.path, count]),
    [
      ["features.4", 1],
      ["features.5", 2],
    ],
  );
});

for (const network of Object.values(networks)) {
  test(`${network.name}: blocks hold every node on the way once, and their costs are the whole's`, () => {
    const graph = buildNetwork(network, { size: 64, width: fittingWidth(network, 0.25), isSmallImage: true, classes: 10 });
    const whole = outline(graph);
    const { params, macs, adds } = staticCost(graph);
    assert.deepEqual([whole.params, whole.macs, whole.adds], [params, macs, adds]);
    const nodes = whole.stages.flatMap(({ blocks }) => blocks.flatMap((block) => block.nodes));
    assert.deepEqual(nodes, graph.nodes);
    const figure = networkDiagram(graph, { title: network.title, subtitle: network.paper });
    assertWellFormed(figure);
    for (const { title } of whole.stages) assert.ok(figure.includes(`>${title}</text>`));
  });
}

for (const [name, { title, about }] of Object.entries(designs)) {
  test(`the figure of ${name} is a whole SVG file`, () => {
    const graph = designGraph(name, { outputs: 128, stride: 2 });
    const figure = blockDiagram(graph, graph.nodes, graph.leaves[0], { title, subtitle: about });
    assertWellFormed(figure);
    for (const number of figure.matchAll(/\s(?:x|y|width|height)="([^"]*)"/g))
      assert.ok(number[1] === "100%" || Number.isFinite(Number(number[1])));
  });
}

/** Every element that is opened is closed, in order, and text holds no bare markup. */
function assertWellFormed(svg: string): void {
  const open: string[] = [];
  for (const [, close, name, rest] of svg.matchAll(/<(\/?)([a-zA-Z]+)((?:"[^"]*"|[^">])*)>/g)) {
    if (close) assert.equal(open.pop(), name);
    else if (!rest.endsWith("/")) open.push(name);
  }
  assert.deepEqual(open, []);
  assert.ok(!svg.includes("NaN") && !svg.includes("undefined"));
}

test("boxes beside each other do not touch, and edges that pass a box have a lane beside it", () => {
  const box = (reads: readonly number[], width = 100): { width: number; height: number; reads: readonly number[] } => ({
    width,
    height: 30,
    reads,
  });
  // A shortcut over three boxes, a branch of one box beside two, and a shortcut within.
  const boxes = [box([]), box([0]), box([1], 160), box([1]), box([2]), box([3, 4]), box([0, 5])];
  const plan = inLanes(boxes);
  for (const [i, a] of plan.boxes.entries()) {
    for (const [j, b] of plan.boxes.entries()) {
      if (i >= j || a.top + 30 <= b.top || b.top + 30 <= a.top) continue;
      assert.ok(Math.abs(a.x - b.x) >= (boxes[i].width + boxes[j].width) / 2, `${i} and ${j}`);
    }
  }
  const around = plan.edges.find(({ from, to }) => from === 0 && to === 6)?.passage as number;
  assert.ok(plan.boxes.slice(1, 6).every(({ x }, i) => around > x + boxes[i + 1].width / 2));
});
