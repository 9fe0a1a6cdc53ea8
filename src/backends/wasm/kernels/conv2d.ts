/**
 * The convolution by its kinds: depthwise; pointwise, a matrix product over the pixels as they lie; dense, the same product over the
 * windows of a copy with zeros around it (no copy where there is no padding); grouped, a product whose panels read their groups' channels.
 */

import type { Node } from "../../../ir/graph.ts";
import type { ShuffledConvolution } from "../../../ops/convolution.ts";
import { type Epilogue, epilogueOf } from "../epilogue.ts";
import type { Lower, LowerContext, Pointer, Step } from "../kernel.ts";
import { pad4, stridesOf } from "../layout.ts";
import { hasActivations } from "./activations.ts";
import { shuffledPlaces } from "./channels.ts";
import { depthwiseSteps, MOST_TAPS } from "./depthwise.ts";
import { depthwiseLoopSteps } from "./depthwiseLoop.ts";
import { expressions } from "./expressions.ts";
import type { Windows } from "./gemm.ts";
import { gemvSteps, LEAST_INPUTS } from "./gemv.ts";
import { type Groups, groupSpan } from "./groups.ts";
import { imageOperand, type Operand, packedFor, packedMasks, spoilSteps, weightFlags } from "./operands.ts";
import { laneFloats, type PanelSource, packLaneSteps, packPanelSteps, panelFloats } from "./pack.ts";
import { spacedGemmSteps } from "./spacedRows.ts";
import { forwardTap, type Tap } from "./taps.ts";
import type { Pair, WindowSizes } from "./window.ts";
import { winogradScheme, winogradSteps } from "./winograd.ts";
import type { Scheme } from "./winogradTransforms.ts";

/** A convolution node with its sizes spelled out. */
interface Task extends WindowSizes {
  readonly node: Node;
  readonly context: LowerContext;
  readonly epilogue: Epilogue;
  readonly tap: Tap;
  readonly images: number;
  readonly channels: number;
  readonly outputs: number;
  readonly groups: number;
  readonly shuffles: readonly number[];
  readonly isPadded: boolean;
  /** Size of the image with its padding. */
  readonly paddedSize: Pair;
  readonly bias: Pointer | undefined;
}

function taskOf(node: Node, context: LowerContext, epilogue: Epilogue): Task {
  const [x, weight, bias] = node.inputs;
  const { stride, padding, groups, similarity, shuffles = [] } = node.attrs as ShuffledConvolution;
  const [images, channels, height, width] = x.shape;
  const [outputs, , kernelHeight, kernelWidth] = weight.shape;
  const [, , outHeight, outWidth] = node.outputs[0].shape;
  return {
    node,
    context,
    epilogue,
    tap: forwardTap({ similarity }),
    images,
    channels,
    outputs,
    groups,
    shuffles,
    size: [height, width],
    paddedSize: [height + padding[0] + padding[1], width + padding[2] + padding[3]],
    outSize: [outHeight, outWidth],
    kernel: [kernelHeight, kernelWidth],
    stride,
    before: [padding[0], padding[2]],
    isPadded: padding.some((extent) => extent > 0),
    bias: bias && context.at(bias),
  };
}

/** The image as the kernels read it, with zeros around it where they need whole windows. */
function imageOf({ node, context, tap, images, channels, size, before, paddedSize }: Task, isPadded: boolean, places?: Pointer): Operand {
  const x = context.at(node.inputs[0]);
  const padded = isPadded ? { before, paddedSize } : { before: [0, 0] as const, paddedSize: size };
  return imageOperand({ x, images, channels, size, places, ...padded }, tap.a, context);
}

