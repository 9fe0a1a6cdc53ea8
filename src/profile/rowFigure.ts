/** Parts drawn from left to right in one row: layers as chips, shortcuts as curves. */
import type { Node } from "../ir/graph.ts";
import { isLayer } from "./labels.ts";
import type { Part } from "./structure.ts";
import { box, curve, paper, textAt, textWidth, tints } from "./svg.ts";

/** Something laid out around a line that runs through it: its extent, and how to draw it from the line's start. */
export interface Drawing {
  readonly width: number;
  readonly above: number;
  readonly below: number;
  draw(x: number, y: number): string;
}

const CHIP = { height: 22, size: 11.5, gap: 14 } as const;
const JOIN = 7;
const FAN = 18;

const silent: ReadonlySet<string> = new Set(["norm", "activation", "view"]);

function chip(part: Extract<Part, { kind: "node" }>): Drawing {
  const { short, role } = part.label;
  const width = textWidth(short, CHIP.size) + 14;
  return {
    width,
    above: CHIP.height / 2,
    below: CHIP.height / 2,
    draw: (x, y) =>
      box(x, y - CHIP.height / 2, width, CHIP.height, tints[role]) +
      textAt(x + width / 2, y + 4, short, { size: CHIP.size, fill: tints[role].ink, anchor: "middle" }),
  };
}

/** Channels behind a layer, where it changes their number. */
function widthBehind({ inputs, outputs }: Node): string {
  const [before, after] = [inputs[0].shape[1], outputs[0].shape[1]];
  return outputs[0].shape.length === 4 && before !== after ? String(after) : "";
}

function gapBehind(part: Part): { readonly width: number; readonly text: string } {
  const text = part.kind === "node" && isLayer(part.node) ? widthBehind(part.node) : "";
  return { text, width: text === "" ? CHIP.gap : textWidth(text, 10) + 14 };
}

/** Parts one after the other, joined by lines; nothing at all is a mere line. */
export function drawnSeries(parts: readonly Part[]): Drawing {
  const shown = parts.filter((part) => part.kind === "branches" || !silent.has(part.label.role));
  const pieces = shown.map((part) => ({ drawing: part.kind === "node" ? chip(part) : branches(part), gap: gapBehind(part) }));
  return {
    width: pieces.reduce((width, { drawing, gap }) => width + drawing.width + gap.width, 0),
    above: Math.max(3, ...pieces.map(({ drawing }) => drawing.above)),
    below: Math.max(3, ...pieces.map(({ drawing }) => drawing.below)),
    draw(x, y) {
      let at = x;
      return pieces
        .map(({ drawing, gap }) => {
          const start = at;
          const end = start + drawing.width;
          at = end + gap.width;
          const label = gap.text === "" ? "" : textAt((end + at) / 2, y - 4, gap.text, { size: 10, fill: paper.soft, anchor: "middle" });
          return (
            drawing.draw(start, y) +
            curve([
              [end, y],
              [at, y],
            ]) +
            label
          );
        })
        .join("");
    },
  };
}

/** Where each branch lies below the line (negative: above), so that they do not touch. */
function offsets(drawings: readonly Drawing[], main: number | undefined, isAbove: boolean): readonly number[] {
  const places: number[] = drawings.map(() => 0);
  if (main !== undefined) {
    let edge = isAbove ? drawings[main].above : drawings[main].below;
    for (const [i, { above, below }] of drawings.entries()) {
      if (i === main) continue;
      places[i] = isAbove ? -(edge + 8 + below) : edge + 8 + above;
      edge += 8 + above + below;
    }
    return places;
  }
  const total = drawings.reduce((height, { above, below }) => height + above + below + 8, -8);
  let top = -total / 2;
  for (const [i, { above, below }] of drawings.entries()) {
    places[i] = top + above;
    top += above + below + 8;
  }
  return places;
}

/** The branch that stays on the line: beside an addition the one that computes most, else the identity. */
function mainBranch({ label, branches: all }: Extract<Part, { kind: "branches" }>): number | undefined {
  if (label.short === "⊕") return all.reduce((best, branch, i) => (branch.length > all[best].length ? i : best), 0);
  const identity = all.findIndex((branch) => branch.length === 0);
  return identity < 0 ? undefined : identity;
}

function branches(part: Extract<Part, { kind: "branches" }>): Drawing {
  const isAdd = part.label.short === "⊕";
  const drawings = part.branches.map(drawnSeries);
  const main = mainBranch(part);
  const places = offsets(drawings, main, isAdd);
  const inner = Math.max(...drawings.map(({ width }) => width));
  const above = Math.max(JOIN, ...drawings.map((drawing, i) => drawing.above - places[i]));
  const below = Math.max(JOIN, ...drawings.map((drawing, i) => drawing.below + places[i]));
  const label = isAdd ? "+" : part.label.short === "⊗" ? "×" : "";
  const tail = label === "" ? 5 : 2 * JOIN;
  return {
    width: 2 * FAN + inner + tail,
    above,
    below,
    draw(x, y) {
      const end = x + 2 * FAN + inner;
      const lines = drawings.map((drawing, i) => {
        const level = y + places[i];
        const stop: readonly [number, number] =
          label === "" ? [end, level] : [end + (level === y ? 0 : JOIN / 2), y + Math.sign(places[i]) * JOIN];
        const lead = curve([
          [x, y],
          [x + FAN, level],
        ]);
        const rest = [
          [x + FAN + drawing.width, level],
          [end - FAN, level],
        ] as const;
        return lead + drawing.draw(x + FAN, level) + curve([...rest, level === y || label === "" ? [end, level] : stop]);
      });
      return lines.join("") + joined(end, y, label, places, part.label.short);
    },
  };
}

function joined(x: number, y: number, sign: string, places: readonly number[], name: string): string {
  if (sign === "") {
    const [top, bottom] = [Math.min(...places) - 9, Math.max(...places) + 9];
    return `${box(x, y + top, 5, bottom - top, { fill: paper.line, stroke: "none" }, 2)}<!-- ${name} -->`;
  }
  const circle = `<circle cx="${x + JOIN}" cy="${y}" r="${JOIN}" fill="#fff" stroke="${paper.line}" stroke-width="1.2"/>`;
  return circle + textAt(x + JOIN, y + 4, sign, { size: 12, fill: paper.line, anchor: "middle", weight: 600 });
}
