import assert from "node:assert/strict";
import { test } from "node:test";
import { OptionError } from "../core/errors.ts";
import { type BuildOptions, buildNetwork, findNetwork, legalWidth } from "./index.ts";
import { count } from "./networks.testing.ts";
import {
  compoundScale,
  growthOf,
  publishedCoefficients,
  roundedChannels,
  scaledRepeats,
  scalingGrid,
  searchCoefficients,
} from "./scaling.ts";

test("EfficientNetV2 rounds channels without a limit on the loss, the first EfficientNet with one", () => {
  assert.equal(roundedChannels(16 * 1.2), 16);
  assert.equal(roundedChannels(48 * 1.1), 56);
  assert.equal(roundedChannels(1), 8);
  assert.equal(roundedChannels(26, 4), 28);
});

test("repeats are rounded up, but not because of a rounding error", () => {
  assert.equal(scaledRepeats(2, 1.1), 3);
  assert.equal(scaledRepeats(5, 1.2), 6);
  assert.equal(scaledRepeats(10, 3.1), 31);
  assert.equal(scaledRepeats(3, 0.1), 1);
});

test("the published coefficients cost 1.92 a unit, and lie on the grid", () => {
  assert.ok(Math.abs(growthOf(publishedCoefficients) - 1.92) < 0.001);
  const grid = scalingGrid();
  assert.ok(grid.some((point) => JSON.stringify(point) === JSON.stringify(publishedCoefficients)));
  for (const point of grid) assert.ok(Math.abs(growthOf(point) - 2) <= 0.1 + 1e-9 && Math.min(...Object.values(point)) >= 1);
});

test("φ scales depth, width, resolution and dropout together; its networks can be built and cost what the coefficients say", () => {
  assert.deepEqual(compoundScale(0), { network: "efficientnet-b0", options: { width: 1, depth: 1, size: 224, dropout: 0.2 } });
  const { options } = compoundScale(2);
  assert.deepEqual(
    [options.width.toFixed(2), options.depth.toFixed(2), options.size, options.dropout?.toFixed(3)],
    ["1.21", "1.44", 296, "0.286"],
  );
  assert.ok(compoundScale(-1).options.size < 224);
  const macs = [0, 1, 2, 3].map((phi) => {
    const { network, options: scales } = compoundScale(phi);
    return count(buildNetwork(network, scales)).macs;
  });
  // Rounding of channels and repeats makes steps of what would be a curve.
  for (let phi = 1; phi < macs.length; phi++) {
    const growth = macs[phi] / macs[phi - 1];
    assert.ok(growth > 1.5 && growth < 2.6, `a unit of φ multiplied the cost by ${growth}`);
  }
});

test("any φ gives a network that can be built, fractions and negative ones too", () => {
  const counts = [-10, -1.5, 0, 0.5, 3.7, 12].map((phi) => {
    const { network, options } = compoundScale(phi);
    return count(buildNetwork(network, { ...options, classes: 10 })).macs;
  });
  assert.deepEqual(
    counts.toSorted((a, b) => a - b),
    counts,
  );
  const wide = compoundScale(2, { alpha: 1.1, beta: 1.2, gamma: 1.1 }, { network: "efficientnet-v2-b0", size: 96 });
  assert.deepEqual([wide.network, wide.options.size], ["efficientnet-v2-b0", 116]);
  assert.ok(count(buildNetwork(wide.network, wide.options)).params > 0);
});

