/** A graph as papers tell it: stages of one resolution, blocks within them, what each costs. */
import type { Shape } from "../core/shape.ts";
import type { Graph, Node, Value } from "../ir/graph.ts";
import { isLayer, labelOf, signals } from "./labels.ts";
import { type CostRow, staticCost } from "./staticCost.ts";
import { expression, type Part, partsBetween, runsBetween } from "./structure.ts";

/** What a part of a graph costs. */
export interface PartCost {
  readonly params: number;
  readonly macs: number;
  readonly adds: number;
}

/** Nodes that belong together by the names of their weights: a block of the paper, or a layer. */
export interface OutlineBlock extends PartCost {
  /** Scope in which the block was built. */
  readonly path: string;
  readonly input: Value;
  readonly output: Value;
  readonly nodes: readonly Node[];
  readonly parts: readonly Part[];
  /** The structure in one line. */
  readonly text: string;
}

/** Blocks that leave images of one resolution. */
export interface OutlineStage extends PartCost {
  /** "56×56", or "features" behind the last image. */
  readonly title: string;
  readonly blocks: readonly OutlineBlock[];
}

/** A whole graph, from its image to one output. */
export interface Outline extends PartCost {
  readonly input: Shape;
  readonly output: Shape;
  readonly stages: readonly OutlineStage[];
}

function sum(costs: readonly PartCost[]): PartCost {
  const total = (pick: (cost: PartCost) => number): number => costs.reduce((all, cost) => all + pick(cost), 0);
  return { params: total(({ params }) => params), macs: total(({ macs }) => macs), adds: total(({ adds }) => adds) };
}

function commonPath(nodes: readonly Node[]): readonly string[] {
  const [first, ...others] = nodes.map(({ scope }) => (scope === "" ? [] : scope.split(".")));
  return others.reduce((shared, path) => {
    const end = shared.findIndex((segment, i) => path[i] !== segment);
    return end < 0 ? shared : shared.slice(0, end);
  }, first ?? []);
}

/**
 * The block's part of a path: up to the numbers that count blocks. `features.3` of `features.3.conv.0`, `layer1.0` of `layer1.0.conv1`,
 * `features.stage1.unit2` of `features.stage1.unit2.dw_conv`.
 */
function blockPath(path: readonly string[]): string {
  let end = 0;
  let hasNumber = false;
  let hasIndex = false;
  for (const segment of path) {
    const isIndex = /^\d+$/.test(segment);
    const isNumbered = /\d$/.test(segment);
    if ((hasNumber && !isNumbered) || (hasIndex && !isIndex)) break;
    hasNumber ||= isNumbered;
    hasIndex ||= isIndex;
    end++;
  }
  return path.slice(0, end).join(".");
}

/** Nodes that go with what stands in front of them: normalisation, activation, another view of the same elements. */
function isTrailing(nodes: readonly Node[]): boolean {
  return nodes.every((node) => !isLayer(node) && ["norm", "activation", "view"].includes(labelOf(node).role) && signals(node).length === 1);
}

/** Consecutive runs of one path become one block; what only trails joins the block in front. */
function grouped(runs: readonly (readonly Node[])[]): readonly { path: string; nodes: readonly Node[] }[] {
  const blocks: { path: string; nodes: Node[] }[] = [];
  for (const run of runs) {
    const path = blockPath(commonPath(run));
    const before = blocks.at(-1);
    if (before && (before.path === path || isTrailing(run))) before.nodes.push(...run);
    else blocks.push({ path, nodes: [...run] });
  }
  return blocks;
}

function stageTitle({ shape }: Value): string {
  return shape.length === 4 && shape[2] * shape[3] > 1 ? `${shape[2]}×${shape[3]}` : "features";
}

/** The graph's blocks and stages on the way from its image (or the input named) to its logits (or the output named). */
export function outline(graph: Graph, { input = "image", output = "logits" }: { input?: string; output?: string } = {}): Outline {
  const from = graph.leaves.find((leaf) => leaf.kind === "input" && leaf.name === input) as Value;
  const to = graph.outputs[output];
  const { rows } = staticCost(graph);
  const costs = new Map<Node, CostRow>(graph.nodes.map((node, i) => [node, rows[i]]));
  const costOfNodes = (nodes: readonly Node[]): PartCost => sum(nodes.map((node) => costs.get(node) as CostRow));
  let start = from;
  const blocks = grouped(runsBetween(from, graph.nodes, to)).map(({ path, nodes }): OutlineBlock => {
    const end = nodes[nodes.length - 1].outputs[0];
    const parts = partsBetween(start, end, nodes);
    const block = { path, input: start, output: end, nodes, parts, text: expression(parts), ...costOfNodes(nodes) };
    start = end;
    return block;
  });
  const stages: { title: string; blocks: OutlineBlock[] }[] = [];
  for (const block of blocks) {
    const title = stageTitle(block.output);
    if (stages.at(-1)?.title === title) stages.at(-1)?.blocks.push(block);
    else stages.push({ title, blocks: [block] });
  }
  return { input: from.shape, output: to.shape, stages: stages.map((stage) => ({ ...stage, ...sum(stage.blocks) })), ...sum(blocks) };
}

/** Consecutive blocks that look alike and leave the same shape, as one row. */
export interface OutlineRow extends PartCost {
  readonly first: OutlineBlock;
  readonly last: OutlineBlock;
  readonly count: number;
}

/** A stage's rows: repeats are told once. */
export function rowsOf({ blocks }: OutlineStage): readonly OutlineRow[] {
  const rows: OutlineBlock[][] = [];
  for (const block of blocks) {
    const before = rows.at(-1)?.[0];
    const shapes = ({ input, output }: OutlineBlock): string => `${input.shape} ${output.shape}`;
    const isRepeat = before?.text === block.text && block.text !== "" && shapes(before) === shapes(block);
    if (isRepeat) rows.at(-1)?.push(block);
    else rows.push([block]);
  }
  return rows.map((each) => ({ first: each[0], last: each[each.length - 1], count: each.length, ...sum(each) }));
}
