/**
 * Dynamic Shift-Max beside the plainest passes over tensors of the same shape, one thread: the maximum of two tensors (two read, one written) for the
 * forward pass, the gradient of that (three read, one written) for the backward pass. Turns alternate in short bursts; the least time of each counts.
 */
import type { Shape } from "../src/core/shape.ts";
import { ops } from "../src/ops/index.ts";
import { contest, leastTimes } from "./kernels.ts";

/** One line of the result: `ratio` is the time over the plain pass's. */
export interface ShiftMaxRow {
  readonly layer: string;
  readonly pass: "forward" | "backward";
  readonly milliseconds: number;
  readonly ratio: number;
}

interface Layer {
  readonly x: Shape;
  readonly groups: number;
  readonly init: readonly number[];
}

const [two, one] = [
  [1, 0, 0.5, 0.5],
  [1, 0],
] as const;

/** Layers of MicroNet-M0, M2 and M3 at 224², and of a training batch of small pictures; groups of whole vectors of channels and of parts of one. */
const layers: readonly Layer[] = [
  { x: [1, 8, 56, 56], groups: 2, init: one },
  { x: [1, 32, 28, 28], groups: 8, init: two },
  { x: [1, 12, 28, 28], groups: 4, init: one },
  { x: [1, 64, 14, 14], groups: 4, init: two },
  { x: [1, 64, 14, 14], groups: 16, init: two },
  { x: [1, 256, 7, 7], groups: 8, init: two },
  { x: [1, 480, 14, 14], groups: 48, init: two },
  { x: [64, 32, 14, 14], groups: 8, init: two },
  { x: [64, 64, 7, 7], groups: 4, init: two },
];

/** Times every layer whose description contains `part`. */
export async function shiftMaxRows(part = "", bursts = 100): Promise<ShiftMaxRow[]> {
  const rows: ShiftMaxRow[] = [];
  for (const { x, groups, init } of layers) {
    const layer = `${x.join("×")} in ${groups} groups, ${init.length / 2} sums`;
    if (!layer.includes(part)) continue;
    const gates = [x[0], init.length * x[1]];
    const attrs = { groups, range: 2, init };
    const pairs = {
      forward: [await contest("maximum", ops.maximum, [x, x], {}, {}), await contest(layer, ops.dynamicShiftMax, [x, gates], attrs, {})],
      backward: [
        await contest("gradient of maximum", ops.maximumGradient, [x, x, x], { of: "first" }, {}),
        await contest(layer, ops.dynamicShiftMaxGradient, [x, gates, x], attrs, {}),
      ],
    } as const;
    for (const pass of ["forward", "backward"] as const) {
      const best = leastTimes(pairs[pass], bursts);
      rows.push({ layer, pass, milliseconds: best[1], ratio: best[1] / best[0] });
      console.error(
        `${(best[1] / best[0]).toFixed(2).padStart(6)} × ${pass.padEnd(8)} ${(best[1] * 1000).toFixed(1).padStart(7)} µs  ${layer}`,
      );
    }
  }
  return rows;
}
