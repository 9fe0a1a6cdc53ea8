/**
 * The training kernels one by one: `node bench/trainingKernels.ts [part of a name]`, on one thread. Rates are two operations a
 * multiply–add for products, bytes read and written once for the others.
 */

import { wasmBackend } from "../src/backends/wasm/index.ts";
import { random } from "../src/core/random.ts";
import type { Shape } from "../src/core/shape.ts";
import { size } from "../src/core/shape.ts";
import type { Tensor } from "../src/core/tensor.ts";
import type { Value } from "../src/ir/graph.ts";
import { type AnyOp, costOf } from "../src/ir/op.ts";
import { graphScope } from "../src/ir/scope.ts";
import { channelConvolvedShape } from "../src/ops/channelConvolution.ts";
import { convolvedShape } from "../src/ops/convolution.ts";
import { ops } from "../src/ops/index.ts";

interface Case {
  readonly name: string;
  readonly op: AnyOp;
  readonly shapes: readonly Shape[];
  readonly attrs: object;
}

interface Layer {
  readonly x: Shape;
  readonly out: number;
  readonly kernel?: number;
  readonly stride?: number;
  readonly isDepthwise?: boolean;
}

/** Layers of MobileNetV2 at 32², batch 64, and of ShuffleNetV2. */
const layers: readonly Layer[] = [
  { x: [64, 16, 32, 32], out: 96 },
  { x: [64, 144, 16, 16], out: 24 },
  { x: [64, 24, 16, 16], out: 144 },
  { x: [64, 192, 8, 8], out: 32 },
  { x: [64, 384, 8, 8], out: 64 },
  { x: [64, 96, 8, 8], out: 576 },
  { x: [64, 960, 4, 4], out: 160 },
  { x: [64, 320, 4, 4], out: 1280 },
  { x: [64, 58, 16, 16], out: 58 },
  { x: [64, 512, 8, 8], out: 512 },
  { x: [64, 3, 32, 32], out: 32, kernel: 3 },
  { x: [64, 64, 16, 16], out: 64, kernel: 3 },
  { x: [64, 32, 32, 32], out: 32, kernel: 3, isDepthwise: true },
  { x: [64, 96, 32, 32], out: 96, kernel: 3, stride: 2, isDepthwise: true },
  { x: [64, 144, 16, 16], out: 144, kernel: 3, isDepthwise: true },
  { x: [64, 384, 8, 8], out: 384, kernel: 3, isDepthwise: true },
  { x: [64, 960, 4, 4], out: 960, kernel: 3, isDepthwise: true },
  { x: [64, 240, 8, 8], out: 240, kernel: 5, isDepthwise: true },
  { x: [64, 512, 8, 8], out: 512, kernel: 3, isDepthwise: true },
];

function convolutionCases({ x, out, kernel = 1, stride = 1, isDepthwise = false }: Layer): Case[] {
  const half = kernel >> 1;
  const groups = isDepthwise ? out : 1;
  const attrs = { stride: [stride, stride], padding: [half, half, half, half], groups, similarity: "product" } as const;
  const weight = [out, x[1] / groups, kernel, kernel];
  const y = convolvedShape(x, weight, attrs);
  const name = `${isDepthwise ? "depthwise" : "dense"} ${kernel}x${kernel} s${stride} ${x.join("x")} -> ${out}`;
  return [
    { name: `forward ${name}`, op: ops.conv2d, shapes: [x, weight], attrs },
    { name: `dX ${name}`, op: ops.conv2dInputGradient, shapes: [y, weight], attrs: { ...attrs, inputShape: x } },
    { name: `dW ${name}`, op: ops.conv2dWeightGradient, shapes: [x, y], attrs: { ...attrs, weightShape: weight } },
  ];
}

