import assert from "node:assert/strict";
import { test } from "node:test";
import { matchExpected } from "../../test/lib/expected.ts";
import { ShapeError } from "../core/errors.ts";
import { type Shape, size } from "../core/shape.ts";
import type { AnyOp } from "../ir/op.ts";
import { ops } from "./index.ts";
import { samePadding } from "./window.ts";

/** All outputs of an op's reference on given numbers. */
function apply(op: AnyOp, inputs: readonly { shape: Shape; data: readonly number[] }[], attrs: object): number[][] {
  const tensors = inputs.map(({ shape, data }) => ({ shape, data: Float64Array.from(data) }));
  const ys = op
    .shapes(
      inputs.map(({ shape }) => shape),
      attrs,
    )
    .map((shape) => ({ shape, data: new Float64Array(size(shape)) }));
  op.reference(ys[0], tensors, attrs, ys);
  return ys.map(({ data }) => [...data]);
}

const vector = (...data: number[]): { shape: Shape; data: readonly number[] } => ({ shape: [data.length], data });
const scalar = (value: number): { shape: Shape; data: readonly number[] } => ({ shape: [], data: [value] });
const count = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

test("every op is in the table under its own name", () => {
  for (const [name, op] of Object.entries(ops)) assert.equal(op.name, name);
});

test("a convolution sums taps over its group's channels, stride and asymmetric padding included", () => {
  const x = { shape: [1, 1, 3, 3], data: count(1, 9) };
  const weight = { shape: [1, 1, 2, 2], data: [1, 10, 100, 1000] };
  const attrs = { stride: [2, 2], padding: [0, 1, 0, 1], groups: 1, similarity: "product" };
  assert.deepEqual(apply(ops.conv2d, [x, weight, vector(0.5)], attrs), [[5421.5, 603.5, 87.5, 9.5]]);
});

test("TensorFlow's SAME padding puts the odd pixel after", () => {
  assert.deepEqual(samePadding(224, 3, 2), [0, 1]);
  assert.deepEqual(samePadding(225, 3, 2), [1, 1]);
  assert.deepEqual(samePadding(7, 5, 1), [2, 2]);
  assert.deepEqual(samePadding(5, 1, 2), [0, 0]);
});

test("max pooling in ceil mode counts a partial last window only if it starts inside the image or its padding before", () => {
  const pool = (side: number, padding: number): Shape => {
    const attrs = { kernel: [2, 2], stride: [2, 2], padding: [padding, padding, padding, padding], isCeil: true } as const;
    return ops.maxPool.shapes([[1, 1, side, side]], attrs)[0];
  };
  assert.deepEqual(pool(5, 0), [1, 1, 3, 3]);
  assert.deepEqual(pool(5, 1), [1, 1, 3, 3]);
  assert.deepEqual(pool(4, 1), [1, 1, 3, 3]);
  // 3×3, stride 2, as in SqueezeNet, on an even and an odd side.
  const attrs = { kernel: [3, 3], stride: [2, 2], padding: [0, 0, 0, 0], isCeil: true } as const;
  assert.deepEqual(ops.maxPool.shapes([[1, 64, 110, 55]], attrs)[0], [1, 64, 55, 27]);
});

test("of equal maxima, the first in reading order gets the gradient", () => {
  const attrs = { kernel: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0], isCeil: false };
  const one = { shape: [1, 1, 1, 1], data: [1] };
  assert.deepEqual(apply(ops.maxPool, [{ shape: [1, 1, 2, 2], data: [-3, -1, -1, -2] }], attrs), [[-1]]);
  assert.deepEqual(apply(ops.maxPoolGradient, [{ shape: [1, 1, 2, 2], data: [-3, -1, -1, -2] }, one, one], attrs), [[0, 1, 0, 0]]);
});

test("average pooling divides by the window or by its pixels inside the image", () => {
  const pool = (countsPadding: boolean): number[][] => {
    const attrs = { kernel: [2, 2], stride: [2, 2], padding: [0, 1, 0, 1], countsPadding };
    return apply(ops.averagePool, [{ shape: [1, 1, 3, 3], data: count(1, 9) }], attrs);
  };
  assert.deepEqual(pool(true), [[3, 2.25, 3.75, 2.25]]);
  assert.deepEqual(pool(false), [[3, 4.5, 7.5, 9]]);
});

