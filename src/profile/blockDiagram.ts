/** A block as a figure: every op as a box, in layers, with curves for what skips. */
import type { Shape } from "../core/shape.ts";
import type { Graph, Node, Value } from "../ir/graph.ts";
import { type DiagramTitle, shortCount } from "./diagram.ts";
import { type Label, labelOf, signals } from "./labels.ts";
import { inLanes, type LaneBox, type LaneEdge, type LanePlan } from "./lanes.ts";
import { type CostRow, staticCost } from "./staticCost.ts";
import { box, paper, svgFile, textAt, textWidth, tints } from "./svg.ts";

/** A box of the figure: a node with what trails it (normalisation, activation), or the input. */
interface Unit {
  readonly nodes: readonly Node[];
  readonly output: Value;
  readonly label: Label;
  readonly lines: readonly string[];
  readonly cost: string;
  readonly width: number;
  readonly height: number;
}

const LINE = 17;
const TITLE = 26;
const MARGIN = 28;
const HEAD = 78;

const text = (shape: Shape): string => shape.slice(1).join("×");

function isTrailing(node: Node): boolean {
  return ["norm", "activation"].includes(labelOf(node).role) && signals(node).length === 1;
}

function costText({ params, macs }: { readonly params: number; readonly macs: number }): string {
  const parts = [...(params > 0 ? [`${shortCount(params)} params`] : []), ...(macs > 0 ? [`${shortCount(macs)} MACs`] : [])];
  return parts.join(" · ");
}

function isSign({ role, short }: Label): boolean {
  return role === "join" && short.length === 1;
}

/** Drawn as a circle: a sign without anything behind it. */
function isBareSign({ label, lines }: Unit): boolean {
  return isSign(label) && lines.length === 0;
}

function unitOf(nodes: readonly Node[], costs: ReadonlyMap<Node, CostRow>): Unit {
  const [head, ...trailing] = nodes;
  const label = labelOf(head);
  const rows = nodes.map((node) => costs.get(node) as CostRow);
  const cost = costText({ params: rows.reduce((sum, row) => sum + row.params, 0), macs: rows.reduce((sum, row) => sum + row.macs, 0) });
  const lines = trailing.map((node) => labelOf(node).long);
  const output = nodes[nodes.length - 1].outputs[0];
  if (isSign(label) && lines.length === 0) return { nodes, output, label, lines, cost: "", width: 24, height: 24 };
  const width = Math.max(96, 1.16 * textWidth(label.long, 12.5) + 22, 1.1 * textWidth(cost, 10) + 20);
  const height = TITLE + (cost === "" ? 0 : 14) + (lines.length === 0 ? 0 : LINE * lines.length + 4);
  return { nodes, output, label, lines, cost, width, height };
}

/** Each node that trails the only reader of its input joins that one's unit. */
function unitsOf(nodes: readonly Node[], costs: ReadonlyMap<Node, CostRow>): readonly Unit[] {
  const readers = new Map<Value, number>();
  for (const node of nodes) for (const value of signals(node)) readers.set(value, (readers.get(value) ?? 0) + 1);
  const groups: Node[][] = [];
  const held = new Map<Value, Node[]>();
  for (const node of nodes) {
    const [x] = signals(node);
    const before = isTrailing(node) && readers.get(x) === 1 ? held.get(x) : undefined;
    const group = before ?? [];
    if (!before) groups.push(group);
    group.push(node);
    for (const output of node.outputs) held.set(output, group);
  }
  return groups.map((group) => unitOf(group, costs));
}

function drawnUnit(unit: Unit, { x, top }: { readonly x: number; readonly top: number }): string {
  const { label, lines, cost, width, height } = unit;
  const { fill, stroke, ink } = tints[label.role];
  if (isBareSign(unit)) {
    const circle = `<circle cx="${x}" cy="${top + height / 2}" r="${height / 2}" fill="#fff" stroke="${paper.line}" stroke-width="1.4"/>`;
    return circle + textAt(x, top + height / 2 + 5.5, label.short === "⊕" ? "+" : "×", { size: 16, anchor: "middle", weight: 600 });
  }
  const left = x - width / 2;
  const head = TITLE + (cost === "" ? 0 : 14);
  const [right, bottom, strip] = [left + width, top + height, top + head];
  const lower = `<path d="M${left + 0.5} ${strip}H${right - 0.5}V${bottom - 6}q0 5.5 -5.5 5.5H${left + 6}q-5.5 0 -5.5 -5.5z" fill="#fff" fill-opacity="0.82"/>`;
  return [
    box(left, top, width, height, { fill, stroke }, 6),
    lines.length === 0 ? "" : lower,
    textAt(x, top + 17.5, label.long, { size: 12.5, fill: ink, anchor: "middle", weight: 600 }),
    cost === "" ? "" : textAt(x, top + 32, cost, { size: 10, fill: ink, anchor: "middle" }),
    ...lines.map((line, i) => textAt(x, strip + 12.5 + i * LINE, line, { size: 11, fill: paper.soft, anchor: "middle" })),
  ].join("");
}

