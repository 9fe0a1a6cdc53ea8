import assert from "node:assert/strict";
import { test } from "node:test";
import { OptionError } from "../core/errors.ts";
import { channels } from "../ir/graph.ts";
import { graphScope } from "../ir/scope.ts";
import { interleavedFirstGroups, interleavedGroupWidth, interleavedPartitions, shuffleGroups, squeezeChannels } from "./designRules.ts";
import { type DesignName, designs, standIn } from "./designs.ts";

const names = Object.keys(designs) as readonly DesignName[];

function shapeOf(name: DesignName, inputs: number, out: number, stride: number): readonly number[] {
  const g = graphScope();
  return standIn(name, g.scope("slot"), g.input("x", [2, inputs, 9, 9]), { out, stride }).shape;
}

for (const name of names) {
  test(`${name} gives what the convolution that it replaces would give`, () => {
    for (const [inputs, out, stride] of [
      [16, 16, 1],
      [16, 24, 1],
      [16, 32, 1],
      [16, 32, 2],
      [24, 48, 2],
      [16, 16, 2],
    ]) {
      assert.deepEqual(shapeOf(name, inputs, out, stride), [2, out, stride === 1 ? 9 : 5, stride === 1 ? 9 : 5], `${inputs} → ${out}`);
    }
  });

  test(`${name} in front of an image of one or three channels gives 16`, () => {
    for (const colours of [1, 3]) {
      const g = graphScope();
      const y = standIn(name, g, g.input("image", [1, colours, 8, 8]), { out: 16, readsImage: true });
      assert.equal(channels(y), 16);
    }
  });
}

test("rules: squeeze, groups, partitions", () => {
  assert.deepEqual([128, 16, 3].map(squeezeChannels), [16, 2, 1]);
  assert.deepEqual([shuffleGroups(64, 64), shuffleGroups(24, 48), shuffleGroups(16, 24), shuffleGroups(10, 12)], [4, 4, 2, 1]);
  assert.deepEqual(interleavedPartitions(64, 64), { primary: 32, secondary: 2 });
  assert.deepEqual(interleavedPartitions(64, 128), { primary: 64, secondary: 2 });
  assert.deepEqual(interleavedPartitions(16, 24), { primary: 4, secondary: 6 });
  assert.deepEqual([64, 60, 49].map(interleavedGroupWidth), [8, 6, 7]);
  assert.deepEqual([interleavedFirstGroups(16, 32), interleavedFirstGroups(16, 24)], [16, 8]);
});

test("channels that a design cannot split are refused with the nearest legal number", () => {
  const refused = (name: DesignName, inputs: number, out: number, stride: number, wanted: RegExp): void =>
    assert.throws(
      () => shapeOf(name, inputs, out, stride),
      (error: unknown) => error instanceof OptionError && wanted.test(error.message),
    );
  refused("igc", 16, 15, 1, /nearest legal value 16/);
  refused("igcv2", 16, 13, 1, /nearest legal value 14/);
  refused("shuffle", 16, 12, 2, /at least as many outputs as its 16 inputs, found 12; nearest legal value 16/);
  refused("shuffle", 16, 18, 1, /nearest legal value/);
  refused("shuffle-v2", 16, 17, 1, /nearest legal value/);
  refused("sqnxt", 16, 18, 1, /nearest legal value 20/);
  refused("channel", 16, 17, 1, /nearest legal value/);
});
