/**
 * The convolution by its kinds: depthwise; pointwise, a matrix product over the pixels as they lie; dense, the same product over the
 * windows of a copy with zeros around it (no copy where there is no padding); grouped, a product whose panels read their groups' channels.
 */

import type { Node } from "../../../ir/graph.ts";
import type { Convolution } from "../../../ops/convolution.ts";
import { type Epilogue, epilogueOf } from "../epilogue.ts";
import type { Lower, LowerContext, Pointer, Step } from "../kernel.ts";
import { pad4, stridesOf } from "../layout.ts";
import { hasActivations } from "./activations.ts";
import { depthwiseSteps, MOST_TAPS } from "./depthwise.ts";
import { depthwiseLoopSteps } from "./depthwiseLoop.ts";
import { expressions } from "./expressions.ts";
import { type Groups, groupSpan, type Windows } from "./gemm.ts";
import { gemvSteps, LEAST_INPUTS } from "./gemv.ts";
import { laneFloats, type PanelSource, packed, packLaneSteps, packPanelSteps, panelFloats } from "./pack.ts";
import { padSteps } from "./pad.ts";
import { spacedGemmSteps } from "./spacedRows.ts";
import type { Pair, WindowSizes } from "./window.ts";

/** A convolution node with its sizes spelled out. */
interface Task extends WindowSizes {
  readonly node: Node;
  readonly context: LowerContext;
  readonly epilogue: Epilogue;
  readonly images: number;
  readonly channels: number;
  readonly outputs: number;
  readonly groups: number;
  readonly isPadded: boolean;
  readonly bias: Pointer | undefined;
}

function taskOf(node: Node, context: LowerContext, epilogue: Epilogue): Task {
  const [x, weight, bias] = node.inputs;
  const { stride, padding, groups } = node.attrs as Convolution;
  const [images, channels, height, width] = x.shape;
  const [outputs, , kernelHeight, kernelWidth] = weight.shape;
  const [, , outHeight, outWidth] = node.outputs[0].shape;
  return {
    node,
    context,
    epilogue,
    images,
    channels,
    outputs,
    groups,
    size: [height, width],
    outSize: [outHeight, outWidth],
    kernel: [kernelHeight, kernelWidth],
    stride,
    before: [padding[0], padding[2]],
    isPadded: padding.some((extent) => extent > 0),
    bias: bias && context.at(bias),
  };
}

function depthwise(task: Task): readonly Step[] {
  const { node, context, channels, kernel, epilogue } = task;
  const [x, weight] = node.inputs;
  const taps = kernel[0] * kernel[1];
  const strides = stridesOf(weight.shape, context.isWeight(weight) ? "weight" : "activation");
  const filters = packed(context, "lanes", weight, laneFloats(channels, taps), (target) =>
    packLaneSteps(target, context.at(weight), channels, taps, strides[0], strides[3]),
  );
  const steps = taps > MOST_TAPS ? depthwiseLoopSteps : depthwiseSteps;
  return [...filters.steps, ...steps({ ...task, epilogue, x: context.at(x), y: context.at(node.outputs[0]), packed: filters.at })];
}

/** The image with zeros around it: a copy where there is padding. Its size covers every window. */
function paddedImage(task: Task): { readonly a: Pointer; readonly size: Pair; readonly steps: readonly Step[] } {
  const { node, context, images, channels, size, before, isPadded } = task;
  const x = context.at(node.inputs[0]);
  if (!isPadded) return { a: x, size, steps: [] };
  const { padding } = node.attrs as Convolution;
  const paddedSize: Pair = [size[0] + padding[0] + padding[1], size[1] + padding[2] + padding[3]];
  const lanes = pad4(channels);
  const y = context.scratch(images * paddedSize[0] * paddedSize[1] * lanes);
  return { a: y, size: paddedSize, steps: padSteps({ x, y, images, lanes, size, before, paddedSize }) };
}

/** Channels of an image so thin that skipping its padding lanes pays. */
function thinLanesOf(kernel: Pair, channels: number): number | undefined {
  return kernel[1] > 1 && channels < 4 ? channels : undefined;
}