test("running statistics move by the momentum towards the batch's mean and unbiased variance, and the count goes up by one", () => {
  const x = { shape: [4, 1], data: [1, 2, 3, 6] };
  const inputs = [x, vector(2), vector(1), vector(10), vector(1), scalar(4)];
  const [y, mean, inverseStd, newMean, newVariance, newCount] = apply(ops.batchNormTrain, inputs, { eps: 0, momentum: 0.5 });
  assert.deepEqual([mean, newMean, newVariance, newCount], [[3], [6.5], [(1 + 14 / 3) / 2], [5]]);
  assert.deepEqual(inverseStd, [1 / Math.sqrt(3.5)]);
  assert.ok(Math.abs(y[3] - (1 + 6 / Math.sqrt(3.5))) < 1e-12);
});

test("shuffling interleaves groups, and shuffling by the other factor undoes it", () => {
  const x = { shape: [1, 6, 1, 1], data: count(0, 5) };
  const [shuffled] = apply(ops.channelShuffle, [x], { groups: 2 });
  assert.deepEqual(shuffled, [0, 3, 1, 4, 2, 5]);
  assert.deepEqual(apply(ops.channelShuffle, [{ ...x, data: shuffled }], { groups: 3 }), [count(0, 5)]);
});

test("dropout keeps the mean, and noise of one number a sample drops whole samples", () => {
  const x = { shape: [2, 2], data: [1, 2, 3, 4] };
  assert.deepEqual(apply(ops.dropout, [x, { shape: [2, 1], data: [0.49, 0.5] }], { rate: 0.5 }), [[0, 0, 6, 8]]);
});

test("cross-entropy of uniform logits is log of the classes whatever the smoothing, and huge logits do not overflow", () => {
  const target = { shape: [1, 4], data: [0, 1, 0, 0] };
  for (const smoothing of [0, 0.1]) {
    const [[loss]] = apply(ops.softmaxCrossEntropy, [{ shape: [1, 4], data: [7, 7, 7, 7] }, target], { smoothing });
    assert.ok(Math.abs(loss - Math.log(4)) < 1e-12);
  }
  const [[loss]] = apply(ops.softmaxCrossEntropy, [{ shape: [1, 4], data: [1e4, 0, 0, -1e4] }, target], { smoothing: 0 });
  assert.equal(loss, 1e4);
});

test("clipping scales to the norm asked for, 0 never clips, and one norm that is not finite gives 0", () => {
  const scale = (norms: readonly number[], maxNorm: number): number => apply(ops.clipScale, [vector(...norms)], { maxNorm })[0][0];
  assert.equal(scale([9, 16], 1), 0.2);
  assert.equal(scale([9, 16], 10), 1);
  assert.equal(scale([9, 16], 0), 1);
  assert.equal(scale([9, Number.NaN], 0), 0);
  assert.equal(scale([9, Number.POSITIVE_INFINITY], 1), 0);
});

test("an optimiser's step with scale 0 changes nothing, not even with gradients that are not numbers", () => {
  const held = [vector(3), vector(4), vector(5)];
  const [lost, rate, none] = [vector(Number.NaN), scalar(0.1), scalar(0)];
  const sgd = { momentum: 0.9, nesterov: true, weightDecay: 0.1 };
  assert.deepEqual(apply(ops.sgd, [held[0], lost, held[1], rate, none], sgd), [[3], [4]]);
  const rmsprop = { decay: 0.9, eps: 1, momentum: 0.9, weightDecay: 0.1 };
  assert.deepEqual(apply(ops.rmsprop, [held[0], lost, held[1], held[2], rate, none], rmsprop), [[3], [4], [5]]);
  const adamw = { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.1 };
  assert.deepEqual(apply(ops.adamw, [held[0], lost, held[1], held[2], rate, scalar(1), none], adamw), [[3], [4], [5]]);
});

