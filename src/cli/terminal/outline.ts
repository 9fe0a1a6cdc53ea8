import { type Graph, isOfAdditions, type Outline, type OutlineBlock, type OutlineRow, type Part, rowsOf, staticCost } from "../../index.ts";
import type { Palette } from "./colour.ts";
import { grouped, padded, percent, short, widthOf } from "./text.ts";

const BAR = 10;
const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** A share as a bar of at most ten characters; anything above nothing shows. */
function bar(share: number): string {
  const filled = Math.max(share > 0 ? 1 / 8 : 0, share * BAR);
  const whole = Math.floor(filled);
  return ("█".repeat(whole) + eighths[Math.floor((filled - whole) * 8)]).padEnd(BAR);
}

function wrappedAt(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines[lines.length - 1];
    if (last !== "" && widthOf(last) + 1 + widthOf(word) > width) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines;
}

function nameOf({ first, count }: OutlineRow): string {
  return `${first.path || "–"}${count > 1 ? ` … ×${count}` : ""}`;
}

/** A network as text: stages by resolution, a line for each block, what it leaves, costs, and its structure. */
export function outlineText(whole: Outline, { bold, dim, accent }: Palette, columns: number): string {
  const isAdding = isOfAdditions(whole);
  const work = (cost: { readonly macs: number; readonly adds: number }): number => (isAdding ? cost.adds : cost.macs);
  const rows = whole.stages.flatMap((stage) => rowsOf(stage));
  const name = Math.max(8, ...rows.map((row) => widthOf(nameOf(row))));
  const shape = Math.max(...rows.map(({ first }) => first.output.shape.slice(1).join("×").length));
  const left = 2 + name + 2 + shape + 2 + 9 + 2 + 8 + 2 + BAR + 8 + 2;
  const numbers = (params: number, cost: number): string => {
    const share = work(whole) === 0 ? 0 : cost / work(whole);
    return `${padded(params === 0 ? "–" : short(params), 9, true)}  ${padded(cost === 0 ? "–" : short(cost), 8, true)}  ${accent(bar(share))} ${padded(percent(share), 7, true)}`;
  };
  const head = `  ${padded("block", name)}  ${padded("leaves", shape)}  ${padded("params", 9, true)}  ${padded(isAdding ? "adds" : "MACs", 8, true)}  ${"share".padEnd(BAR + 8)}  structure`;
  const lines = whole.stages.flatMap((stage) => [
    `${bold(padded(stage.title, name + 2 + shape + 2))}  ${dim(`${padded(short(stage.params), 9, true)}  ${padded(short(work(stage)), 8, true)}`)}`,
    ...rowsOf(stage).flatMap((row) => {
      const [first = "", ...more] = wrappedAt(row.first.text, Math.max(30, columns - left));
      const cells = `  ${padded(nameOf(row), name)}  ${padded(row.first.output.shape.slice(1).join("×"), shape)}  ${numbers(row.params, work(row))}`;
      return [`${cells}  ${first}`, ...more.map((line) => " ".repeat(left) + line)];
    }),
  ]);
  const legend =
    "⊕(…) is added to its input, ⊗(…) scales it; (96): channels, where they change; /2: stride; g3: groups; dw: depthwise; after a layer, normalisation and activation are not written";
  return [dim(head), ...lines, "", ...wrappedAt(legend, Math.min(columns, 120)).map(dim)].join("\n");
}

/** A line of a block's diagram: the drawing, what it leaves, and its costs. */
interface Line {
  readonly text: string;
  readonly shape: string;
  readonly params: number;
  readonly macs: number;
}

/** A block as text: one line for an op, branches side by side under brackets. */
export function blockText(block: OutlineBlock, graph: Graph, { dim, accent }: Palette): string {
  const { rows } = staticCost(graph);
  const costs = new Map(graph.nodes.map((node, i) => [node, rows[i]]));
  const lineOf = (node: OutlineBlock["nodes"][number], text: string): Line => {
    const { params = 0, macs = 0 } = costs.get(node) ?? {};
    return { text, shape: node.outputs[0].shape.slice(1).join("×"), params, macs };
  };
  const linesOf = (parts: readonly Part[]): Line[] =>
    parts.flatMap((part): Line[] => {
      if (part.kind === "node") return [lineOf(part.node, part.label.long)];
      const branches = part.branches.flatMap((branch, i) => {
        const lines = branch.length === 0 ? [{ text: "the same", shape: "", params: 0, macs: 0 }] : linesOf(branch);
        return lines.map((line, j) => ({ ...line, text: `${j > 0 ? "│ " : i === 0 ? "┌ " : "├ "}${line.text}` }));
      });
      return [...branches, lineOf(part.join, `└ ${part.label.long}`)];
    });
  const lines = [{ text: "in", shape: block.input.shape.slice(1).join("×"), params: 0, macs: 0 }, ...linesOf(block.parts)];
  const width = Math.max(...lines.map(({ text }) => widthOf(text)));
  const shape = Math.max(...lines.map((line) => line.shape.length));
  const drawn = lines.map(({ text, shape: leaves, params, macs }) => {
    const costsText =
      params + macs === 0
        ? ""
        : `${padded(params === 0 ? "–" : grouped(params), 11, true)}  ${padded(macs === 0 ? "–" : short(macs), 8, true)}  ${macs === 0 ? "" : `${accent(bar(macs / Math.max(1, block.macs)))} ${percent(macs / Math.max(1, block.macs))}`}`;
    return `  ${padded(text, width)}  ${padded(leaves, shape)}  ${costsText}`.trimEnd();
  });
  return [
    dim(`  ${padded("op", width)}  ${padded("leaves", shape)}  ${padded("params", 11, true)}  ${padded("MACs", 8, true)}`),
    ...drawn,
  ].join("\n");
}
