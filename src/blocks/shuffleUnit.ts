import { channels, type Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { channelShuffle } from "../ops/channelShuffle.ts";
import { concat } from "../ops/concat.ts";
import { slice } from "../ops/slice.ts";
import { convNormActivation } from "./convNormActivation.ts";
import type { Normalisation } from "./layers.ts";
import { needMultiple, needWhole } from "./legal.ts";
import type { Padding } from "./padding.ts";

/** `out` channels of the unit; `left` of them from the left branch where that branch computes. */
export interface ShuffleUnit {
  readonly out: number;
  readonly stride?: number;
  /** True for the basic unit (fig. 3c: the left half passes untouched), false where both branches compute (fig. 3d). */
  readonly isSplit: boolean;
  /** Only without split. torchvision: out / 2. The authors: as many as the input has. */
  readonly left?: number;
  /** Where sides mix: "behind" (default) interleaves them after the unit; "front" takes every second channel for each side before it. */
  readonly mixing?: "behind" | "front";
  readonly norm?: Normalisation;
  readonly padding?: Padding;
}

/** Split or copy, filter one side, concatenate, shuffle the sides. ShuffleNetV2, arXiv 1807.11164, fig. 3c and 3d. */
export function shuffleUnit(
  g: Scope,
  x: Value,
  { out, stride = 1, isSplit, left = out / 2, mixing = "behind", ...shared }: ShuffleUnit,
): Value {
  needMultiple(g, "channels of a ShuffleNetV2 unit", out, 2);
  if (isSplit) {
    needMultiple(g, "input channels of a ShuffleNetV2 unit that splits", channels(x), 2);
    needWhole(g, "stride of a ShuffleNetV2 unit that splits", stride, { most: 1 });
  }
  const half = isSplit ? channels(x) / 2 : left;
  const hidden = out / 2;
  const depthwise = { ...shared, kernel: 3, stride, act: "identity" } as const;
  const pointwise = { ...shared, kernel: 1 } as const;
  const at = (branch: string, index: number): { conv: string; norm: string } => ({
    conv: `${branch}.${index}`,
    norm: `${branch}.${index + 1}`,
  });

  let kept = x;
  let y = x;
  if (isSplit) {
    // Shuffling by half of the channels undoes shuffling by two.
    const sides = mixing === "front" ? channelShuffle(g, [x], { groups: half }) : x;
    kept = slice(g, [sides], { start: 0, length: half, axis: 1 });
    y = slice(g, [sides], { start: half, length: half, axis: 1 });
  } else {
    kept = convNormActivation(g, kept, { ...depthwise, out: channels(x), groups: channels(x), names: at("branch1", 0) });
    kept = convNormActivation(g, kept, { ...pointwise, out: half, names: at("branch1", 2) });
  }
  y = convNormActivation(g, y, { ...pointwise, out: hidden, names: at("branch2", 0) });
  y = convNormActivation(g, y, { ...depthwise, out: hidden, groups: hidden, names: at("branch2", 3) });
  y = convNormActivation(g, y, { ...pointwise, out: out - half, names: at("branch2", 5) });
  const joined = concat(g, [kept, y], { axis: 1 });
  return mixing === "front" ? joined : channelShuffle(g, [joined], { groups: 2 });
}