/** How many floats in a row one run of a window reads, and how the runs of a window lie. */
function windowsOf(
  { channels, groups, kernel, stride, outSize, outputs }: Task,
  size: Pair,
): { run: number; windows: Windows; groups?: Groups; thinLanes?: number } {
  const lanes = pad4(channels);
  const line = size[1] * lanes;
  const places = { outWidth: outSize[1], outHeight: outSize[0], rowStep: stride[0] * line, imageStep: size[0] * line };
  const windows = { ...places, rows: kernel[0], rowRun: line, columnRun: lanes };
  if (groups > 1) {
    const shares = { channels, inputs: channels / groups, outputs: outputs / groups };
    return { run: groupSpan(shares), windows: { ...windows, columns: kernel[1] }, groups: shares };
  }
  // A run of one pixel stops before the padding lanes; longer runs go through them, unless the image is thin.
  return {
    run: kernel[1] === 1 ? channels : kernel[1] * lanes,
    windows: { ...windows, columns: 1 },
    thinLanes: thinLanesOf(kernel, channels),
  };
}

/** One pixel in, one pixel out: a fully connected layer, as in squeeze-and-excitation. */
function onePixel(task: Task): readonly Step[] {
  const { node, context, channels, outputs, bias, epilogue } = task;
  const [x, weight] = node.inputs;
  const weights = { weight: context.at(weight), rowStep: stridesOf(weight.shape, "weight")[0] };
  return gemvSteps({ x: context.at(x), ...weights, k: channels, n: outputs, bias, y: context.at(node.outputs[0]), epilogue });
}

function isOnePixel({ node, context, images, channels, size, kernel, groups, isPadded }: Task): boolean {
  const isDense = context.isWeight(node.inputs[1]) && channels >= LEAST_INPUTS && groups === 1;
  return isDense && !isPadded && images * size[0] * size[1] * kernel[0] * kernel[1] === 1;
}

function product(task: Task): readonly Step[] {
  const { node, context, images, channels, outputs, kernel, stride, outSize, isPadded, bias, epilogue } = task;
  const [, weight] = node.inputs;
  const image = paddedImage(task);
  const { run, windows, groups, thinLanes } = windowsOf(task, image.size);
  const isFlat = !groups && !isPadded && kernel[0] * kernel[1] * stride[0] * stride[1] === 1;
  const [outStep, channelStep, rowStep, columnStep] = stridesOf(weight.shape, context.isWeight(weight) ? "weight" : "activation");
  const panels: PanelSource = {
    source: context.at(weight),
    n: outputs,
    rows: kernel[0],
    columns: kernel[1],
    channels,
    run: groups ? run : kernel[1] === 1 || thinLanes ? channels : pad4(channels),
    outStep,
    rowStep,
    columnStep,
    channelStep,
    groups,
  };
  const key = groups ? `panels of ${groups.outputs} groups` : "panels";
  const weights = packed(context, key, weight, panelFloats(panels), (target) => packPanelSteps(target, panels));
  const steps = spacedGemmSteps(context, {
    a: image.a,
    rows: images * outSize[0] * outSize[1],
    lda: stride[1] * pad4(channels),
    k: run,
    windows: isFlat ? undefined : windows,
    groups,
    thinLanes,
    packed: weights.at,
    n: outputs,
    bias,
    y: context.at(node.outputs[0]),
    ldy: pad4(outputs),
    epilogue,
  });
  return [...weights.steps, ...image.steps, ...steps];
}

/** Steps of a convolution with the product as its similarity. */
export const conv2d: Lower = (node, context) => {
  const epilogue = epilogueOf(node, context, expressions);
  if ((node.attrs as Convolution).similarity !== "product" || !epilogue || !hasActivations(node, context)) return undefined;
  const task = taskOf(node, context, epilogue);
  const isDepthwise = task.groups === task.channels && task.outputs === task.channels;
  if (isDepthwise) return depthwise(task);
  return isOnePixel(task) ? onePixel(task) : product(task);
};
