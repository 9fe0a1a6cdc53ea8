import type { OpName } from "../../src/ops/index.ts";
import * as activations from "./activations.ts";
import * as arithmetic from "./arithmetic.ts";
import * as averagePool from "./averagePool.ts";
import * as batchNorm from "./batchNorm.ts";
import type { Case } from "./case.ts";
import * as channelConv from "./channelConv.ts";
import * as channelSum from "./channelSum.ts";
import * as channels from "./channels.ts";
import * as conv2d from "./conv2d.ts";
import * as dynamicShiftMax from "./dynamicShiftMax.ts";
import * as fakeQuantise from "./fakeQuantise.ts";
import * as integerCases from "./integers.ts";
import * as linear from "./linear.ts";
import * as maxPool from "./maxPool.ts";
import * as softmax from "./softmax.ts";
import * as training from "./training.ts";

const { moved: _moved, ...integers } = integerCases;

/** The cases of every op; an op without cases does not compile. */
export const cases: Readonly<Record<OpName, readonly Case[]>> = {
  ...activations,
  ...arithmetic,
  ...averagePool,
  ...batchNorm,
  ...channelConv,
  ...channelSum,
  ...channels,
  ...conv2d,
  ...dynamicShiftMax,
  ...fakeQuantise,
  ...integers,
  ...linear,
  ...maxPool,
  ...softmax,
  ...training,
};
