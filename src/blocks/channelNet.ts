/** ChannelNets, arXiv 1809.01330: convolutions along the channels, in the paper's three uses, and the blocks that hold them. */
import { OptionError } from "../core/errors.ts";
import { channels, type Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { add } from "../ops/add.ts";
import { channelConv } from "../ops/channelConv.ts";
import { reshape } from "../ops/reshape.ts";
import { convNormActivation } from "./convNormActivation.ts";
import { convolution, type Normalisation } from "./layers.ts";
import { needMultiple } from "./legal.ts";
import type { Padding, Pair } from "./padding.ts";

/** A convolution along the channels: `kernels` of `length` channels (and of a window of the image), `stride` channels apart. */
interface ChannelConvolution {
  readonly length: number;
  readonly kernels?: number;
  readonly stride?: number;
  /** Channels of zeros before and after; default: as many outputs a kernel as channels / stride, the odd zero after. */
  readonly padding?: Pair;
  readonly window?: Pair;
}

/** A convolution along the channels, weight "weight" [kernels, 1, length, kh, kw] (normal, variance 1 / taps), no bias. Section 2.2 of the paper. */
function channelConvolution(g: Scope, x: Value, options: ChannelConvolution): Value {
  const { length, kernels = 1, stride = kernels, window = [1, 1] } = options;
  const total = Math.max(0, length - stride);
  const { padding = [total >> 1, total - (total >> 1)] } = options;
  const std = 1 / Math.sqrt(length * window[0] * window[1]);
  const weight = g.parameter("weight", [kernels, 1, length, ...window], { kind: "normal", std });
  return channelConv(g, [x, weight], { stride, padding });
}

/** Group channel-wise convolution: `groups` kernels, as many apart, each giving its share of the channels: information passes between groups. */
export function groupChannelConvolution(g: Scope, x: Value, { groups = 2, length = 8 }: { groups?: number; length?: number } = {}): Value {
  needMultiple(g, `channels of a channel-wise convolution in ${groups} groups`, channels(x), groups);
  if (!Number.isSafeInteger(length) || length < groups) {
    throw new OptionError(`kernels of ${length} channels, ${groups} apart, would skip channels; nearest legal value ${groups}`);
  }
  return channelConvolution(g, x, { length, kernels: groups });
}

/** What the blocks of ChannelNet share. */
export interface ChannelNetBlock {
  readonly norm?: Normalisation;
  readonly padding?: Padding;
}

/** Filter each channel, then mix (within groups): nothing in between, normalisation and ReLU6 after. The authors' `dw_block`. */
export function channelNetUnit(
  g: Scope,
  x: Value,
  { out, stride = 1, groups = 1, norm, padding }: ChannelNetBlock & { out: number; stride?: number; groups?: number },
): Value {
  const y = convolution(g.scope("dw"), x, { out: channels(x), kernel: 3, stride, groups: channels(x), padding });
  return convNormActivation(g, y, { out, kernel: 1, groups, norm, act: "relu6", names: { conv: "pw", norm: "bn" } });
}

/** Groups of the 1×1 convolutions and, for GCWM, the length of the kernels along the channels. */
export interface GroupModule extends ChannelNetBlock {
  readonly groups?: number;
  readonly channelLength?: number;
}

/** GM: two units of grouped convolutions and the identity; GCWM (`channelLength` given): their groups are fused along the channels. Fig. 3. */
export function groupModule(g: Scope, x: Value, { groups = 2, channelLength, ...shared }: GroupModule): Value {
  const out = channels(x);
  needMultiple(g, `channels of a group module of ${groups} groups`, out, groups);
  let y = x;
  for (const i of [0, 1]) y = channelNetUnit(g.scope(`body.${i}`), y, { ...shared, out, groups });
  if (channelLength !== undefined) y = groupChannelConvolution(g.scope("gcw"), y, { groups, length: channelLength });
  return add(g, [y, x], {});
}

/** DWSCW: filter each channel, then mix by one kernel of 64 channels in place of a 1×1 convolution. Section 3.3 of the paper. */
export function depthwiseSeparableChannelConvolution(
  g: Scope,
  x: Value,
  { length = 64, padding }: { length?: number; padding?: Padding } = {},
): Value {
  const y = convolution(g.scope("dw"), x, { out: channels(x), kernel: 3, groups: channels(x), padding });
  return channelConvolution(g.scope("cw"), y, { length });
}

/**
 * Convolutional classification layer: one kernel over the whole map and channels − classes + 1 channels, so that class k reads channels
 * k … k + channels − classes: [n, c, h, w] → [n, classes]. Section 3.4 of the paper.
 */
export function convolutionalClassification(g: Scope, x: Value, { classes }: { classes: number }): Value {
  const [n, c, h, w] = x.shape;
  if (classes > c) {
    throw new OptionError(
      `a convolutional classification layer tells at most as many classes as it has channels (${c}), found ${classes} classes; nearest legal value ${c}`,
    );
  }
  const y = channelConvolution(g, x, { length: c - classes + 1, padding: [0, 0], window: [h, w] });
  return reshape(g, [y], { shape: [n, classes] });
}

/** The survey's ChannelConv: group, kernel size over channels, rows and columns, and zeros on both ends of the channels. */
export interface SurveyChannelConv {
  readonly group: number;
  readonly kernel: readonly [length: number, rows: number, columns: number];
  readonly padding: number;
}

/** ChannelConv, in its uses GCWConv (g, (f, 1, 1), (f − g) / 2), DWSCWConv (1, (f, 1, 1), (f − 1) / 2) and CCL (1, (m − n + 1, d, d), 0). */
export function surveyChannelConv(g: Scope, x: Value, { group, kernel: [length, rows, columns], padding }: SurveyChannelConv): Value {
  return channelConvolution(g.scope("conv"), x, { kernels: group, length, window: [rows, columns], padding: [padding, padding] });
}
