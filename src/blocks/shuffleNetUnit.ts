import { channels, type Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { add } from "../ops/add.ts";
import { averagePool } from "../ops/averagePool.ts";
import { concat } from "../ops/concat.ts";
import { relu } from "../ops/relu.ts";
import { convNormActivation } from "./convNormActivation.ts";
import { type Normalisation, shuffled } from "./layers.ts";
import { needMultiple } from "./legal.ts";
import { type Padding, type Pair, pixelsOfPadding } from "./padding.ts";
import { surveyShortcut } from "./survey.ts";
import { vanillaConv } from "./vanillaConv.ts";

/**
 * Two conventions are published under the same picture, and their weights are not interchangeable: "paper" (section 3.1; also pytorchcv) shuffles
 * after the first convolution, channel j of group i becomes channel j · groups + i, and a concatenation begins with the branch, ReLU over all of it;
 * "megvii" (the authors' later code) shuffles after the depthwise convolution, the other way round, and a concatenation begins with the pooled input,
 * which has no ReLU. (Inside a network the input has been through one, so that the ReLU makes no difference.)
 */
export type ShuffleConvention = "paper" | "megvii";

/** `out` channels of the unit (a multiple of 4 · groups). */
export interface ShuffleNetUnit {
  readonly out: number;
  readonly groups: number;
  readonly stride?: number;
  /**
   * "add" (fig. 2b) keeps the channels; "concat" (fig. 2c) puts the branch beside the pooled input. Default: "concat" at stride 2. "add" at a stride,
   * which the paper has no need of, adds to the pooled input.
   */
  readonly join?: "add" | "concat";
  /** Groups of the first convolution, where they differ: 1 in the first unit of the network. */
  readonly firstGroups?: number;
  /** Channels of the bottleneck. Default: a quarter of `out`. */
  readonly hidden?: number;
  readonly convention?: ShuffleConvention;
  readonly norm?: Normalisation;
  readonly padding?: Padding;
}

/** Weight names of the three layers under each convention: pytorchcv's and megvii's. */
const namesOf = {
  paper: [
    { conv: "compress_conv1", norm: "compress_bn1" },
    { conv: "dw_conv2", norm: "dw_bn2" },
    { conv: "expand_conv3", norm: "expand_bn3" },
  ],
  megvii: [
    { conv: "branch_main_1.0", norm: "branch_main_1.1" },
    { conv: "branch_main_1.3", norm: "branch_main_1.4" },
    { conv: "branch_main_2.0", norm: "branch_main_2.1" },
  ],
} as const;

/** The 3×3 average of the input at the branch's stride; the input itself where that is 1. */
function pooledInput(g: Scope, x: Value, stride: number, padding: Padding): Value {
  if (stride === 1) return x;
  const [kernel, step]: readonly Pair[] = [
    [3, 3],
    [stride, stride],
  ];
  const window = { kernel, stride: step, padding: pixelsOfPadding(padding, x.shape, kernel, step) };
  return averagePool(g, [x], { ...window, countsPadding: padding !== "tensorflow" });
}

function needDivisible(g: Scope, x: Value, { groups, firstGroups, hidden, branchOut }: Readonly<Record<string, number>>): void {
  needMultiple(g, "input channels of a ShuffleNet unit", channels(x), firstGroups);
  needMultiple(g, "bottleneck channels of a ShuffleNet unit", hidden, groups);
  needMultiple(g, "channels of the branch of a ShuffleNet unit", branchOut, groups);
}

/** Grouped 1×1 → shuffle → depthwise 3×3 → grouped 1×1, joined with the input. ShuffleNet, arXiv 1707.01083, fig. 2b and 2c. */
export function shuffleNetUnit(g: Scope, x: Value, options: ShuffleNetUnit): Value {
  const { out, groups, stride = 1, firstGroups = groups, hidden = out / 4, convention = "paper", ...shared } = options;
  const { join = stride === 1 ? "add" : "concat" } = options;
  const isPaper = convention === "paper";
  const names = namesOf[convention];
  const branchOut = join === "concat" ? out - channels(x) : out;
  needDivisible(g, x, { groups, firstGroups, hidden, branchOut });
  let y = convNormActivation(g, x, { ...shared, out: hidden, kernel: 1, groups: firstGroups, names: names[0] });
  if (isPaper) y = shuffled(g, y, groups);
  y = convNormActivation(g, y, { ...shared, out: hidden, kernel: 3, stride, groups: hidden, act: "identity", names: names[1] });
  if (!isPaper) y = shuffled(g, y, hidden / groups);
  y = convNormActivation(g, y, { ...shared, out: branchOut, kernel: 1, groups, act: "identity", names: names[2] });
  const kept = pooledInput(g, x, stride, shared.padding ?? "symmetrical");
  if (join === "add") return relu(g, [add(g, [y, kept], {})], {});
  if (isPaper) return relu(g, [concat(g, [y, kept], { axis: 1 })], {});
  return concat(g, [kept, relu(g, [y], {})], { axis: 1 });
}

/** ShuffleNet of the survey: a quarter of the input's channels; too few of them for the groups leave only the last convolution grouped. */
export function surveyShuffleNetUnit(g: Scope, x: Value, { out, groups = 4 }: { out: number; groups?: number }): Value {
  const [block, hidden] = [g.scope("shuffle_block"), Math.floor(channels(x) / 4)];
  const firstGroups = channels(x) < groups ** 2 ? 1 : groups;
  needDivisible(g, x, { groups, firstGroups, hidden, branchOut: out });
  let y = vanillaConv(block.scope("0"), x, { out: hidden, kernel: 1, padding: 0, groups: firstGroups });
  y = shuffled(g, y, firstGroups);
  y = vanillaConv(block.scope("2"), y, { out: hidden, groups: hidden, act: "identity" });
  y = vanillaConv(block.scope("3"), y, { out, kernel: 1, padding: 0, groups, act: "identity" });
  return relu(g, [add(g, [y, surveyShortcut(g, x, out)], {})], {});
}
