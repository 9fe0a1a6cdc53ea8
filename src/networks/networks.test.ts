import assert from "node:assert/strict";
import { test } from "node:test";
import { OptionError, ShapeError } from "../core/errors.ts";
import { leavesOf } from "../ir/graph.ts";
import { ops } from "../ops/index.ts";
import { type BuildOptions, buildNetwork, findNetwork, leastSize, networks, resolveOptions } from "./index.ts";
import { count, fittingWidth } from "./networks.testing.ts";

/** Counted on the reference implementations that the fixtures name (vanilla: by hand from its table). */
const rows: readonly (readonly [name: string, options: BuildOptions, params: number, macs: number])[] = [
  ["mobilenet-v1", {}, 4_231_976, 568_740_352],
  ["mobilenet-v1", { width: 0.75 }, 2_585_560, 325_400_448],
  ["mobilenet-v1", { width: 0.5 }, 1_331_592, 149_497_088],
  ["mobilenet-v1", { width: 0.25 }, 470_072, 41_030_272],
  ["mobilenet-v2", { width: 1.4 }, 6_108_776, 582_195_824],
  ["mobilenet-v2", {}, 3_504_872, 300_774_272],
  ["mobilenet-v2", { width: 0.75 }, 2_636_424, 209_069_792],
  ["mobilenet-v2", { width: 0.5 }, 1_968_680, 97_131_840],
  ["mobilenet-v2", { width: 0.35 }, 1_677_128, 59_285_808],
  ["mobilenet-v3-large", {}, 5_483_032, 216_589_760],
  ["mobilenet-v3-large", { width: 0.75 }, 3_993_528, 154_560_624],
  ["mobilenet-v3-large", { width: 0.75, variant: "torchvision" }, 3_377_576, 140_033_816],
  ["mobilenet-v3-large", { variant: "minimalistic" }, 3_924_288, 209_136_704],
  ["mobilenet-v3-small", {}, 2_542_856, 56_510_400],
  ["mobilenet-v3-small", { width: 0.75 }, 2_041_872, 43_399_344],
  ["mobilenet-v3-small", { variant: "minimalistic", padding: "tensorflow" }, 2_044_736, 52_288_448],
  ["shufflenet-v2", { width: 0.5 }, 1_365_792, 40_476_448],
  ["shufflenet-v2", {}, 2_278_760, 145_814_296],
  ["shufflenet-v2", { width: 1.5 }, 3_506_720, 298_970_656],
  ["shufflenet-v2", { width: 2 }, 7_402_600, 590_783_000],
  ["shufflenet-v2", { width: 0.5, variant: "torchvision" }, 1_366_792, 40_476_448],
  ["shufflenet-v2", { variant: "torchvision" }, 2_278_604, 144_907_992],
  ["shufflenet-v2", { width: 1.5, variant: "torchvision" }, 3_503_624, 295_759_392],
  ["shufflenet-v2", { width: 2, variant: "torchvision" }, 7_393_996, 583_253_464],
  ["squeezenet-1.1", {}, 1_235_496, 349_151_936],
  ["squeezenet-1.1", { size: 227 }, 1_235_496, 387_747_520],
];

for (const [name, options, params, macs] of rows) {
  test(`${name} ${JSON.stringify(options)} has exactly ${params} parameters and ${macs} MACs`, () => {
    assert.deepEqual(count(buildNetwork(name, options)), { params, macs });
  });
}

for (const network of Object.values(networks)) {
  test(`${network.name}: the figures beside its table are those of its graph`, () => {
    assert.deepEqual(count(buildNetwork(network)), network.exact);
    assert.equal(networks[network.name], network);
  });

  test(`${network.name} builds at any width, class count, size and channel count, for training and not`, () => {
    const options = { width: fittingWidth(network, 0.13), classes: 7, size: [33, 47], channels: 1, batch: 2 } as const;
    for (const isTraining of [false, true]) {
      const graph = buildNetwork(network, { ...options, isTraining, dropout: 0.3 });
      assert.deepEqual(graph.outputs.logits.shape, [2, 7]);
      // Dropout's noise; that of stochastic depth is one number an image.
      const noises = leavesOf(graph, "input").filter((leaf) => leaf.name?.startsWith("noise.") && leaf.shape[1] > 1);
      assert.equal(noises.length > 0, isTraining);
      const hasNorm = leavesOf(graph, "state").length > 0;
      assert.equal(graph.updates.length > 0, isTraining && hasNorm);
    }
    assert.equal(buildNetwork(network, { width: fittingWidth(network, 2.3), classes: 10 }).outputs.logits.shape[1], 10);
  });

  test(`${network.name} has the same weights whatever the size and the mode`, () => {
    const weights = (options: BuildOptions): unknown =>
      buildNetwork(network, { width: fittingWidth(network, 0.25), classes: 11, ...options })
        .leaves.filter(({ kind }) => kind !== "input")
        .map(({ kind, name, shape }) => ({ kind, name, shape }));
    const expected = weights({});
    for (const size of [28, 32, 64, 96]) {
      const isBound = network.isSizeBound === true;
      (isBound ? assert.notDeepEqual : assert.deepEqual)(weights({ size, isSmallImage: true }), expected);
    }
    assert.deepEqual(weights({ isTraining: true, batch: 2 }), expected);
    assert.deepEqual(weights({ padding: "tensorflow" }), expected);
  });

  test(`${network.name} keeps about 4×4 pixels of a small image`, () => {
    const lastMap = (size: number, isSmallImage: boolean): number => {
      const graph = buildNetwork(network, { size, isSmallImage, width: fittingWidth(network, 0.25), classes: 11 });
      const pooled = graph.nodes.findLast(({ op }) => op === ops.globalAveragePool || op === ops.channelConv);
      const head = pooled ?? graph.nodes.findLast(({ op }) => op === ops.reshape);
      return head?.inputs[0].shape[2] ?? 0;
    };
    // A network for small pictures halves them three times or less, and keeps what it was made to keep.
    if (network.strides <= 3 || network.keepsStrides) {
      assert.equal(lastMap(32, true), lastMap(32, false));
      return;
    }
    for (const size of [28, 32, 64]) assert.ok(lastMap(size, true) >= 3 && lastMap(size, true) <= 8, `${size}: ${lastMap(size, true)}`);
    assert.ok(lastMap(32, true) > lastMap(32, false));
    assert.equal(lastMap(224, true), lastMap(224, false));
  });

  test(`${network.name}: a size too small is refused with the least one`, () => {
    for (const droppedStrides of Array.from({ length: network.strides + 1 }, (_, i) => i)) {
      const least = leastSize(network, resolveOptions(network, { droppedStrides }));
      const width = fittingWidth(network, 0.1);
      assert.deepEqual(buildNetwork(network, { droppedStrides, size: least, width, classes: 2 }).outputs.logits.shape, [1, 2]);
      if (least === 1) continue;
      const isNamed = (error: unknown): boolean => error instanceof ShapeError && error.message.includes(`at least ${least}×${least}`);
      assert.throws(() => buildNetwork(network, { droppedStrides, size: least - 1 }), isNamed);
      assert.throws(() => buildNetwork(network, { droppedStrides, size: [224, least - 1] }), isNamed);
    }
  });
}

