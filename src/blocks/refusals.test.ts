import assert from "node:assert/strict";
import { test } from "node:test";
import { OptionError } from "../core/errors.ts";
import type { Value } from "../ir/graph.ts";
import { graphScope, type Scope } from "../ir/scope.ts";
import { fire, shuffleNetUnit, squeezeNext } from "./index.ts";

function built(channels: number, build: (g: Scope, x: Value) => Value): Value {
  const g = graphScope();
  return build(g.scope("block"), g.input("image", [1, channels, 8, 8]));
}

const refused: readonly (readonly [what: string, channels: number, build: (g: Scope, x: Value) => Value, message: RegExp])[] = [
  [
    "a simple bypass around other channels",
    12,
    (g, x) => fire(g, x, { squeeze: 4, expand1x1: 8, expand3x3: 8, bypass: "simple" }),
    /fire at "block": a simple bypass of 12 channels needs as many outputs, found 16/,
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
