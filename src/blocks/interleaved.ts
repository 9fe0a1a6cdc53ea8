import { channels, type Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { add } from "../ops/add.ts";
import { type Activation, activate } from "./activation.ts";
import { convNormActivation } from "./convNormActivation.ts";
import { layersOf } from "./interleavedRules.ts";
import { convolution, type Normalisation, normalisation, shuffled } from "./layers.ts";
import { needMultiple, needWhole } from "./legal.ts";
import type { Padding } from "./padding.ts";

/** What the interleaved blocks share. */
interface Interleaved {
  readonly out: number;
  readonly stride?: number;
  readonly act?: Activation;
  readonly norm?: Normalisation;
  readonly padding?: Padding;
}

/** L primary and M secondary partitions. */
export interface InterleavedV1 extends Interleaved {
  readonly primary: number;
  readonly secondary: number;
  /** The survey has a bias in each convolution, and a normalisation after each, the second in front of the permutation. Default: "paper". */
  readonly form?: "paper" | "survey";
}

const namesOfV1 = {
  paper: { conv1: "conv1", conv2: "conv2", norm1: "", norm2: "bn" },
  survey: { conv1: "igconv.0", norm1: "igconv.1", conv2: "igconv.3", norm2: "igconv.4" },
};

/**
 * A 3×3 convolution in L groups and a 1×1 convolution in M groups, the channels permuted between them and back: each output sees every input.
 * Interleaved group convolutions, arXiv 1707.02725, fig. 1; normalisation and activation follow the pair, as in the authors' code.
 */
export function interleavedV1(g: Scope, x: Value, options: InterleavedV1): Value {
  const { out, stride = 1, primary, secondary, act = "relu", norm, padding, form = "paper" } = options;
  needMultiple(g, "input channels of an interleaved group convolution", channels(x), primary);
  needMultiple(g, "channels of an interleaved group convolution", out, leastCommonMultiple(primary, secondary));
  const names = namesOfV1[form];
  const shared = { out, hasBias: form === "survey" };
  let y = convolution(g.scope(names.conv1), x, { ...shared, stride, padding, groups: primary });
  if (form === "survey") y = normalisation(g.scope(names.norm1), y, norm);
  y = shuffled(g, y, primary);
  y = convolution(g.scope(names.conv2), y, { ...shared, kernel: 1, groups: secondary });
  if (form === "survey") y = shuffled(g, normalisation(g.scope(names.norm2), y, norm), secondary);
  else y = normalisation(g.scope(names.norm2), shuffled(g, y, secondary), norm);
  return activate(g, y, act);
}

function leastCommonMultiple(a: number, b: number): number {
  let [divisor, rest] = [a, b];
  while (rest > 0) [divisor, rest] = [rest, divisor % rest];
  return (a / divisor) * b;
}

/** IGCNet of the survey: M = 2, biases, a normalisation after each convolution. */
export function surveyInterleavedV1(g: Scope, x: Value, { out }: { out: number }): Value {
  needMultiple(g, "channels of the survey's IGCNet", out, 2);
  return interleavedV1(g, x, { out, primary: Math.floor(out / 2), secondary: 2, form: "survey" });
}

/** K channels in each group of the 1×1 convolutions (the paper's experiments: 8). */
export interface InterleavedV2 extends Interleaved {
  readonly groupWidth?: number;
  /** Of the 3×3 convolution. Default: one for each input. */
  readonly groups?: number;
}

/**
 * A depthwise 3×3 convolution and as many 1×1 convolutions of K channels a group as connect everything, permuted in front of each. Normalisation and
 * activation follow the whole. Interleaved structured sparse convolution, arXiv 1804.06202; where channels grow, each input filters into several.
 */
export function interleavedV2(g: Scope, x: Value, options: InterleavedV2): Value {
  const { out, stride = 1, groupWidth = 8, groups = channels(x), act = "relu", norm, padding } = options;
  needMultiple(g, "input channels of an interleaved structured sparse convolution", channels(x), groups);
  needMultiple(g, "channels of an interleaved structured sparse convolution", out, groupWidth);
  needMultiple(g, "channels of an interleaved structured sparse convolution", out, groups);
  let y = convolution(g.scope("conv1"), x, { out, stride, padding, groups });
  for (let layer = 2; layer <= layersOf(out, groupWidth); layer++) {
    y = convolution(g.scope(`conv${layer}`), shuffled(g, y, out / groupWidth), { out, kernel: 1, groups: out / groupWidth });
  }
  return activate(g, normalisation(g.scope("bn"), y, norm), act);
}

/** IGCV2 of the survey: the 3×3 convolution has K = 8 channels a group too; a bias and a normalisation in every layer. */
export function surveyInterleavedV2(g: Scope, x: Value, { out }: { out: number }): Value {
  needWhole(g, "channels of the survey's IGCV2", out, { least: 8 });
  const groups = Math.floor(out / 8);
  needMultiple(g, "input channels of the survey's IGCV2", channels(x), groups);
  needMultiple(g, "channels of the survey's IGCV2", out, groups);
  const block = g.scope("igcv2");
  const shared = { out, groups, hasBias: true };
  let y = normalisation(block.scope("1"), convolution(block.scope("0"), x, shared));
  for (let layer = 2; layer <= layersOf(out, 8); layer++) {
    y = convolution(block.scope(`groupconv${layer}`), shuffled(g, y, groups), { ...shared, kernel: 1 });
    y = normalisation(block.scope(`batchnorm${layer}`), y);
  }
  return activate(g, y, "relu");
}

/** `hidden` channels of the depthwise convolution, and the groups of both 1×1 convolutions. */
export interface InterleavedV3 extends Interleaved {
  readonly hidden: number;
  readonly groups?: number;
  /** "paper": as the authors' code; the first convolution is linear. "pytorch": it has the activation, and the output is permuted back. */
  readonly form?: "paper" | "pytorch";
}

/** An inverted residual whose 1×1 convolutions are grouped, the channels permuted in between. IGCV3, arXiv 1806.00178, fig. 2. */
export function interleavedV3(g: Scope, x: Value, options: InterleavedV3): Value {
  const { out, hidden, stride = 1, groups = 2, act = "relu6", form = "paper", ...shared } = options;
  needMultiple(g, "input channels of an IGCV3 block", channels(x), groups);
  needMultiple(g, "inner channels of an IGCV3 block", hidden, groups);
  needMultiple(g, "channels of an IGCV3 block", out, groups);
  const isPaper = form === "paper";
  const at = (index: number): { conv: string; norm: string } => ({ conv: `conv.${index}`, norm: `conv.${index + 1}` });
  let y = convNormActivation(g, x, { ...shared, out: hidden, kernel: 1, groups, act: isPaper ? "identity" : act, names: at(0) });
  y = shuffled(g, y, groups);
  y = convNormActivation(g, y, { ...shared, out: hidden, stride, groups: hidden, act, names: at(4) });
  y = convNormActivation(g, y, { ...shared, out, kernel: 1, groups, act: "identity", names: at(7) });
  if (!isPaper) y = shuffled(g, y, out / groups);
  return stride === 1 && out === channels(x) ? add(g, [x, y], {}) : y;
}