/** Channels of a layer by hand: the table's number and the family's rule at an odd width. */
const rounded: readonly (readonly [rule: string, network: string, options: BuildOptions, weight: string, channels: number])[] = [
  ["floor, at least 8", "mobilenet-v1", { width: 0.33 }, "features.stage5.unit2.pw_conv.conv.weight", Math.floor(1024 * 0.33)],
  ["floor, at least 8", "mobilenet-v1", { width: 0.05 }, "features.init_block.conv.weight", 8],
  ["multiples of 8, no tenth lost: 16 · 0.7 would give 8", "mobilenet-v2", { width: 0.7 }, "features.1.conv.1.weight", 16],
  ["the head never shrinks", "mobilenet-v2", { width: 0.33 }, "features.18.0.weight", 1280],
  ["multiples of 8", "mobilenet-v3-small", { width: 0.61 }, "features.0.0.weight", 16],
  ["multiples of 4, no tenth lost", "ghostnet", { width: 0.61 }, "conv_stem.weight", 12],
  ["the groups' steps", "shufflenet-v1-g3", { width: 0.55 }, "features.stage2.unit2.expand_conv3.weight", 2 * 240 * 0.55],
  ["the table in proportion, multiples of 4", "shufflenet-v2", { width: 0.75 }, "stage2.1.branch2.0.weight", (48 + 116) / 4 + 1],
  ["multiples of 4", "squeezenet-1.1", { width: 0.3 }, "features.0.weight", 20],
  ["multiples of 8", "squeezenext-23", { width: 0.33 }, "stage4.0.shortcut.conv.weight", 88],
  ["primary partitions", "igcv1-plain", { width: 0.4 }, "stem.weight", Math.round(24 * 0.4) * 2],
  ["multiples of 8, no tenth lost", "channelnet-v1", { width: 0.33 }, "dws6.pw.weight", 168],
  ["multiples of 8, no tenth lost", "efficientnet-b0", { width: 1.2 }, "features.1.0.block.2.0.weight", 24],
  ["multiples of 8, whatever is lost", "efficientnet-v2-b0", { width: 1.2 }, "features.1.0.block.0.0.weight", 16],
  ["multiples of 8", "resnet-20", { width: 0.9 }, "conv1.weight", 16],
];

for (const [rule, network, options, weight, channels] of rounded) {
  test(`${network} at width ${options.width}: ${rule}`, () => {
    const leaf = buildNetwork(network, options).leaves.find(({ name }) => name === weight);
    assert.equal(leaf?.shape[0], channels);
  });
}

test("the nearest legal width is the width itself, or a step of the groups", () => {
  assert.equal(legalWidth(findNetwork("mobilenet-v2"), 0.33), 0.33);
  assert.equal(legalWidth(findNetwork("mobilenet-v2"), 100), 8);
  assert.equal(legalWidth(findNetwork("shufflenet-v1-g8"), 0.3), 1 / 3);
});

test("the grid search evaluates every point at φ = 1 and tells the best", async () => {
  const seen: string[] = [];
  const { best, trials } = await searchCoefficients({
    step: 0.1,
    async evaluate({ network, options }) {
      seen.push(JSON.stringify(options));
      assert.equal(network, "efficientnet-b0");
      return options.depth === 1.2 ? -Math.abs(options.width - 1.2) : options.depth === 1.1 ? Number.NaN : -10;
    },
  });
  assert.equal(seen.length, trials.length);
  assert.equal(new Set(seen).size, trials.length);
  assert.deepEqual([best.coefficients.alpha, best.coefficients.beta], [1.2, 1.2]);
  assert.deepEqual(best.scaled, compoundScale(1, best.coefficients));
});

const refused: readonly (readonly [what: string, run: () => unknown, message: RegExp])[] = [
  ["coefficients below 1", () => compoundScale(1, { alpha: 0.5, beta: 1, gamma: 1 }), /alpha is 0.5; .* nearest legal value 1$/],
  ["a φ that is no number", () => compoundScale(Number.NaN), /phi is NaN/],
  ["a grid without points", () => searchCoefficients({ step: 1, tolerance: 0, growth: 3.5, evaluate: () => 1 }), /no point of the grid/],
  ["scores that are not finite", () => searchCoefficients({ evaluate: () => Number.NaN }), /no score is finite/],
];

for (const [what, run, message] of refused) {
  test(`${what}: refused`, async () => {
    await assert.rejects(
      async () => run(),
      (error: unknown) => error instanceof OptionError && message.test(error.message),
    );
  });
}