function depthwise(task: Task): readonly Step[] {
  const { node, context, tap, channels, kernel, before, isPadded } = task;
  const [, weight] = node.inputs;
  const taps = kernel[0] * kernel[1];
  const strides = stridesOf(weight.shape, context.isWeight(weight) ? "weight" : "activation");
  const pack = (target: Pointer): readonly Step[] => packLaneSteps(target, context.at(weight), channels, taps, strides[0], strides[3]);
  const filters = packedFor(tap, context, "lanes", weight, laneFloats(channels, taps), pack, pad4(channels));
  // The loop over taps leaves out those on padding; where operands are changed, zeros are, too.
  const isLoop = taps > MOST_TAPS;
  const hasPadding = isPadded && (tap.a !== undefined || (isLoop && !tap.isZeroNeutral));
  const image = imageOf(task, hasPadding);
  const place = { x: image.at, y: context.at(node.outputs[0]), packed: filters.at, size: image.size };
  const steps = (isLoop ? depthwiseLoopSteps : depthwiseSteps)({ ...task, ...place, before: hasPadding ? [0, 0] : before });
  return [...filters.steps, ...image.steps, ...steps, ...spoiled(task, image)];
}

/** What a NaN that the operands lost makes of the output. */
function spoiled({ node, context, tap }: Task, image: Operand): readonly Step[] {
  const weight = weightFlags(tap, node.inputs[1], context);
  return [...weight.steps, ...spoilSteps(node.outputs[0], [...image.flags, ...weight.flags], context)];
}

/** Channels of an image so thin that skipping its padding lanes pays. */
function thinLanesOf(kernel: Pair, channels: number): number | undefined {
  return kernel[1] > 1 && channels < 4 ? channels : undefined;
}

/** How many floats in a row one run of a window reads, and how the runs of a window lie. */
function windowsOf(
  { tap, channels, groups, kernel, stride, outSize, outputs }: Task,
  size: Pair,
  isListed: boolean,
): { run: number; windows: Windows; groups?: Groups; thinLanes?: number } {
  const lanes = pad4(channels);
  const line = size[1] * lanes;
  const places = { outWidth: outSize[1], outHeight: outSize[0], rowStep: stride[0] * line, imageStep: size[0] * line };
  const windows = { ...places, rows: kernel[0], rowRun: line, columnRun: lanes };
  if (groups > 1) {
    const shares = { channels, inputs: channels / groups, outputs: outputs / groups, isListed };
    return { run: groupSpan(shares), windows: { ...windows, columns: kernel[1] }, groups: shares };
  }
  const thinLanes = thinLanesOf(kernel, channels);
  // Padding lanes are met by weights of zero; where those count, and where there are many pixels of few channels, they are left out.
  if (!tap.isZeroNeutral && !thinLanes && channels < lanes) return { run: channels, windows: { ...windows, columns: kernel[1] } };
  return { run: kernel[1] === 1 ? channels : kernel[1] * lanes, windows: { ...windows, columns: 1 }, thinLanes };
}

/** One pixel in, one pixel out: a fully connected layer, as in squeeze-and-excitation. */
function onePixel(task: Task): readonly Step[] {
  const { node, context, channels, outputs, bias, epilogue } = task;
  const [x, weight] = node.inputs;
  const weights = { weight: context.at(weight), rowStep: stridesOf(weight.shape, "weight")[0] };
  return gemvSteps({ x: context.at(x), ...weights, k: channels, n: outputs, bias, y: context.at(node.outputs[0]), epilogue });
}

function isOnePixel({ node, context, tap, images, channels, size, kernel, groups, isPadded }: Task): boolean {
  const isDense = tap.isProduct && context.isWeight(node.inputs[1]) && channels >= LEAST_INPUTS && groups === 1;
  return isDense && !isPadded && images * size[0] * size[1] * kernel[0] * kernel[1] === 1;
}