function pill(x: number, top: number, words: string): string {
  const width = textWidth(words, 12) + 32;
  return (
    box(x - width / 2, top, width, 26, { fill: paper.ink, stroke: "none" }, 13) +
    textAt(x, top + 17, words, { fill: "#fff", anchor: "middle" })
  );
}

const RADIUS = 15;

/** An edge: straight down in a lane, with round corners into another lane; into the side of a sign, into the top of a box. */
function drawnEdge(
  { from, to, passage }: LaneEdge,
  { boxes: placed }: LanePlan,
  boxes: readonly LaneBox[],
  isSignAt: (box: number) => boolean,
): string {
  const [start, end] = [placed[from], placed[to]];
  const [leave, arrive] = [start.top + boxes[from].height, end.top];
  const lane = passage ?? (start.x === 0 ? end.x : start.x);
  let d = `M${start.x} ${leave}`;
  if (lane !== start.x) d += `V${leave + 4}q0 ${RADIUS - 6} ${RADIUS - 6} ${RADIUS - 6}H${lane - RADIUS}q${RADIUS} 0 ${RADIUS} ${RADIUS}`;
  if (lane === end.x) d += `V${arrive}`;
  else if (isSignAt(to)) {
    const middle = end.top + boxes[to].height / 2;
    d += `V${middle - RADIUS}q0 ${RADIUS} ${-RADIUS} ${RADIUS}H${end.x + boxes[to].width / 2}`;
  } else {
    const level = arrive - 13;
    d += `V${level - RADIUS}q0 ${RADIUS} ${-RADIUS} ${RADIUS}H${end.x + 6}q-6 0 -6 6V${arrive}`;
  }
  return `<path d="${d}" fill="none" stroke="${paper.line}" stroke-width="1.3" marker-end="url(#arrow)"/>`;
}

function shapeBehind(unit: Unit, { x, top }: { readonly x: number; readonly top: number }): string {
  const [before] = signals(unit.nodes[0]);
  const isNew = before === undefined || text(unit.output.shape) !== text(before.shape);
  return isNew ? textAt(x - 7, top + unit.height + 14, text(unit.output.shape), { size: 10, fill: paper.faint, anchor: "end" }) : "";
}

/** The figure of all nodes between two values as an SVG file. */
export function blockDiagram(graph: Graph, nodes: readonly Node[], from: Value, { title, subtitle = "" }: DiagramTitle): string {
  const { rows } = staticCost(graph);
  const units = unitsOf(nodes, new Map(graph.nodes.map((node, i) => [node, rows[i]])));
  const home = new Map<Value, number>([[from, 0]]);
  for (const [i, unit] of units.entries()) for (const node of unit.nodes) for (const value of node.outputs) home.set(value, i + 1);
  const readsOf = (head: Node): number[] => [...new Set(signals(head).map((value) => home.get(value) as number))];
  const boxes: readonly LaneBox[] = [
    { width: 130, height: 26, reads: [] },
    ...units.map(({ nodes: [head], width, height }) => ({ width, height, reads: readsOf(head) })),
    { width: 130, height: 26, reads: [units.length] },
  ];
  const plan = inLanes(boxes);
  const [first, last] = [plan.boxes[0], plan.boxes[plan.boxes.length - 1]];
  const isSignAt = (i: number): boolean => i > 0 && i <= units.length && isBareSign(units[i - 1]);
  const body = [
    ...plan.edges.map((edge) => drawnEdge(edge, plan, boxes, isSignAt)),
    ...units.slice(0, -1).map((unit, i) => shapeBehind(unit, plan.boxes[i + 1])),
    ...units.map((unit, i) => drawnUnit(unit, plan.boxes[i + 1])),
    pill(first.x, first.top, `in  ${text(from.shape)}`),
    pill(last.x, last.top, `out  ${text(units[units.length - 1].output.shape)}`),
  ];
  const width = plan.right - plan.left;
  const full = Math.max(width, 1.1 * textWidth(title, 20), 1.1 * textWidth(subtitle, 12));
  const head = textAt(MARGIN, 34, title, { size: 20, weight: 650 }) + textAt(MARGIN, 54, subtitle, { size: 12, fill: paper.soft });
  const moved = `<g transform="translate(${Math.round(MARGIN + (full - width) / 2 - plan.left)} ${HEAD})">\n${body.join("\n")}\n</g>`;
  return svgFile(full + 2 * MARGIN, HEAD + plan.height + MARGIN, title, `${head}\n${moved}`);
}
