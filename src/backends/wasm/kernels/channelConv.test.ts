import { test } from "node:test";
import type { Shape } from "../../../core/shape.ts";
import { type ChannelConvolution, channelConvolvedShape } from "../../../ops/channelConvolution.ts";
import { ops } from "../../../ops/index.ts";
import { assertAgreement } from "./agreement.testing.ts";

async function assertAll(x: Shape, weight: Shape, attrs: ChannelConvolution): Promise<void> {
  const y = channelConvolvedShape(x, weight, attrs);
  await assertAgreement(ops.channelConv, [x, weight], attrs);
  await assertAgreement(ops.channelConvInputGradient, [y, weight], { ...attrs, inputShape: x });
  await assertAgreement(ops.channelConvWeightGradient, [x, y], { ...attrs, weightShape: weight });
}

test("the three uses of ChannelNet agree with the reference, forward and backward", async () => {
  await assertAll([2, 96, 5, 4], [2, 1, 8, 1, 1], { stride: 2, padding: [3, 3] });
  await assertAll([2, 130, 3, 3], [1, 1, 64, 1, 1], { stride: 1, padding: [31, 32] });
  await assertAll([2, 60, 7, 7], [1, 1, 25, 7, 7], { stride: 1, padding: [0, 0] });
});

test("every stride, with channels and kernels that it does not divide, agrees", async () => {
  for (let stride = 1; stride < 7; stride++) {
    for (const [channels, length, before, after] of [
      [17, 5, 0, 0],
      [23, 7, 3, 8],
      [6, 2, 5, 1],
    ]) {
      await assertAll([1, channels, 3, 4], [3, 1, length, 2, 3], { stride, padding: [before, after] });
    }
  }
});
