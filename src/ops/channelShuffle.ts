import { need } from "../core/errors.ts";
import { formatShape, type Shape } from "../core/shape.ts";
import type { Value } from "../ir/graph.ts";
import { defineOp, type Op } from "../ir/op.ts";
import type { Scope } from "../ir/scope.ts";
import { plain } from "./cost.ts";
import { movedType } from "./requantise.ts";

/** Refuses groups that do not divide the channels of x. */
export function needShuffle(x: Shape, groups: number): void {
  const isDivisor = Number.isInteger(groups) && groups > 0 && x[1] % groups === 0;
  need(isDivisor, () => `groups (${groups}) must divide the channels (${x[1]})`);
}

/** What a shuffle makes of a list with an entry for each channel. */
export function shuffledList<T>(list: readonly T[], groups: number): T[] {
  const perGroup = list.length / groups;
  return list.map((_, to) => list[(to % groups) * perGroup + Math.floor(to / groups)]);
}

/** x behind several shuffles, one after the other. */
export function shuffledBy(g: Scope, x: Value, shuffles: readonly number[]): Value {
  return shuffles.reduce((y, groups) => channelShuffle(g, [y], { groups }), x);
}

/** What `shuffledBy` makes of the result. */
export function shuffledBack(g: Scope, y: Value, shuffles: readonly number[]): Value {
  return shuffledBy(
    g,
    y,
    shuffles.toReversed().map((groups) => y.shape[1] / groups),
  );
}

/** Interleaves channel groups so that grouped convolutions can mix. ShuffleNet, arXiv 1707.01083, fig. 1. */
export const channelShuffle: Op<{ readonly groups: number }> = defineOp<{ readonly groups: number }>({
  name: "channelShuffle",
  isRouting: true,
  dtype: movedType,

  shape([x], { groups }) {
    need(x.length >= 2, () => `the input must have channels, found ${formatShape(x)}`);
    needShuffle(x, groups);
    return x;
  },

  cost: plain({}),

  reference(y, [x], { groups }) {
    const [n, c] = x.shape;
    const perGroup = c / groups;
    const area = x.data.length / (n * c);
    for (let i = 0; i < n * c; i++) {
      const channel = i % c;
      const to = i - channel + (channel % perGroup) * groups + Math.floor(channel / perGroup);
      y.data.set(x.data.subarray(i * area, (i + 1) * area), to * area);
    }
  },
});
