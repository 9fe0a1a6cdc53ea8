/** The panels of narrow groups (narrowGroups.ts) in a matrix product (gemmKernel.ts): their order, and the products of one of them. */
import { type Code, i32, type Local, v128 } from "../assembler.ts";
import type { Arguments } from "../module.ts";
import { PANEL, type PanelWalk } from "./groups.ts";
import { blockGroups, type GroupSizes, isTurned, laneReader, lanesOf } from "./narrowGroups.ts";
import type { TapCode } from "./taps.ts";

/** Steps of a product that are written out; more go in turns. */
const MOST_STEPS = 8;
/** Weights that fit the registers beside the sums. */
const MOST_WEIGHTS = 3;

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
  const written = inputs <= MOST_STEPS ? inputs : MOST_STEPS;
  const rest = inputs % written;
  if (inputs === written) {
    multiplySteps(k, tap, run, starts, b, inputs);
    return;
  }
  k.for({ to: inputs - rest, step: written }, () => {
    multiplySteps(k, tap, run, starts, b, written);
    for (const start of starts) start.add(written * 4);
  });
  multiplySteps(k, tap, run, starts, b, rest);
}

function multiplySteps(
  k: Code,
  tap: TapCode,
  { sizes, panel, sums, owns }: NarrowRun,
  starts: readonly Local<"i32">[],
  b: Local<"i32">,
  steps: number,
): void {
  for (const half of [0, 1]) {
    const first = panel.first + 4 * half;
    if (first >= panel.groups * sizes.outputs) continue;
    for (let from = 0; from < steps; from += MOST_WEIGHTS) {
      const some = Array.from({ length: Math.min(MOST_WEIGHTS, steps - from) }, (_, i) => from + i);
      const weights = some.map((step) => k.local(v128.load(b, step * 4 * PANEL + half * 16)));
      for (const [row, start] of starts.entries()) {
        const read = laneReader(k, start);
        const i = 2 * row + half;
        for (const [at, step] of some.entries()) {
          const x = k.local(read(lanesOf(sizes, panel.groups, first, step, isTurned(sizes))));
          sums[i].set(tap.add(sums[i], x, weights[at], owns[i], undefined));
        }
      }
    }
  }
  b.add(steps * 4 * PANEL);
}
