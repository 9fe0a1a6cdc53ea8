/** The kernels that run networks forward, in floats; those of an op that a single family has come with it (model/parts.ts). */
import type { KernelTable } from "../kernel.ts";
import { batchNorm } from "./batchNorm.ts";
import { channelShuffle, concat, padChannels, slice } from "./channels.ts";
import { conv2d } from "./conv2d.ts";
import { elementwise } from "./elementwise.ts";
import { linear } from "./linear.ts";
import { averagePool, globalAveragePool, maxPool } from "./pool.ts";
import { reshape } from "./reshape.ts";

export const forwardKernels = {
  add: elementwise,
  averagePool,
  batchNorm,
  channelShuffle,
  concat,
  conv2d,
  globalAveragePool,
  hardSigmoid: elementwise,
  hardSwish: elementwise,
  linear,
  maximum: elementwise,
  maxPool,
  multiply: elementwise,
  padChannels,
  relu6: elementwise,
  relu: elementwise,
  reshape,
  sigmoid: elementwise,
  silu: elementwise,
  slice,
} satisfies KernelTable;