test("optimisers take the step that their formula says, weight decay beside it", () => {
  const [p, g, rate, full] = [vector(2), vector(0.5), scalar(0.1), scalar(1)];
  const near = (found: number[][], ...wanted: number[]): void =>
    assert.deepEqual(
      found.map(([element]) => element.toFixed(10)),
      wanted.map((element) => element.toFixed(10)),
    );
  near(apply(ops.sgd, [p, g, vector(1), rate, full], { momentum: 0.9, nesterov: false, weightDecay: 0.01 }), 2 - 0.1 * 1.4 - 0.002, 1.4);
  near(apply(ops.sgd, [p, g, vector(1), rate, full], { momentum: 0.9, nesterov: true, weightDecay: 0 }), 2 - 0.1 * (0.5 + 0.9 * 1.4), 1.4);
  const rmsprop = { decay: 0.9, eps: 1, momentum: 0.5, weightDecay: 0 };
  const velocity = 0.5 + 0.05 / Math.sqrt(0.9 + 0.025 + 1);
  near(apply(ops.rmsprop, [p, g, vector(1), vector(1), rate, full], rmsprop), 2 - velocity, 0.925, velocity);
  const adamw = { beta1: 0.9, beta2: 0.999, eps: 0, weightDecay: 0.01 };
  near(apply(ops.adamw, [p, g, vector(0), vector(0), rate, scalar(1), full], adamw), 2 - 0.1 - 0.002, 0.05, 0.00025);
});

test("shapes that do not fit are refused with what was found and what is needed", () => {
  const conv = { stride: [1, 1], padding: [0, 0, 0, 0], groups: 1, similarity: "product" };
  const pool = { kernel: [3, 3], stride: [2, 2], padding: [0, 0, 0, 0], isCeil: false };
  const wrong: readonly [AnyOp, readonly Shape[], object][] = [
    [
      ops.conv2d,
      [
        [1, 24, 56, 56],
        [144, 1, 3, 3],
      ],
      { ...conv, groups: 144 },
    ],
    [
      ops.conv2d,
      [
        [1, 24, 56, 56],
        [10, 8, 3, 3],
      ],
      { ...conv, groups: 3 },
    ],
    [
      ops.conv2d,
      [
        [1, 3, 2, 2],
        [8, 3, 3, 3],
      ],
      conv,
    ],
    [ops.conv2d, [[1, 3, 8, 8], [8, 3, 3, 3], [7]], conv],
    [
      ops.conv2d,
      [
        [1, 3, 8, 8],
        [8, 3, 3, 3],
      ],
      { ...conv, stride: [0, 2] },
    ],
    [
      ops.conv2d,
      [
        [3, 8, 8],
        [8, 3, 3, 3],
      ],
      conv,
    ],
    [
      ops.linear,
      [
        [2, 576],
        [10, 1024],
      ],
      {},
    ],
    [ops.batchNorm, [[2, 8, 4, 4], [8], [8], [4], [8]], { eps: 1e-5 }],
    [ops.batchNormTrain, [[1, 8], [8], [8], [8], [8], []], { eps: 1e-5, momentum: 0.1 }],
    [ops.maxPool, [[1, 3, 2, 2]], pool],
    [ops.maxPool, [[1, 3, 8, 8]], { ...pool, padding: [3, 3, 3, 3] }],
    [
      ops.add,
      [
        [1, 24, 7, 7],
        [1, 24, 14, 14],
      ],
      {},
    ],
    [
      ops.multiply,
      [
        [2, 3, 4, 4],
        [2, 4, 1, 1],
      ],
      {},
    ],
    [
      ops.concat,
      [
        [1, 3, 7, 7],
        [1, 3, 8, 8],
      ],
      { axis: 1 },
    ],
    [ops.slice, [[1, 8, 2, 2]], { start: 4, length: 5, axis: 1 }],
    [ops.channelShuffle, [[1, 58, 2, 2]], { groups: 4 }],
    [ops.reshape, [[1, 8, 2, 2]], { shape: [1, 8] }],
    [
      ops.dropout,
      [
        [2, 8],
        [3, 8],
      ],
      { rate: 0.2 },
    ],
    [
      ops.dropout,
      [
        [2, 8],
        [2, 8],
      ],
      { rate: 1 },
    ],
    [
      ops.softmaxCrossEntropy,
      [
        [2, 10],
        [2, 9],
      ],
      { smoothing: 0 },
    ],
    [ops.sgd, [[3, 3], [3, 3], [3], [], []], { momentum: 0, nesterov: false, weightDecay: 0 }],
  ];
  const texts = wrong.map(([op, shapes, attrs]) => {
    try {
      op.shapes(shapes, attrs, "features.3");
    } catch (error) {
      if (error instanceof ShapeError) return error.message;
    }
    return assert.fail(`${op.name} took ${JSON.stringify(shapes)}`);
  });
  matchExpected("ops/shapeErrors.txt", texts.join("\n\n"));
});
