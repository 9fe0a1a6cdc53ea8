import { channels, type Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { dynamicShiftMax } from "../ops/dynamicShiftMax.ts";
import { activate } from "./activation.ts";
import { fullyConnected, pooledFeatures } from "./layers.ts";
import { makeDivisible, needMultiple } from "./legal.ts";

/** How far a coefficient can move from where it starts. */
const RANGE = 2;

/** Where coefficients start, a and b of each sum: two sums that begin alike (M0–M2), two that begin apart (M3), one sum behind a projection. */
export const shiftMaxStarts = { alike: [1, 0, 1, 0], apart: [1, 0, 0.5, 0.5], single: [1, 0] } as const;

/** Groups of the roll, the reduction from the channels to the hidden features, and a and b of each sum as they start. */
export interface ShiftMax {
  readonly groups: number;
  readonly reduction?: number;
  readonly start?: readonly number[];
}

/** Hidden features of the branch: channels / reduction as a multiple of 4, the authors' rule. */
function shiftMaxFeatures(count: number, reduction: number): number {
  return makeDivisible(Math.floor(count / reduction), 4);
}

/**
 * Each channel becomes the greatest of sums of itself and of a channel of the next group; the coefficients come from all channels' means by two
 * fully connected layers and a hard sigmoid. Dynamic Shift-Max, MicroNet, arXiv 2108.05894. Weights "fc.0" and "fc.2".
 */
export function shiftMax(g: Scope, x: Value, { groups, reduction = 8, start = shiftMaxStarts.alike }: ShiftMax): Value {
  const count = channels(x);
  needMultiple(g, `channels of Dynamic Shift-Max in ${groups} groups`, count, groups);
  const hidden = fullyConnected(g.scope("fc.0"), pooledFeatures(g, x), { out: shiftMaxFeatures(count, reduction) });
  const gates = fullyConnected(g.scope("fc.2"), activate(g.scope("fc.1"), hidden, "relu"), { out: start.length * count });
  return dynamicShiftMax(g, [x, activate(g.scope("fc.3"), gates, "hardSigmoid")], { groups, range: RANGE, init: start });
}
