/**
 * dx of a convolution. With filters turned round, dx is a convolution of dy with stride 1, its pixels `stride` apart among zeros (spread.ts)
 * and padded by kernel − 1 − padding. Pointwise and depthwise forms skip the zeros.
 */
import type { Node } from "../../../ir/graph.ts";
import type { ConvolutionInputGradient } from "../../../ops/conv2dInputGradient.ts";
import { type Lower, type LowerContext, type Pointer, type Step, shifted } from "../kernel.ts";
import { pad4, stridesOf } from "../layout.ts";
import { depthwiseSteps, MOST_TAPS } from "./depthwise.ts";
import { depthwiseLoopSteps } from "./depthwiseLoop.ts";
import { depthwiseSpreadSteps, isSpreadServed } from "./depthwiseSpread.ts";
import { groupSpan } from "./gemm.ts";
import { laneFloats, type PanelSource, packed, packLaneSteps, packPanelSteps, panelFloats } from "./pack.ts";
import { padSteps } from "./pad.ts";
import { spacedGemmSteps } from "./spacedRows.ts";
import { spreadSteps } from "./spread.ts";
import type { Pair } from "./window.ts";

/** A gradient with its sizes spelled out. `outputs` and `outSize` are those of dy. */
interface Task {
  readonly node: Node;
  readonly context: LowerContext;
  readonly images: number;
  readonly channels: number;
  readonly outputs: number;
  readonly groups: number;
  readonly size: Pair;
  readonly outSize: Pair;
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: readonly [number, number, number, number];
  /** Element strides of the weight. */
  readonly strides: readonly number[];
  readonly dx: Pointer;
  readonly dy: Pointer;
}

function taskOf(node: Node, context: LowerContext): Task {
  const [dy, weight] = node.inputs;
  const { stride, padding, groups, inputShape } = node.attrs as ConvolutionInputGradient;
  const [images, channels, height, width] = inputShape;
  const [, outputs, outHeight, outWidth] = dy.shape;
  return {
    node,
    context,
    images,
    channels,
    outputs,
    groups,
    size: [height, width],
    outSize: [outHeight, outWidth],
    kernel: [weight.shape[2], weight.shape[3]],
    stride,
    padding,
    strides: stridesOf(weight.shape, context.isWeight(weight) ? "weight" : "activation"),
    dx: context.at(node.outputs[0]),
    dy: context.at(dy),
  };
}

/** Zeros before the first pixel of dy for filters turned round; may be negative. */
function beforeOf({ kernel, padding }: Task): Pair {
  return [kernel[0] - 1 - padding[0], kernel[1] - 1 - padding[2]];
}

/** dy among zeros, as large as dx with a window around each pixel; dy itself where nothing is to be added. */
function spreadGradient(task: Task): { readonly at: Pointer; readonly size: Pair; readonly steps: readonly Step[] } {
  const { context, images, outputs, size, outSize, kernel, stride, padding, dy } = task;
  const spreadSize: Pair = [size[0] + kernel[0] - 1, size[1] + kernel[1] - 1];
  const before = beforeOf(task);
  const isDense = stride[0] === 1 && stride[1] === 1;
  if (isDense && spreadSize[0] === outSize[0] && spreadSize[1] === outSize[1] && before[0] === 0 && before[1] === 0) {
    return { at: dy, size: outSize, steps: [] };
  }
  const lanes = pad4(outputs);
  const at = context.scratch(images * spreadSize[0] * spreadSize[1] * lanes);
  const isPadded = isDense && padding.every((extent, i) => extent < kernel[i >> 1]);
  const place = { x: dy, y: at, images, lanes, size: outSize };
  const steps = isPadded
    ? padSteps({ ...place, before, paddedSize: spreadSize })
    : spreadSteps({ ...place, spreadSize, stride, shift: [-before[0], -before[1]] });
  return { at, size: spreadSize, steps };
}

