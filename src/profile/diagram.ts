/** A network as a figure: a band for each stage, a row for each block, drawn from the graph. */
import type { Graph } from "../ir/graph.ts";
import { isLayer, labelOf, type Role } from "./labels.ts";
import { type Outline, type OutlineRow, type OutlineStage, outline, type PartCost, rowsOf } from "./outline.ts";
import { type Drawing, drawnSeries } from "./rowFigure.ts";
import { box, curve, paper, roleNames, svgFile, textAt, textWidth, tints } from "./svg.ts";

/** What stands above a figure. */
export interface DiagramTitle {
  readonly title: string;
  readonly subtitle?: string;
}

const units = [
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
] as const;

/** 3504872 → "3.50 M". */
export function shortCount(count: number): string {
  for (const [size, name] of units) if (count >= size) return `${(count / size).toPrecision(3)} ${name}`;
  return String(Math.round(count));
}

/** Whether plain additions, not multiply–accumulates, are most of the arithmetic: networks of adders. */
export function isOfAdditions({ macs, adds }: PartCost): boolean {
  return adds > macs;
}

interface Row {
  readonly row: OutlineRow;
  readonly drawing: Drawing;
  readonly height: number;
}

interface Band {
  readonly stage: OutlineStage;
  readonly rows: readonly Row[];
  readonly height: number;
}

const MARGIN = 24;
const HEAD = 84;
const STAGE = 104;
const BAR = 84;
const NUMBER = 62;
const COST = BAR + NUMBER + 14;

function bandOf(stage: OutlineStage): Band {
  const rows = rowsOf(stage).map((row): Row => {
    const drawing = drawnSeries(row.first.parts);
    return { row, drawing, height: Math.max(32, drawing.above + drawing.below + 14) };
  });
  const height = Math.max(
    46,
    rows.reduce((sum, each) => sum + each.height, 12),
  );
  return { stage, rows, height };
}

function rowName({ first, count }: OutlineRow): string {
  return count === 1 ? first.path : `${first.path} …`;
}

/** A bar with its number; its length is the share of the largest. */
function costBar(x: number, y: number, value: number, most: number, fill: string): string {
  if (value === 0) return textAt(x + BAR + NUMBER, y + 4, "–", { size: 11, fill: paper.faint, anchor: "end" });
  const length = Math.max(1.5, (value / most) * BAR);
  return (
    box(x, y - 5, length, 10, { fill, stroke: "none" }, 2) +
    textAt(x + BAR + NUMBER, y + 4, shortCount(value), { size: 11, fill: paper.soft, anchor: "end" })
  );
}

/** Where the columns begin. */
interface Columns {
  readonly name: number;
  readonly drawing: number;
  readonly shape: number;
  readonly params: number;
  readonly work: number;
  readonly end: number;
}

function columnsFor(bands: readonly Band[]): Columns {
  const rows = bands.flatMap((band) => band.rows);
  const name = MARGIN + STAGE + 14;
  const drawing = name + Math.max(60, ...rows.map(({ row }) => textWidth(rowName(row), 11) + (row.count > 1 ? 40 : 14)));
  const shape = drawing + Math.max(160, ...rows.map((each) => each.drawing.width)) + 46;
  const params = shape + 96;
  const work = params + COST;
  return { name, drawing, shape, params, work, end: work + COST };
}

function drawnRow({ row, drawing, height }: Row, top: number, columns: Columns, most: PartCost, isAdding: boolean): string {
  const y = top + (height - drawing.above - drawing.below) / 2 + drawing.above;
  const { first, count, params, macs, adds } = row;
  const [start, end] = [columns.drawing + 22, columns.drawing + 22 + drawing.width];
  const badge =
    count === 1
      ? ""
      : box(columns.drawing - 14, y - 9, 26, 18, { fill: paper.ink, stroke: "none" }, 9) +
        textAt(columns.drawing - 1, y + 4, `×${count}`, { size: 11, fill: "#fff", anchor: "middle", weight: 600 });
  return [
    textAt(columns.name, y + 4, rowName(row), { size: 11, fill: paper.soft }),
    curve([
      [start - 8, y],
      [start, y],
    ]),
    badge,
    drawing.draw(start, y),
    curve(
      [
        [end, y],
        [end + 10, y],
      ],
      { isArrow: true },
    ),
    textAt(columns.shape, y + 4, first.output.shape.slice(1).join("×"), { size: 11.5 }),
    costBar(columns.params, y, params, most.params, "#e0a36f"),
    costBar(columns.work, y, isAdding ? adds : macs, isAdding ? most.adds : most.macs, "#6f97e0"),
  ].join("");
}

