/**
 * dx of a convolution. With filters turned round, dx is a convolution of dy with stride 1, its pixels `stride` apart among zeros and padded by
 * kernel − 1 − padding. No form multiplies the zeros between: pointwise and depthwise forms have ways of their own, all others go phase by phase
 * (phases.ts); only kernels smaller than the stride are met as they are (spread.ts).
 */
import type { Node } from "../../../ir/graph.ts";
import type { ConvolutionInputGradient } from "../../../ops/conv2dInputGradient.ts";
import { type Lower, type LowerContext, type Pointer, type Step, shifted } from "../kernel.ts";
import { pad4, stridesOf } from "../layout.ts";
import { depthwiseSteps, MOST_TAPS } from "./depthwise.ts";
import { depthwiseLoopSteps } from "./depthwiseLoop.ts";
import { depthwiseSpreadSteps, isSpreadServed } from "./depthwiseSpread.ts";
import { groupSpan } from "./groups.ts";
import { imageOperand, type Operand, packedFor, packedMasks, spoilSteps, weightFlags } from "./operands.ts";
import { laneFloats, type PanelSource, packLaneSteps, packPanelSteps, panelFloats } from "./pack.ts";
import { padSteps } from "./pad.ts";
import { phasesOf, placeSteps } from "./phases.ts";
import { sampleSteps } from "./sample.ts";
import { spacedGemmSteps } from "./spacedRows.ts";
import { spreadSteps } from "./spread.ts";
import { gradientTaps, type Tap } from "./taps.ts";
import type { Pair } from "./window.ts";

/** A gradient with its sizes spelled out. `outputs` and `outSize` are those of dy. */
interface Task {
  readonly node: Node;
  readonly context: LowerContext;
  readonly tap: Tap;
  readonly images: number;
  readonly channels: number;
  readonly outputs: number;
  readonly groups: number;
  readonly size: Pair;
  readonly outSize: Pair;
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: readonly [number, number, number, number];
  /** Element strides of the weight, and its first tap that counts. */
  readonly strides: readonly number[];
  readonly firstTap: number;
  readonly dx: Pointer;
  readonly dy: Pointer;
  /** x, where the tap reads it. */
  readonly own: Pointer | undefined;
}

function taskOf(node: Node, context: LowerContext): Task {
  const [dy, weight, x] = node.inputs;
  const { stride, padding, groups, inputShape, similarity, gradient } = node.attrs as ConvolutionInputGradient;
  const [images, channels, height, width] = inputShape;
  const [, outputs, outHeight, outWidth] = dy.shape;
  return {
    node,
    context,
    tap: gradientTaps({ similarity, gradient }).input,
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
    firstTap: 0,
    dx: context.at(node.outputs[0]),
    dy: context.at(dy),
    own: x && context.at(x),
  };
}

/** Zeros before the first pixel of dy for filters turned round; may be negative. */
function beforeOf({ kernel, padding }: Task): Pair {
  return [kernel[0] - 1 - padding[0], kernel[1] - 1 - padding[2]];
}

/** dy as the tap reads it; `at` holds images of this size. */
function changed({ context, tap, images, outputs }: Task, at: Pointer, size: Pair): Operand {
  return imageOperand({ x: at, images, channels: outputs, size, before: [0, 0], paddedSize: size }, tap.a, context);
}

/** dy among zeros, as large as dx with a window around each pixel; dy itself where nothing is to be added. */
function spreadGradient(task: Task): Operand {
  const { context, images, outputs, size, outSize, kernel, stride, padding, dy } = task;
  const spreadSize: Pair = [size[0] + kernel[0] - 1, size[1] + kernel[1] - 1];
  const before = beforeOf(task);
  const isDense = stride[0] === 1 && stride[1] === 1;
  if (isDense && spreadSize[0] === outSize[0] && spreadSize[1] === outSize[1] && before[0] === 0 && before[1] === 0) {
    return changed(task, dy, outSize);
  }
  const lanes = pad4(outputs);
  const at = context.scratch(images * spreadSize[0] * spreadSize[1] * lanes);
  const isPadded = isDense && padding.every((extent, i) => extent < kernel[i >> 1]);
  const place = { x: dy, y: at, images, lanes, size: outSize };
  const steps = isPadded
    ? padSteps({ ...place, before, paddedSize: spreadSize })
    : spreadSteps({ ...place, spreadSize, stride, shift: [-before[0], -before[1]] });
  const operand = changed(task, at, spreadSize);
  return { ...operand, steps: [...steps, ...operand.steps] };
}

/** What a NaN that the operands lost makes of dx. */
function spoiled({ node, context, tap }: Task, gradient: Operand): readonly Step[] {
  const weight = weightFlags(tap, node.inputs[1], context);
  return [...weight.steps, ...spoilSteps(node.outputs[0], [...gradient.flags, ...weight.flags], context)];
}

