/** A piece of a graph as nested series and branches, which is how papers draw blocks. */
import type { Node, Value } from "../ir/graph.ts";
import { type Label, labelOf, signals } from "./labels.ts";

/** One node, or branches from one value that a node joins. A branch without parts is the identity. */
export type Part =
  | { readonly kind: "node"; readonly node: Node; readonly label: Label }
  | { readonly kind: "branches"; readonly branches: readonly (readonly Part[])[]; readonly join: Node; readonly label: Label };

/** The nodes of `among` that `to` depends on, without passing `from`; in order of execution. */
function between(from: Value, to: Value, among: readonly Node[]): readonly Node[] {
  const held = new Set(among);
  const wanted = new Set<Node>();
  const visit = (value: Value): void => {
    const { producer } = value;
    if (value === from || !producer || !held.has(producer) || wanted.has(producer)) return;
    wanted.add(producer);
    for (const operand of signals(producer)) visit(operand);
  };
  visit(to);
  return among.filter((node) => wanted.has(node));
}

/** Runs of nodes between values that everything passes: in a chain, one node each; around a shortcut, all that it bridges. */
export function runsBetween(from: Value, nodes: readonly Node[], to: Value): readonly (readonly Node[])[] {
  const readers = new Map<Value, number>();
  const count = (value: Value, by: number): number => {
    const left = (readers.get(value) ?? 0) + by;
    readers.set(value, left);
    return left;
  };
  for (const node of nodes) for (const value of signals(node)) count(value, 1);
  count(to, 1);
  const live = new Set<Value>([from]);
  const runs: Node[][] = [];
  let run: Node[] = [];
  for (const node of nodes) {
    run.push(node);
    for (const value of signals(node)) if (count(value, -1) === 0) live.delete(value);
    for (const value of node.outputs) if ((readers.get(value) ?? 0) > 0) live.add(value);
    if (live.size === 1) {
      runs.push(run);
      run = [];
    }
  }
  return run.length > 0 ? [...runs, run] : runs;
}

/** The parts on the way from one value to another, of the nodes given. */
export function partsBetween(from: Value, to: Value, among: readonly Node[]): readonly Part[] {
  const nodes = between(from, to, among);
  const parts: Part[] = [];
  let start = from;
  for (const run of runsBetween(from, nodes, to)) {
    const last = run[run.length - 1];
    parts.push(partOf(run, start));
    start = last.outputs[0];
  }
  return parts;
}

function partOf(run: readonly Node[], start: Value): Part {
  const last = run[run.length - 1];
  const label = labelOf(last);
  const operands = signals(last);
  if (run.length === 1 && operands.every((operand) => operand === operands[0])) return { kind: "node", node: last, label };
  return { kind: "branches", join: last, label, branches: operands.map((operand) => partsBetween(start, operand, run)) };
}

/** Channels that a part leaves, where that is worth writing: behind a layer that changes their number. */
function widthMark(node: Node): string {
  const [x] = signals(node);
  const [before, after] = [x?.shape[1], node.outputs[0].shape[1]];
  return node.outputs[0].shape.length === 4 && before !== after ? ` (${after})` : "";
}

const silent: ReadonlySet<string> = new Set(["norm", "activation", "view"]);

/** Parts as one line: `1×1 (96) → dw 3×3/2 → 1×1 (24)`, `⊕(1×1 → dw 3×3 → 1×1)` with the identity left unwritten. */
export function expression(parts: readonly Part[]): string {
  return parts
    .map((part): string => {
      if (part.kind === "node") {
        if (silent.has(part.label.role)) return "";
        return `${part.label.short}${part.label.role === "linear" ? "" : widthMark(part.node)}`;
      }
      // What is added to its input, or scales it, is written alone; beside what is concatenated, the input is x.
      const isConcatenated = part.label.short === "concat";
      const written = part.branches.map((branch) => expression(branch) || (isConcatenated ? "x" : "")).filter((branch) => branch !== "");
      return `${part.label.short}(${written.join(", ")})`;
    })
    .filter((text) => text !== "")
    .join(" → ");
}
