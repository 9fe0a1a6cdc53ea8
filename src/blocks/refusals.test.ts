import assert from "node:assert/strict";
import { test } from "node:test";
import { OptionError } from "../core/errors.ts";
import type { Value } from "../ir/graph.ts";
import { graphScope, type Scope } from "../ir/scope.ts";
import {
  convolution,
  fire,
  invertedResidual,
  shuffleNetUnit,
  shuffleUnit,
  squeezeExcitation,
  squeezeNext,
  surveyFire,
  surveyGhostModule,
  surveyInterleavedV1,
  surveyInterleavedV2,
  surveyShuffleNetUnit,
  surveyShuffleUnit,
  surveySqueezeExcitation,
  surveySqueezeNext,
  vanillaConv,
} from "./index.ts";

function built(channels: number, build: (g: Scope, x: Value) => Value): Value {
  const g = graphScope();
  return build(g.scope("block"), g.input("image", [1, channels, 8, 8]));
}

const refused: readonly (readonly [what: string, channels: number, build: (g: Scope, x: Value) => Value, message: RegExp])[] = [
  [
    "a simple bypass around other channels",
    12,
    (g, x) => fire(g, x, { squeeze: 4, expand1x1: 8, expand3x3: 8, bypass: "simple" }),
    /fire at "block": a simple bypass of 12 channels needs as many outputs, found 16; nearest legal value 12/,
  ],
  [
    "a SqueezeNext block that cannot be halved twice",
    16,
    (g, x) => squeezeNext(g, x, { out: 18, transition: "v1" }),
    /18 is not a multiple of 4; nearest legal value 20/,
  ],
  [
    "a grouped SqueezeNext block whose quarter is odd",
    12,
    (g, x) => squeezeNext(g, x, { out: 12, groups: 2 }),
    /12 is not a multiple of 8; nearest legal value 16/,
  ],
  [
    "a ShuffleNet unit whose bottleneck the groups do not divide",
    24,
    (g, x) => shuffleNetUnit(g, x, { out: 24, groups: 4 }),
    /bottleneck channels of a ShuffleNet unit at "block": 6 is not a multiple of 4; nearest legal value 8/,
  ],
  [
    "a ShuffleNet unit whose branch the groups do not divide",
    10,
    (g, x) => shuffleNetUnit(g, x, { out: 24, groups: 3, firstGroups: 1, stride: 2 }),
    /branch of a ShuffleNet unit at "block": 14 is not a multiple of 3; nearest legal value 15/,
  ],
  [
    "a ShuffleNetV2 unit that would split odd channels",
    9,
    (g, x) => shuffleUnit(g, x, { out: 8, isSplit: true }),
    /input channels of a ShuffleNetV2 unit that splits at "block": 9 is not a multiple of 2; nearest legal value 10/,
  ],
  [
    "a ShuffleNetV2 unit of odd outputs",
    8,
    (g, x) => shuffleUnit(g, x, { out: 11, isSplit: false }),
    /channels of a ShuffleNetV2 unit at "block": 11 is not a multiple of 2; nearest legal value 12/,
  ],
  [
    "a ShuffleNetV2 unit whose untouched half would not fit the strided one",
    8,
    (g, x) => shuffleUnit(g, x, { out: 8, stride: 2, isSplit: true }),
    /stride .*: 2 is not a whole number from 1 to 1; nearest legal value 1/,
  ],
  [
    "the survey's ShuffleNetv2 of odd channels",
    9,
    (g, x) => surveyShuffleUnit(g, x, { out: 8 }),
    /input channels of the survey's ShuffleNetv2 .*nearest legal value 10/,
  ],
  [
    "the survey's ShuffleNetv2 of odd outputs, of which the post's code drops one",
    8,
    (g, x) => surveyShuffleUnit(g, x, { out: 9 }),
    /channels of the survey's ShuffleNetv2 .*nearest legal value 10/,
  ],
  [
    "the survey's Fire without a squeeze",
    8,
    (g, x) => surveyFire(g, x, { out: 3 }),
    /3 is not a whole number of 4 or more; nearest legal value 4/,
  ],
  [
    "the survey's SqNxt without a bottleneck",
    3,
    (g, x) => surveySqueezeNext(g, x, { out: 8 }),
    /3 is not a whole number of 4 or more; nearest legal value 4/,
  ],
  [
    "the survey's SELayer that would squeeze to nothing",
    8,
    (g, x) => surveySqueezeExcitation(g, x),
    /reduction .*: 16 is not a whole number from 1 to 8; nearest legal value 8/,
  ],
  [
    "the survey's ShuffleNet whose bottleneck the groups do not divide",
    24,
    (g, x) => surveyShuffleNetUnit(g, x, { out: 24 }),
    /bottleneck .*: 6 is not a multiple of 4; nearest legal value 8/,
  ],
  [
    "the survey's IGCNet of inputs that do not divide",
    3,
    (g, x) => surveyInterleavedV1(g, x, { out: 8 }),
    /3 is not a multiple of 4; nearest legal value 4/,
  ],
  [
    "the survey's IGCV2 of inputs that do not divide",
    3,
    (g, x) => surveyInterleavedV2(g, x, { out: 32 }),
    /3 is not a multiple of 4; nearest legal value 4/,
  ],
  [
    "groups that do not divide the inputs",
    9,
    (g, x) => vanillaConv(g, x, { out: 8, groups: 4 }),
    /in 4 groups at "block.vanilla_conv.0": 9 is not a multiple of 4; nearest legal value 8/,
  ],
  [
    "groups that do not divide the outputs",
    8,
    (g, x) => convolution(g, x, { out: 10, groups: 4 }),
    /10 is not a multiple of 4; nearest legal value 12/,
  ],
  ["half a group", 8, (g, x) => convolution(g, x, { out: 8, groups: 2.5 }), /groups .*: 2.5 is not a whole number .*nearest legal value 3/],
  ["a convolution to nothing", 8, (g, x) => convolution(g, x, { out: 0 }), /0 is not a whole number of 1 or more; nearest legal value 1/],
  [
    "attention that squeezes to nothing",
    8,
    (g, x) => squeezeExcitation(g, x, { squeeze: 0 }),
    /0 is not a whole number of 1 or more; nearest legal value 1/,
  ],
  [
    "an inverted residual without inner channels",
    8,
    (g, x) => invertedResidual(g, x, { out: 8, hidden: 0 }),
    /0 is not a whole number of 1 or more; nearest legal value 1/,
  ],
  [
    "the odd channels of a split that a Ghost module cannot share out",
    8,
    (g, x) => surveyGhostModule(g, x, { out: 9 }),
    /9 is not a multiple of 4; nearest legal value 8/,
  ],
];