/** The weight in panels, and masks of where a panel's lanes have none, if zeros there would count. */
function panelsOf(task: Task, run: number, groups: Groups | undefined): { at: Pointer; masks?: Pointer; steps: readonly Step[] } {
  const { node, context, tap, channels, outputs, kernel } = task;
  const [, weight] = node.inputs;
  const [outStep, channelStep, rowStep, columnStep] = stridesOf(weight.shape, context.isWeight(weight) ? "weight" : "activation");
  const steps = { outStep, rowStep, columnStep, channelStep };
  const panels: PanelSource = {
    source: context.at(weight),
    n: outputs,
    rows: kernel[0],
    columns: kernel[1],
    channels,
    run,
    ...steps,
    groups,
  };
  const key = groups ? `panels of ${groups.outputs} groups${groups.isListed ? ", listed" : ""}` : "panels";
  const floats = panelFloats(panels);
  const weights = packedFor(tap, context, key, weight, floats, (target) => packPanelSteps(target, panels));
  if (tap.isZeroNeutral || !groups || run === groups.inputs) return weights;
  const still = { outStep: 0, rowStep: 0, columnStep: 0, channelStep: 0 };
  const masks = packedMasks(context, key, weight, floats, (target, source) => packPanelSteps(target, { ...panels, ...still, source }));
  return { at: weights.at, masks: masks.at, steps: [...weights.steps, ...masks.steps] };
}

/** Taps up to which channels are read by a list each time rather than moved once. */
const LISTED_TAPS = 5;

function product(task: Task): readonly Step[] {
  const { node, context, tap, images, channels, outputs, shuffles, kernel, stride, outSize, isPadded, bias, epilogue } = task;
  const places = shuffles.length > 0 ? shuffledPlaces(channels, shuffles, node.inputs[1], context) : undefined;
  // Where pixels are copied anyway, and read by many taps, channels go to their places on the way.
  const isCopied = isPadded && !tap.a && kernel[0] * kernel[1] > LISTED_TAPS;
  const image = imageOf(task, isPadded, isCopied ? places : undefined);
  const isListed = places !== undefined && !isCopied;
  const { run, windows, groups, thinLanes } = windowsOf(task, image.size, isListed);
  const isFlat = !isPadded && kernel[0] * kernel[1] * stride[0] * stride[1] === 1;
  const isWhole = kernel[1] === 1 || thinLanes || !tap.isZeroNeutral;
  const weights = panelsOf(task, groups ? run : isWhole ? channels : pad4(channels), groups);
  const steps = spacedGemmSteps(context, {
    tap,
    a: image.at,
    rows: images * outSize[0] * outSize[1],
    lda: stride[1] * pad4(channels),
    k: run,
    windows: isFlat ? undefined : windows,
    groups,
    thinLanes,
    places: isListed ? places : undefined,
    packed: weights.at,
    masks: weights.masks,
    n: outputs,
    bias,
    y: context.at(node.outputs[0]),
    ldy: pad4(outputs),
    epilogue,
  });
  return [...weights.steps, ...image.steps, ...steps, ...spoiled(task, image)];
}

/** The size of Winograd's algorithm that serves a convolution in place of windows, if any. */
function winogradOf({ node, context, tap, kernel, stride, groups, ...sizes }: Task): Scheme | undefined {
  const isThreeByThree = kernel[0] === 3 && kernel[1] === 3 && stride[0] * stride[1] * groups === 1;
  return isThreeByThree && tap.isProduct && context.isFixed(node.inputs[1]) ? winogradScheme(sizes) : undefined;
}

function winograd(task: Task, scheme: Scheme): readonly Step[] {
  const { node, context } = task;
  const [x, weight] = node.inputs;
  return winogradSteps({ ...task, scheme, x: context.at(x), weight, y: context.at(node.outputs[0]) }, context);
}

/** Steps of a convolution, whatever its similarity. */
export const conv2d: Lower = (node, context) => {
  const epilogue = epilogueOf(node, context, expressions);
  if (!epilogue || !hasActivations(node, context)) return undefined;
  const task = taskOf(node, context, epilogue);
  const isDepthwise = task.groups === task.channels && task.outputs === task.channels;
  // Only runs of groups are read by lists, of weights that are stored.
  if (task.shuffles.length > 0 && (task.groups === 1 || isDepthwise || node.inputs[1].kind === "computed")) return undefined;
  if (isDepthwise) return depthwise(task);
  const scheme = winogradOf(task);
  if (scheme) return winograd(task, scheme);
  return isOnePixel(task) ? onePixel(task) : product(task);
};
