/** The panels of narrow groups (narrowGroups.ts) in a matrix product (gemmKernel.ts): their order, and the products of one of them. */
import { type Code, i32, type Local, v128 } from "../assembler.ts";
import type { Arguments } from "../module.ts";
import { PANEL, type PanelWalk } from "./groups.ts";
import { blockGroups, type GroupSizes, isTurned, laneReader, lanesOf, splatReader } from "./narrowGroups.ts";
import type { TapCode } from "./taps.ts";

/** Inputs of a group that are written out; more are met in a loop. */
const MOST_STEPS = 4;

/** Narrow groups as a kernel knows them: `rest` of them follow the last whole block. */
export interface NarrowGroups extends GroupSizes {
  readonly rest: number;
}

export const narrowFields = { blocks: "i32" } as const;

/** A panel's place in its block: groups that the block has, and the panel's first output. */
export interface NarrowPanel {
  readonly groups: number;
  readonly first: number;
}

/** All panels of all blocks; a panel's run begins where its block does. */
export function walkNarrow(k: Code, sizes: NarrowGroups, { blocks }: Arguments<typeof narrowFields>): PanelWalk<NarrowPanel> {
  const start = k.local(i32.const(0));
  const column = k.local(i32.const(0));
  return {
    start: () => start,
    column,
    each(visit) {
      const block = (groups: number): void => {
        for (let first = 0; first < groups * sizes.outputs; first += PANEL) {
          visit({ groups, first });
          column.add(4 * PANEL);
        }
        start.add(groups * sizes.inputs * 4);
      };
      k.for({ to: blocks }, () => block(blockGroups(sizes, PANEL)));
      block(sizes.rest);
    },
  };
}

/** What a panel's sums (two a row) grow by. */
interface NarrowRun {
  readonly sizes: GroupSizes;
  readonly panel: NarrowPanel;
  readonly sums: readonly Local<"v128">[];
  readonly owns: readonly Local<"v128">[];
}

/** One tap's products: inputs of each row's block at `starts`, weights at `b`, which ends behind them. */
export function multiplyNarrow(k: Code, tap: TapCode, run: NarrowRun, starts: readonly Local<"i32">[], b: Local<"i32">): void {
  const { inputs } = run.sizes;
  if (inputs <= MOST_STEPS) {
    for (const half of halvesOf(run)) multiplyHalf(k, tap, run, starts, b, half);
    b.add(inputs * 4 * PANEL);
    return;
  }
  k.for({ to: inputs }, () => {
    multiplyStep(k, tap, run, starts, b);
    for (const start of starts) start.add(4);
    b.add(4 * PANEL);
  });
}

/** The vectors of a panel, 0 and 1, that have outputs. */
function halvesOf({ sizes, panel }: NarrowRun): number[] {
  return [0, 1].filter((half) => panel.first + 4 * half < panel.groups * sizes.outputs);
}

/** All steps of one of the panel's vectors: its weights stay in registers while rows pass. */
function multiplyHalf(
  k: Code,
  tap: TapCode,
  { sizes, panel, sums, owns }: NarrowRun,
  starts: readonly Local<"i32">[],
  b: Local<"i32">,
  half: number,
): void {
  const weights = Array.from({ length: sizes.inputs }, (_, step) => k.local(v128.load(b, step * 4 * PANEL + half * 16)));
  for (const [row, start] of starts.entries()) {
    const read = laneReader(k, start);
    const i = 2 * row + half;
    for (const [step, weight] of weights.entries()) {
      const x = k.local(read(lanesOf(sizes, panel.groups, panel.first + 4 * half, step, isTurned(sizes))));
      sums[i].set(tap.add(sums[i], x, weight, owns[i], undefined));
    }
  }
}

/** One step of the whole panel, whose vectors share what they read of a row. */
function multiplyStep(k: Code, tap: TapCode, run: NarrowRun, starts: readonly Local<"i32">[], b: Local<"i32">): void {
  const { sizes, panel, sums, owns } = run;
  const halves = halvesOf(run);
  const weights = halves.map((half) => k.local(v128.load(b, half * 16)));
  for (const [row, start] of starts.entries()) {
    const read = splatReader(k, start);
    for (const half of halves) {
      const i = 2 * row + half;
      const x = read(lanesOf(sizes, panel.groups, panel.first + 4 * half, 0));
      sums[i].set(tap.add(sums[i], x, weights[half], owns[i], undefined));
    }
  }
}
