/** The kernels of integer networks; where an op serves both kinds of elements, those of floats with them. */
import { dtypeOf } from "../../../../ir/graph.ts";
import type { KernelTable, Lower } from "../../kernel.ts";
import { channelShuffle, concat, padChannels, slice } from "../channels.ts";
import { maxPool } from "../pool.ts";
import { reshape } from "../reshape.ts";
import { integerAdd, lookup } from "./elementwiseBytes.ts";
import { integerConv2d, integerLinear } from "./integerConv2d.ts";
import { integerDepthwise } from "./integerDepthwise.ts";
import { integerMultiply } from "./integerMultiply.ts";
import { integerAveragePool, integerGlobalAveragePool, maxPoolBytes } from "./integerPool.ts";
import { channelShuffleBytes, concatBytes, padChannelsBytes, reshapeBytes, sliceBytes } from "./moveBytes.ts";
import { dequantise, quantise } from "./quantise.ts";

/** Kernels of an op that serves both kinds of elements. */
function byType(floats: Lower, bytes: Lower): Lower {
  return (node, context) => (dtypeOf(node.inputs[0]) === "f32" ? floats : bytes)(node, context);
}

export const integerKernels = {
  channelShuffle: byType(channelShuffle, channelShuffleBytes),
  concat: byType(concat, concatBytes),
  dequantise,
  integerAdd,
  integerAveragePool,
  integerConv2d,
  integerDepthwise,
  integerGlobalAveragePool,
  integerLinear,
  integerMultiply,
  lookup,
  maxPool: byType(maxPool, maxPoolBytes),
  padChannels: byType(padChannels, padChannelsBytes),
  quantise,
  reshape: byType(reshape, reshapeBytes),
  slice: byType(slice, sliceBytes),
} satisfies KernelTable;
