/**
 * Convolutions and fully connected layers of bytes: the product of gemm.ts, whose words are then four channels. Weights are packed
 * [N/8][taps][K/4][8][4]; dense kernels read windows of a copy with zero points around it.
 */
import type { Node } from "../../../../ir/graph.ts";
import { dtypeOf } from "../../../../ir/graph.ts";
import type { IntegerConvolution } from "../../../../ops/integerConv2d.ts";
import type { IntegerLinear } from "../../../../ops/integerLinear.ts";
import { BLOCK_CHANNELS } from "../../../../ops/integerSums.ts";
import type { Lower, LowerContext, Pointer, Step } from "../../kernel.ts";
import { lanesOf, pad4 } from "../../layout.ts";
import { gemmSteps, type Windows } from "../gemm.ts";
import { type Groups, groupSpan } from "../groups.ts";
import { packed } from "../pack.ts";
import type { PanelResult } from "../panelResult.ts";
import type { Tap } from "../taps.ts";
import { byteTap } from "./byteTap.ts";
import { type BytePanels, packBytePanels, paddedBytes, panelWords } from "./packBytes.ts";
import { requantised } from "./requantise.ts";

function panelsOf(
  node: Node,
  panels: BytePanels,
  tap: Tap,
  context: LowerContext,
): { at: Pointer; masks: Pointer | undefined; steps: readonly Step[] } {
  const [, weight] = node.inputs;
  const key = `byte panels ${panels.words} ${panels.groupOutputs}`;
  const words = panelWords(panels);
  const pack = (isMask: boolean) => (target: Pointer) => packBytePanels(target, context.at(weight), panels, isMask);
  const weights = packed(context, key, weight, words, pack(false));
  // Lanes that were filled up are met by channels of other groups, or by none.
  const isFilled = panels.words * 4 > panels.inputs;
  if (tap.isZeroNeutral || !isFilled) return { ...weights, masks: undefined };
  const masks = packed(context, `${key} masks`, weight, words, pack(true));
  return { at: weights.at, masks: masks.at, steps: [...weights.steps, ...masks.steps] };
}

/** Words between the rows of the result. */
function resultWords({ outputs: [y] }: Node): number {
  return dtypeOf(y) === "f32" ? pad4(y.shape[1]) : lanesOf(y.shape[1], "u7") / 4;
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one straight list of sizes and strides
function convolution(node: Node, result: PanelResult, context: LowerContext): readonly Step[] {
  const [x, weight] = node.inputs;
  const [y] = node.outputs;
  const { stride, padding, groups, zero, similarity } = node.attrs as IntegerConvolution;
  const [images, channels, height, width] = x.shape;
  const [outputs, inputs, rows, columns] = weight.shape;
  const lanes = lanesOf(channels, "u7");
  const tap = byteTap(similarity, groups === 1 && lanes % BLOCK_CHANNELS === 0);
  const [top, bottom, left, right] = padding;
  const paddedSize = [height + top + bottom, width + left + right] as const;
  const isPadded = padding.some((extent) => extent > 0);
  const source = { x: context.at(x), images, lanes, zero, size: [height, width], before: [top, left], paddedSize } as const;
  const image = isPadded ? paddedBytes(source, context) : { at: source.x, steps: [] };
  const shares: Groups = { channels: lanes, inputs, outputs: outputs / groups, channelsInWord: 4 };
  const span = groups > 1 ? pad4(Math.min(groupSpan({ ...shares, channels }), channels)) : pad4(channels);
  // Pixels without padding lanes follow each other: a row of the window is one run.
  const isRun = groups === 1 && span === lanes;
  const panels = { outputs, taps: rows * columns, inputs, words: span / 4, groupOutputs: shares.outputs, lastStart: lanes - span };
  const filters = panelsOf(node, panels, tap, context);
  const line = (paddedSize[1] * lanes) / 4;
  const windows: Windows = {
    outWidth: y.shape[3],
    outHeight: y.shape[2],
    rowStep: stride[0] * line,
    imageStep: paddedSize[0] * line,
    rows,
    columns: isRun ? 1 : columns,
    rowRun: line,
    columnRun: lanes / 4,
  };
  const isFlat = !isPadded && rows * columns * stride[0] * stride[1] === 1;
  const steps = gemmSteps({
    tap,
    a: image.at,
    rows: images * y.shape[2] * y.shape[3],
    lda: (stride[1] * lanes) / 4,
    k: (span / 4) * (isRun ? columns : 1),
    windows: isFlat ? undefined : windows,
    groups: groups > 1 ? shares : undefined,
    packed: filters.at,
    masks: filters.masks,
    n: outputs,
    y: context.at(y),
    ldy: resultWords(node),
    result,
  });
  return [...filters.steps, ...image.steps, ...steps];
}

/** Steps of a convolution of bytes. */
export const integerConv2d: Lower = (node, context) => {
  const result = requantised(node, context);
  return result && convolution(node, result, context);
};

/** Steps of a fully connected layer of bytes. */
export const integerLinear: Lower = (node, context) => {
  const result = requantised(node, context);
  if (!result) return undefined;
  const [x, weight] = node.inputs;
  const [rows, inputs] = x.shape;
  const [outputs] = weight.shape;
  const words = pad4(inputs) / 4;
  const tap = byteTap((node.attrs as IntegerLinear).similarity, true);
  const filters = panelsOf(node, { outputs, taps: 1, inputs, words, groupOutputs: outputs, lastStart: 0 }, tap, context);
  const lda = lanesOf(inputs, "u7") / 4;
  const steps = gemmSteps({
    tap,
    a: context.at(x),
    rows,
    lda,
    k: words,
    packed: filters.at,
    masks: filters.masks,
    n: outputs,
    y: context.at(node.outputs[0]),
    ldy: resultWords(node),
    result,
  });
  return [...filters.steps, ...steps];
};