/** A share in per cent with one digit behind the point. */
function percent(part: number, whole: number): string {
  const share = whole === 0 ? 0 : (100 * part) / whole;
  return share > 0 && share < 0.05 ? "<0.1 %" : `${share.toFixed(1)} %`;
}

function drawnBand(band: Band, top: number, columns: Columns, whole: Outline, most: PartCost, index: number): string {
  const { stage, rows, height } = band;
  const isAdding = isOfAdditions(whole);
  const fill = index % 2 === 0 ? paper.band : "#fff";
  const work = isAdding ? percent(stage.adds, whole.adds) : percent(stage.macs, whole.macs);
  const words =
    stage.params === 0 ? [] : [`${percent(stage.params, whole.params)} of params`, `${work} of ${isAdding ? "additions" : "MACs"}`];
  const middle = top + height / 2;
  let y = top + (height - rows.reduce((sum, row) => sum + row.height, 0)) / 2;
  const drawn = rows.map((row) => {
    const text = drawnRow(row, y, columns, most, isAdding);
    y += row.height;
    return text;
  });
  return [
    box(MARGIN, top, columns.end - MARGIN, height - 2, { fill, stroke: "none" }, 6),
    box(MARGIN, top, STAGE, height - 2, { fill: "#edf0f5", stroke: "none" }, 6),
    textAt(MARGIN + STAGE / 2, middle + (words.length === 0 ? 4 : -7), stage.title, { size: 14, anchor: "middle", weight: 600 }),
    ...words.map((line, i) => textAt(MARGIN + STAGE / 2, middle + 7 + 12 * i, line, { size: 9.5, fill: paper.soft, anchor: "middle" })),
    ...drawn,
  ].join("\n");
}

function legend(bands: readonly Band[], y: number): string {
  const nodes = bands.flatMap(({ rows }) => rows.flatMap(({ row }) => row.first.nodes));
  const used = new Set<Role>(nodes.map((node) => labelOf(node).role));
  let x = MARGIN;
  const drawn = (Object.keys(roleNames) as Role[])
    .filter((role) => used.has(role))
    .map((role) => {
      const name = roleNames[role] as string;
      const item = box(x, y - 10, 16, 12, tints[role], 3) + textAt(x + 22, y, name, { size: 11, fill: paper.soft });
      x += 22 + textWidth(name, 11) + 22;
      return item;
    });
  const hasNorm = nodes.some((node) => !isLayer(node) && labelOf(node).role === "norm");
  const hidden = hasNorm ? "normalisation and activation behind the layers are" : "activation behind the layers is";
  const note = `${hidden} not drawn; numbers on lines: channels, where they change`;
  return `${drawn.join("")}${textAt(MARGIN, y + 20, note, { size: 10.5, fill: paper.faint })}`;
}

/** The figure of a network, from its image to its logits, as an SVG file. */
export function networkDiagram(graph: Graph, { title, subtitle = "" }: DiagramTitle): string {
  const whole = outline(graph);
  const bands = whole.stages.map(bandOf);
  const columns = columnsFor(bands);
  const rows = bands.flatMap((band) => band.rows.map(({ row }) => row));
  const largest = (pick: (cost: PartCost) => number): number => Math.max(1, ...rows.map(pick));
  const most = { params: largest((row) => row.params), macs: largest((row) => row.macs), adds: largest((row) => row.adds) };
  const isAdding = isOfAdditions(whole);
  let y = HEAD;
  const drawn = bands.map((band, i) => {
    const text = drawnBand(band, y, columns, whole, most, i);
    y += band.height + 2;
    return text;
  });
  const head = [
    textAt(MARGIN, 34, title, { size: 20, weight: 650 }),
    textAt(MARGIN, 54, subtitle, { size: 12, fill: paper.soft }),
    textAt(columns.shape, HEAD - 10, "leaves", { size: 10.5, fill: paper.faint }),
    textAt(columns.params, HEAD - 10, "parameters", { size: 10.5, fill: paper.faint }),
    textAt(columns.work, HEAD - 10, isAdding ? "additions" : "multiply–accumulates", { size: 10.5, fill: paper.faint }),
  ];
  const body = [...head, ...drawn, legend(bands, y + 26)].join("\n");
  return svgFile(columns.end + MARGIN, y + 64, title, body);
}