/** A strided depthwise gradient without zeros between dy's pixels. */
function depthwiseSpread(task: Task): readonly Step[] {
  const { node, context, tap, channels, kernel, padding, strides } = task;
  const [, weight] = node.inputs;
  const taps = kernel[0] * kernel[1];
  const pack = (target: Pointer): readonly Step[] => packLaneSteps(target, context.at(weight), channels, taps, strides[0], strides[3]);
  const filters = packedFor(tap, context, "lanes", weight, laneFloats(channels, taps), pack, pad4(channels));
  const before: Pair = [padding[0], padding[2]];
  return [...filters.steps, ...depthwiseSpreadSteps({ ...task, packed: filters.at, before })];
}

function depthwise(task: Task): readonly Step[] {
  const { node, context, tap, images, channels, size, outSize, kernel, stride, strides, dx, dy, own } = task;
  const [, weight] = node.inputs;
  const taps = kernel[0] * kernel[1];
  const isStrided = stride[0] > 1 || stride[1] > 1;
  // Where operands are changed, zeros are, too: they must be in memory.
  if (isStrided && !tap.a && isSpreadServed(kernel, stride)) return depthwiseSpread(task);
  const pack = (target: Pointer): readonly Step[] => {
    const last = shifted(context.at(weight), (taps - 1) * strides[3] * 4);
    return packLaneSteps(target, last, channels, taps, strides[0], -strides[3]);
  };
  const filters = packedFor(tap, context, "lanes turned round", weight, laneFloats(channels, taps), pack, pad4(channels));
  const steps = taps > MOST_TAPS ? depthwiseLoopSteps : depthwiseSteps;
  const dense = { tap, images, channels, kernel, y: dx, packed: filters.at, own, outSize: size, stride: [1, 1] as const };
  if (!isStrided && !tap.a) return [...filters.steps, ...steps({ ...dense, x: dy, size: outSize, before: beforeOf(task) })];
  const spread = spreadGradient(task);
  const sums = steps({ ...dense, x: spread.at, size: spread.size, before: [0, 0] });
  return [...filters.steps, ...spread.steps, ...sums, ...spoiled(task, spread)];
}

/** The weight as a matrix from dy's channels (and taps, turned round) to dx's. */
function panelsOf({ node, context, tap, channels, outputs, groups, kernel, strides, firstTap }: Task): PanelSource {
  const [outStride, channelStride, rowStride, columnStride] = strides;
  const last = firstTap + (kernel[0] - 1) * rowStride + (kernel[1] - 1) * columnStride;
  const shares = { channels: outputs, inputs: outputs / groups, outputs: channels / groups };
  const isWhole = kernel[1] === 1 || !tap.isZeroNeutral;
  return {
    source: shifted(context.at(node.inputs[1]), last * 4),
    n: channels,
    rows: kernel[0],
    columns: kernel[1],
    channels: outputs,
    run: groups > 1 ? groupSpan(shares) : isWhole ? outputs : pad4(outputs),
    outStep: channelStride,
    rowStep: -rowStride,
    columnStep: -columnStride,
    channelStep: outStride,
    groups: groups > 1 ? shares : undefined,
    groupStep: shares.inputs * outStride - shares.outputs * channelStride,
  };
}

/** Packed weights, and masks of where a panel's lanes have none, if zeros there would count. */
function packedPanels(
  { node, context, tap, outputs, groups, kernel, firstTap }: Task,
  panels: PanelSource,
): { at: Pointer; masks?: Pointer; steps: readonly Step[] } {
  const taps = `${kernel.join("×")} from ${firstTap}`;
  const key = groups > 1 ? `turned panels ${taps} of ${outputs / groups} in groups` : `turned panels ${taps}`;
  const [, weight] = node.inputs;
  const floats = panelFloats(panels);
  const weights = packedFor(tap, context, key, weight, floats, (target) => packPanelSteps(target, panels));
  if (tap.isZeroNeutral || !panels.groups || panels.run === panels.groups.inputs) return weights;
  const still = { outStep: 0, rowStep: 0, columnStep: 0, channelStep: 0, groupStep: 0 };
  const masks = packedMasks(context, key, weight, floats, (target, source) => packPanelSteps(target, { ...panels, ...still, source }));
  return { at: weights.at, masks: masks.at, steps: [...weights.steps, ...masks.steps] };
}

/** dx, or another matrix of its channels, as a product: from `a` of this size to `y`. `own` lies as y does. */
interface Product {
  readonly a: Pointer;
  readonly size: Pair;
  readonly y: Pointer;
  readonly outSize: Pair;
  readonly own: Pointer | undefined;
}

