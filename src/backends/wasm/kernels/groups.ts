/**
 * How the panels of a product follow the groups of a grouped convolution. A panel of 8 outputs reads, of every run, the channels of its outputs' groups:
 *
 *   aligned   groups of 8 outputs and more: every panel lies within one group; the last one of a group ends with it and computes a few outputs twice
 *   narrow    smaller groups: panels follow each other, each output meets the inputs of its own group (narrowGroups.ts)
 *   spanned   bytes, listed channels, and groups that can be neither: panels follow each other, a run covers all groups that a panel may touch, with zeros for
 *             outputs and channels of different groups
 */
import { type Code, type Expr, i32, type Local } from "../assembler.ts";
import type { Arguments } from "../module.ts";
import { blocksOf } from "./narrowGroups.ts";

/** Outputs in a panel of packed weights. */
export const PANEL = 8;

/** A panel then reads, of every run, only the channels of its outputs' groups. */
export interface Groups {
  /** Channels of the whole image, and inputs and outputs of one group. */
  readonly channels: number;
  readonly inputs: number;
  readonly outputs: number;
  /** Channels in a word: 4 where they are bytes, whose panels are never aligned (see integer/packBytes.ts). Default 1. */
  readonly channelsInWord?: 1 | 4;
  /** Channels are read one by one from where a list says they lie, so no vector of them can be shuffled. */
  readonly isListed?: boolean;
}

/** How panels follow the groups. Where outputs are computed twice, no lanes behind the last output may stay unwritten. */
export function formOf({ channels, inputs, outputs, channelsInWord = 1, isListed = false }: Groups): "aligned" | "narrow" | "spanned" {
  if (channelsInWord !== 1) return "spanned";
  if (outputs < PANEL) return isListed ? "spanned" : "narrow";
  return outputs % PANEL === 0 || ((channels / inputs) * outputs) % 4 === 0 ? "aligned" : "spanned";
}

/** Steps of a panel's run: a group's channels; where it spans, those of all groups that its 8 outputs belong to, for the worst panel. */
export function groupSpan(groups: Groups): number {
  const { channels, inputs, outputs } = groups;
  if (formOf(groups) !== "spanned") return inputs;
  const n = (channels / inputs) * outputs;
  let most = 0;
  for (let first = 0; first < n; first += PANEL) {
    const last = Math.min(first + PANEL, n) - 1;
    most = Math.max(most, Math.floor(last / outputs) - Math.floor(first / outputs) + 1);
  }
  return most * inputs;
}

/** Panels of `n` outputs. */
export function panelCount(n: number, groups?: Groups): number {
  if (!groups || formOf(groups) !== "aligned") return Math.ceil(n / PANEL);
  return (n / groups.outputs) * Math.ceil(groups.outputs / PANEL);
}

export const spannedFields = { groupInputs: "i32", groupOutputs: "i32", lastStart: "i32", panelShift: "i32", panelRest: "i32" } as const;
export const alignedFields = { groupInputs: "i32", groupPanels: "i32", groupColumns: "i32", lastColumn: "i32" } as const;

/** The arguments of the fields above, in bytes but for counts; `run` is a run's words. */
export function groupArgs(groups: Groups, run: number): Record<string, number> {
  const { channels, inputs, outputs, channelsInWord = 1 } = groups;
  const channelBytes = 4 / channelsInWord;
  const groupInputs = inputs * channelBytes;
  const form = formOf(groups);
  if (form === "narrow") return { blocks: blocksOf(groups, channels / inputs, PANEL).blocks };
  if (form === "aligned") {
    return { groupInputs, groupPanels: Math.ceil(outputs / PANEL), groupColumns: outputs * 4, lastColumn: (outputs - PANEL) * 4 };
  }
  const panelShift = Math.floor(PANEL / outputs) * groupInputs;
  const lastStart = channels * channelBytes - run * 4;
  return { groupInputs, groupOutputs: outputs, lastStart, panelShift, panelRest: PANEL % outputs };
}

/** Where a panel's run begins in a row or window, and its first output in a row of y, in bytes, going from panel to panel without a division. */
export interface PanelWalk<Place = undefined> {
  readonly start: () => Expr<"i32">;
  readonly column: Local<"i32">;
  /** Visits the unit's panels; `place` tells where one lies if code depends on it. */
  readonly each: (visit: (place: Place) => void) => void;
}

/** Panels from `first` to `last`. */
export type PanelRange = Readonly<Record<"first" | "last", Local<"i32">>>;

function inTurn(k: Code, { first, last }: PanelRange, next: () => void): PanelWalk["each"] {
  return (visit) =>
    k.for({ from: first, to: last }, () => {
      visit(undefined);
      next();
    });
}

/** All panels read whole runs. */
export function walkPanels(k: Code, range: PanelRange): PanelWalk {
  const column = k.local(range.first.times(4 * PANEL));
  return { start: () => i32.const(0), column, each: inTurn(k, range, () => column.add(4 * PANEL)) };
}

/** A panel's 8 outputs are so many whole groups and a rest. */
export function walkSpanned(k: Code, args: Arguments<typeof spannedFields>, range: PanelRange): PanelWalk {
  const column = k.local(range.first.times(4 * PANEL));
  const outputs = k.local(range.first.times(PANEL));
  const group = k.local(i32.divU(outputs, args.groupOutputs));
  // Bytes to the first channel of the panel's first group, and the panel's first output within it.
  const start = k.local(group.times(args.groupInputs));
  const passed = k.local(outputs.minus(group.times(args.groupOutputs)));
  return {
    start: () => i32.min(start, args.lastStart),
    column,
    each: inTurn(k, range, () => {
      column.add(4 * PANEL);
      start.add(args.panelShift);
      passed.add(args.panelRest);
      k.if(i32.ge(passed, args.groupOutputs), () => {
        passed.set(passed.minus(args.groupOutputs));
        start.add(args.groupInputs);
      });
    }),
  };
}

/** So many panels are a group. */
export function walkAligned(k: Code, args: Arguments<typeof alignedFields>, range: PanelRange): PanelWalk {
  const group = k.local(i32.divU(range.first, args.groupPanels));
  const start = k.local(group.times(args.groupInputs));
  const origin = k.local(group.times(args.groupColumns));
  const within = k.local(range.first.minus(group.times(args.groupPanels)).times(4 * PANEL));
  const column = k.local(origin.plus(i32.min(within, args.lastColumn)));
  return {
    start: () => start,
    column,
    each: inTurn(k, range, () => {
      within.add(4 * PANEL);
      k.if(i32.ge(within, args.groupPanels.times(4 * PANEL)), () => {
        within.set(0);
        start.add(args.groupInputs);
        origin.add(args.groupColumns);
      });
      column.set(origin.plus(i32.min(within, args.lastColumn)));
    }),
  };
}