/** The uses of ChannelNet at its published size: two kernels of 8 for two groups, one of 64, and the classifier's. */
const alongChannels = [
  { x: [8, 512, 14, 14], weight: [2, 1, 8, 1, 1], stride: 2, padding: [3, 3] },
  { x: [8, 1024, 7, 7], weight: [1, 1, 64, 1, 1], stride: 1, padding: [31, 32] },
  { x: [8, 1024, 7, 7], weight: [1, 1, 25, 7, 7], stride: 1, padding: [0, 0] },
] as const;

function channelCases({ x, weight, ...attrs }: (typeof alongChannels)[number]): Case[] {
  const y = channelConvolvedShape(x, weight, attrs);
  const name = `along channels ${x.join("x")} by ${weight.join("x")}`;
  return [
    { name: `forward ${name}`, op: ops.channelConv, shapes: [x, weight], attrs },
    { name: `dX ${name}`, op: ops.channelConvInputGradient, shapes: [y, weight], attrs: { ...attrs, inputShape: x } },
    { name: `dW ${name}`, op: ops.channelConvWeightGradient, shapes: [x, y], attrs: { ...attrs, weightShape: weight } },
  ];
}

function normalisationCases(x: Shape): Case[] {
  const c = [x[1]];
  const name = `batchNorm ${x.join("x")}`;
  return [
    { name: `${name} forward`, op: ops.batchNormTrain, shapes: [x, c, c, c, c, []], attrs: { eps: 1e-5, momentum: 0.1 } },
    { name: `${name} backward`, op: ops.batchNormGradient, shapes: [x, c, c, c, x], attrs: {} },
  ];
}

const cases: readonly Case[] = [
  ...layers.flatMap(convolutionCases),
  ...alongChannels.flatMap(channelCases),
  ...[
    [64, 96, 32, 32],
    [64, 24, 16, 16],
    [64, 144, 16, 16],
    [64, 384, 8, 8],
    [64, 960, 4, 4],
  ].flatMap(normalisationCases),
  {
    name: "linear dX",
    op: ops.linearInputGradient,
    shapes: [
      [64, 1000],
      [1000, 1280],
    ],
    attrs: {},
  },
  {
    name: "linear dW",
    op: ops.linearWeightGradient,
    shapes: [
      [64, 1280],
      [64, 1000],
    ],
    attrs: {},
  },
  {
    name: "relu6 gradient",
    op: ops.relu6Gradient,
    shapes: [
      [64, 96, 32, 32],
      [64, 96, 32, 32],
    ],
    attrs: {},
  },
];

async function measure({ name, op, shapes, attrs }: Case): Promise<void> {
  const g = graphScope();
  const stream = random(1, name);
  const weights = new Map<string, Tensor>();
  const leaves = shapes.map((shape, i): Value => {
    const data = Float32Array.from({ length: size(shape) }, (_, j) => stream.uniform(j) - 0.5);
    weights.set(`x${i}`, { shape, data });
    return op.weightInputs?.includes(i) ? g.parameter(`x${i}`, shape, { kind: "constant", value: 0 }) : g.input(`x${i}`, shape);
  });
  for (const [i, value] of g.emit(op, leaves, attrs).entries()) g.output(`y${i}`, value);
  const graph = g.finish();
  using session = await wasmBackend.open(graph, weights);
  session.run(Object.fromEntries(weights));
  // Each step's best run: what other programs disturbed drops out.
  const fastest: number[] = [];
  const start = performance.now();
  for (let round = 0; round < 10 || performance.now() - start < 500; round++) {
    for (const [i, { milliseconds }] of session.profile().entries()) fastest[i] = Math.min(fastest[i] ?? milliseconds, milliseconds);
  }
  const best = fastest.reduce((sum, milliseconds) => sum + milliseconds, 0);
  const { macs, moved } = costOf(graph.nodes[0]);
  const work = macs > 0 ? `${((2 * macs) / best / 1e6).toFixed(1)} GFLOP/s` : `${((moved * 4) / best / 1e6).toFixed(1)} GB/s`;
  console.log(`${best.toFixed(3).padStart(9)} ms ${work.padStart(14)}  ${name}`);
}

for (const each of cases) if (each.name.includes(process.argv[2] ?? "")) await measure(each);
