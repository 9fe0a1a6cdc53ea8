import { channels, type Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { add } from "../ops/add.ts";
import { relu } from "../ops/relu.ts";
import { type ConvNormActivation, convNormActivation } from "./convNormActivation.ts";
import type { Normalisation } from "./layers.ts";
import { needMultiple, needWhole } from "./legal.ts";
import type { Padding } from "./padding.ts";
import { surveyShortcut } from "./survey.ts";
import { vanillaConv } from "./vanillaConv.ts";

type Layer = (index: number, x: Value, options: ConvNormActivation) => Value;

/** Two 1×1 convolutions that narrow, a 3×3 in two halves, a 1×1 that widens; `layer` makes each of the five. */
function fiveConvolutions(x: Value, layer: Layer, reduced: number, out: number, isRowFirst: boolean): Value {
  const [first, second] = isRowFirst ? ([1, 3] as const) : ([3, 1] as const);
  let y = layer(0, x, { out: reduced, kernel: 1 });
  y = layer(1, y, { out: Math.floor(reduced / 2), kernel: 1 });
  y = layer(2, y, { out: reduced, kernel: [first, second] });
  y = layer(3, y, { out: reduced, kernel: [second, first] });
  return layer(4, y, { out, kernel: 1 });
}

/** `out` channels (a multiple of 4), and how the block changes their number or the resolution. */
export interface SqueezeNext {
  readonly out: number;
  readonly stride?: number;
  /**
   * Where channels or resolution change. "v1": a 1×1 convolution beside the branch, both with the stride, both on the input.
   * "v5": one 1×1 convolution with the stride in front; its output is the shortcut and the branch's input. Without it, the input is the shortcut.
   */
  readonly transition?: "v1" | "v5";
  /** 1×3 before 3×1; the published networks alternate from block to block. */
  readonly isRowFirst?: boolean;
  /** Of the first 1×1 and of both halves of the 3×3: 2 in the paper's G-SqNxt. */
  readonly groups?: number;
  readonly norm?: Normalisation;
  readonly padding?: Padding;
}

/** Narrow twice, filter in two halves, widen, add. SqueezeNext, arXiv 1803.10615, fig. 1 and 2, as the released networks have it. */
export function squeezeNext(g: Scope, x: Value, options: SqueezeNext): Value {
  const { out, stride = 1, transition, isRowFirst = false, groups = 1, ...rest } = options;
  needMultiple(g, "channels of a SqueezeNext block", out, 4 * groups);
  const shared = { ...rest, names: { conv: "conv", norm: "bn" } };
  const shortcut = transition ? convNormActivation(g.scope("shortcut"), x, { ...shared, out, kernel: 1, stride }) : x;
  const layer: Layer = (i, y, form) => {
    const split = i === 0 || i === 2 || i === 3 ? groups : 1;
    const step = i === 0 && transition !== "v5" ? stride : 1;
    return convNormActivation(g.scope(`branch.${i}`), y, { ...shared, ...form, groups: split, stride: step });
  };
  const branch = fiveConvolutions(transition === "v5" ? shortcut : x, layer, out / 2, out, isRowFirst);
  return relu(g, [add(g, [branch, shortcut], {})], {});
}

/** SqNxt of the survey: narrowed from the input's channels, always 3×1 first, no ReLU after the addition, a biased shortcut. */
export function surveySqueezeNext(g: Scope, x: Value, { out }: { out: number }): Value {
  needWhole(g, "input channels of the survey's SqNxt", channels(x), { least: 4 });
  const layer: Layer = (i, y, form) => vanillaConv(g.scope(`sqnxt.${i}`), y, { padding: "symmetrical", ...form });
  const branch = fiveConvolutions(x, layer, Math.floor(channels(x) / 2), out, false);
  return add(g, [branch, surveyShortcut(g, x, out)], {});
}