function depthwise(task: Task): readonly Step[] {
  const { node, context, images, channels, size, outSize, kernel, stride, padding, strides, dx, dy } = task;
  const [, weight] = node.inputs;
  const taps = kernel[0] * kernel[1];
  const isStrided = stride[0] > 1 || stride[1] > 1;
  const sizes = { images, channels, kernel };
  if (isStrided && isSpreadServed(kernel, stride)) {
    const filters = packed(context, "lanes", weight, laneFloats(channels, taps), (target) =>
      packLaneSteps(target, context.at(weight), channels, taps, strides[0], strides[3]),
    );
    const before: Pair = [padding[0], padding[2]];
    return [...filters.steps, ...depthwiseSpreadSteps({ ...sizes, dx, dy, packed: filters.at, size, outSize, stride, before })];
  }
  const filters = packed(context, "lanes turned round", weight, laneFloats(channels, taps), (target) => {
    const last = shifted(context.at(weight), (taps - 1) * strides[3] * 4);
    return packLaneSteps(target, last, channels, taps, strides[0], -strides[3]);
  });
  const steps = taps > MOST_TAPS ? depthwiseLoopSteps : depthwiseSteps;
  const dense = { ...sizes, y: dx, packed: filters.at, outSize: size, stride: [1, 1] as const };
  if (!isStrided) return [...filters.steps, ...steps({ ...dense, x: dy, size: outSize, before: beforeOf(task) })];
  const spread = spreadGradient(task);
  return [...filters.steps, ...spread.steps, ...steps({ ...dense, x: spread.at, size: spread.size, before: [0, 0] })];
}

/** The weight as a matrix from dy's channels (and taps, turned round) to dx's. */
function panelsOf({ node, context, channels, outputs, groups, kernel, strides }: Task): PanelSource {
  const [outStride, channelStride, rowStride, columnStride] = strides;
  const last = (kernel[0] - 1) * rowStride + (kernel[1] - 1) * columnStride;
  const shares = { channels: outputs, inputs: outputs / groups, outputs: channels / groups };
  return {
    source: shifted(context.at(node.inputs[1]), last * 4),
    n: channels,
    rows: kernel[0],
    columns: kernel[1],
    channels: outputs,
    run: groups > 1 ? groupSpan(shares) : kernel[1] === 1 ? outputs : pad4(outputs),
    outStep: channelStride,
    rowStep: -rowStride,
    columnStep: -columnStride,
    channelStep: outStride,
    groups: groups > 1 ? shares : undefined,
    groupStep: shares.inputs * outStride - shares.outputs * channelStride,
  };
}

/** dx (or, where `rows` says so, another matrix of its channels) as a product. */
function product(task: Task, a: Pointer, size: Pair, y: Pointer, outSize: Pair): readonly Step[] {
  const { node, context, images, channels, outputs, kernel, groups } = task;
  const panels = panelsOf(task);
  const key = groups > 1 ? `turned panels of ${outputs / groups} in groups` : "turned panels";
  const weights = packed(context, key, node.inputs[1], panelFloats(panels), (target) => packPanelSteps(target, panels));
  const lanes = pad4(outputs);
  const line = size[1] * lanes;
  const isFlat = groups === 1 && kernel[0] * kernel[1] === 1;
  const isOneRun = groups === 1 && kernel[1] > 1;
  const places = { outWidth: outSize[1], outHeight: outSize[0], rowStep: line, imageStep: size[0] * line };
  const windows = { ...places, rows: kernel[0], columns: isOneRun ? 1 : kernel[1], rowRun: line, columnRun: lanes };
  const steps = spacedGemmSteps(context, {
    a,
    rows: images * outSize[0] * outSize[1],
    lda: lanes,
    k: isOneRun ? kernel[1] * lanes : panels.run,
    windows: isFlat ? undefined : windows,
    groups: panels.groups,
    packed: weights.at,
    n: channels,
    y,
    ldy: pad4(channels),
  });
  return [...weights.steps, ...steps];
}

/** A strided 1 × 1 filter: the product at dy's size, then its pixels among zeros. */
function sparsePoints(task: Task): readonly Step[] {
  const { context, images, channels, size, outSize, stride, padding, dx, dy } = task;
  const lanes = pad4(channels);
  const points = context.scratch(images * outSize[0] * outSize[1] * lanes);
  const shift: Pair = [padding[0], padding[2]];
  const spread = spreadSteps({ x: points, y: dx, images, lanes, size: outSize, spreadSize: size, stride, shift });
  return [...product(task, dy, outSize, points, outSize), ...spread];
}

export const conv2dInputGradient: Lower = (node, context) => {
  if ((node.attrs as ConvolutionInputGradient).similarity !== "product") return undefined;
  const task = taskOf(node, context);
  const { groups, channels, outputs, kernel, stride, padding, size, dx } = task;
  if (groups === channels && groups === outputs) return depthwise(task);
  const isDense = stride[0] === 1 && stride[1] === 1 && padding.every((extent) => extent === 0);
  if (kernel[0] === 1 && kernel[1] === 1 && !isDense) return sparsePoints(task);
  const spread = spreadGradient(task);
  return [...spread.steps, ...product(task, spread.at, spread.size, dx, size)];
};