for (const [what, channels, build, message] of refused) {
  test(`${what} is refused with what would fit`, () => {
    assert.throws(
      () => built(channels, build),
      (error: unknown) => error instanceof OptionError && message.test(error.message),
    );
  });
}

test("a complex bypass changes the channels, a simple one has no weights", () => {
  const shape = { squeeze: 4, expand1x1: 8, expand3x3: 8 };
  assert.deepEqual(built(12, (g, x) => fire(g, x, { ...shape, bypass: "complex" })).shape, [1, 16, 8, 8]);
  assert.deepEqual(built(16, (g, x) => fire(g, x, { ...shape, bypass: "simple" })).shape, [1, 16, 8, 8]);
});

test("SqueezeNext's halves of the 3×3 change places", () => {
  const kernels = (isRowFirst: boolean): unknown[] => {
    const g = graphScope();
    g.output("y", squeezeNext(g, g.input("image", [1, 16, 8, 8]), { out: 16, isRowFirst }));
    return g.finish().leaves.flatMap(({ name, shape }) => (/branch.[23].conv/.test(name ?? "") ? [shape.slice(2)] : []));
  };
  assert.deepEqual(kernels(false), [
    [3, 1],
    [1, 3],
  ]);
  assert.deepEqual(kernels(true), [
    [1, 3],
    [3, 1],
  ]);
});