function product(task: Task, { a, size, y, outSize, own }: Product): readonly Step[] {
  const { context, tap, images, channels, outputs, kernel, groups } = task;
  const panels = panelsOf(task);
  const weights = packedPanels(task, panels);
  const lanes = pad4(outputs);
  const line = size[1] * lanes;
  const isFlat = kernel[0] * kernel[1] === 1 && size[0] === outSize[0] && size[1] === outSize[1];
  const isOneRun = groups === 1 && kernel[1] > 1 && (tap.isZeroNeutral || outputs === lanes);
  const places = { outWidth: outSize[1], outHeight: outSize[0], rowStep: line, imageStep: size[0] * line };
  const windows = { ...places, rows: kernel[0], columns: isOneRun ? 1 : kernel[1], rowRun: line, columnRun: lanes };
  const steps = spacedGemmSteps(context, {
    tap,
    a,
    rows: images * outSize[0] * outSize[1],
    lda: lanes,
    k: isOneRun ? kernel[1] * lanes : panels.run,
    windows: isFlat ? undefined : windows,
    groups: panels.groups,
    packed: weights.at,
    masks: weights.masks,
    own,
    n: channels,
    y,
    ldy: pad4(channels),
  });
  return [...weights.steps, ...steps];
}

/** A strided 1 × 1 filter: the product at dy's size, then its pixels among zeros. */
function sparsePoints(task: Task): readonly Step[] {
  const { context, images, channels, size, outSize, stride, padding, dx, dy, own } = task;
  const lanes = pad4(channels);
  const scratch = (): Pointer => context.scratch(images * outSize[0] * outSize[1] * lanes);
  const y = scratch();
  const before: Pair = [padding[0], padding[2]];
  const gradient = changed(task, dy, outSize);
  const seen = own && scratch();
  const samples = own && seen ? sampleSteps(own, seen, images, lanes, { size, outSize, stride, before }) : [];
  const points = product(task, { a: gradient.at, size: outSize, y, outSize, own: seen });
  const spread = spreadSteps({ x: y, y: dx, images, lanes, size: outSize, spreadSize: size, stride, shift: before });
  return [...gradient.steps, ...samples, ...points, ...spread, ...spoiled(task, gradient)];
}

/** Each phase of dx's pixels as a product with the taps that reach it, then put into place. */
function phased(task: Task): readonly Step[] {
  const { context, tap, images, channels, outputs, size, outSize, kernel, stride, padding, strides, dx, dy, own } = task;
  const axes = [0, 1].map((axis) => {
    const sizes = { kernel: kernel[axis], stride: stride[axis], before: padding[2 * axis], size: size[axis], outSize: outSize[axis] };
    return phasesOf(sizes);
  });
  const before: Pair = [axes[0].before, axes[1].before];
  const paddedSize: Pair = [axes[0].paddedSize, axes[1].paddedSize];
  const gradient = imageOperand({ x: dy, images, channels: outputs, size: outSize, before, paddedSize }, tap.a, context);
  const [lanes, line] = [pad4(channels), paddedSize[1] * pad4(outputs)];
  const most = Math.max(...axes[0].phases.map(({ count }) => count)) * Math.max(...axes[1].phases.map(({ count }) => count));
  const y = context.scratch(images * most * lanes);
  const seen = own && context.scratch(images * most * lanes);
  const steps = axes[0].phases.flatMap((rows) =>
    axes[1].phases.flatMap((columns) => {
      const part: Pair = [rows.count, columns.count];
      const sub = {
        ...task,
        kernel: [rows.taps, columns.taps] as const,
        strides: [strides[0], strides[1], stride[0] * strides[2], stride[1] * strides[3]],
        firstTap: rows.firstTap * strides[2] + columns.firstTap * strides[3],
      };
      const a = shifted(gradient.at, 4 * (rows.start * line + columns.start * pad4(outputs)));
      const first: Pair = [rows.firstPixel, columns.firstPixel];
      const samples =
        own && seen ? sampleSteps(own, seen, images, lanes, { size, outSize: part, stride, before: [-first[0], -first[1]] }) : [];
      const products = product(sub, { a, size: paddedSize, y, outSize: part, own: seen });
      return [...samples, ...products, ...placeSteps({ x: y, y: dx, images, lanes, size: part, placedSize: size, stride, first })];
    }),
  );
  return [...gradient.steps, ...steps, ...spoiled(task, gradient)];
}

export const conv2dInputGradient: Lower = (node, context) => {
  const task = taskOf(node, context);
  const { groups, channels, outputs, kernel, stride, padding, size, dx, own } = task;
  if (groups === channels && groups === outputs) return depthwise(task);
  const isDense = stride[0] === 1 && stride[1] === 1 && padding.every((extent) => extent === 0);
  if (kernel[0] === 1 && kernel[1] === 1 && !isDense) return sparsePoints(task);
  if (!isDense && stride[0] * stride[1] > 1 && kernel[0] >= stride[0] && kernel[1] >= stride[1]) return phased(task);
  const spread = spreadGradient(task);
  const steps = product(task, { a: spread.at, size: spread.size, y: dx, outSize: size, own });
  return [...spread.steps, ...steps, ...spoiled(task, spread)];
};