test("channels at width 0.75 are those of the authors' code", () => {
  const outs = (name: string): (number | undefined)[] => {
    const graph = buildNetwork(name, { width: 0.75 });
    return leavesOf(graph, "parameter")
      .filter((leaf) => /block\.\d\.0\.weight$/.test(leaf.name ?? "") && leaf.shape[2] > 1)
      .map((leaf) => leaf.shape[0]);
  };
  assert.deepEqual(outs("mobilenet-v3-large"), [16, 64, 72, 72, 96, 96, 192, 160, 144, 144, 384, 528, 528, 720, 720]);
  assert.deepEqual(outs("mobilenet-v3-small"), [16, 72, 88, 96, 192, 192, 96, 120, 240, 432, 432]);
});

const refused: readonly (readonly [what: string, options: object, message: RegExp])[] = [
  ["a width of 0", { width: 0 }, /width 0 is not a number from 0.05 to 8; nearest legal value 0.05/],
  ["a width of 100", { width: 100 }, /nearest legal value 8/],
  ["a width that is no number", { width: Number.NaN }, /width NaN is not a number from 0.05 to 8$/],
  ["half a class", { classes: 2.5 }, /classes 2.5 is not a whole number from 1 to 1000000; nearest legal value 3/],
  ["a dropout of 1", { dropout: 1 }, /nearest legal value 0.95/],
  ["an unknown variant", { variant: "papr" }, /unknown variant "papr"\n {2}did you mean "paper"\?/],
  ["an unknown padding", { padding: "same" }, /unknown padding "same"/],
  ["a misspelt option", { widht: 1 }, /unknown option "widht"\n {2}did you mean "width"\?/],
  ["a size of 0", { size: 0 }, /height 0 needs to be a whole number/],
  ["text where a switch belongs", { isSmallImage: "yes" }, /isSmallImage yes needs true or false/],
];

for (const [what, options, message] of refused) {
  test(`${what} is refused`, () => {
    assert.throws(
      () => buildNetwork("mobilenet-v2", options),
      (error: unknown) => error instanceof OptionError && message.test(error.message),
    );
  });
}

test("an unknown network is refused with the nearest name", () => {
  assert.throws(() => findNetwork("mobilnet-v2"), /unknown network "mobilnet-v2"\n {2}did you mean "mobilenet-v2"\?/);
  assert.throws(() => findNetwork("constructor"), OptionError);
});

test("normalisation's epsilon is the family's own unless another is asked for, in every network", () => {
  const epsilons = (name: string, options: BuildOptions): number[] => {
    const { nodes } = buildNetwork(name, { ...options, classes: 10, width: fittingWidth(name, 0.25) });
    return [...new Set(nodes.flatMap(({ attrs }) => (attrs as { eps?: number }).eps ?? []))];
  };
  assert.deepEqual(epsilons("mobilenet-v2", {}), [1e-5]);
  assert.deepEqual(epsilons("mobilenet-v3-small", {}), [1e-3]);
  assert.deepEqual(epsilons("efficientnet-b0", { variant: "torchvision" }), [1e-5]);
  for (const name of Object.keys(networks)) {
    const found = epsilons(name, { normEps: 0.25 });
    assert(found.length === 0 || (found.length === 1 && found[0] === 0.25), `${name}: ${found}`);
  }
  assert.throws(() => buildNetwork("mobilenet-v2", { normEps: 0 }), /normEps 0 is not a number from 1e-12 to 1/);
});
