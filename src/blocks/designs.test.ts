import assert from "node:assert/strict";
import { test } from "node:test";
import { OptionError } from "../core/errors.ts";
import { channels } from "../ir/graph.ts";
import { graphScope } from "../ir/scope.ts";
import type { DesignName } from "./designNames.ts";
import {
  interleavedFirstGroups,
  interleavedGroupWidth,
  interleavedPartitions,
  microFactors,
  microGroups,
  shuffleGroups,
  squeezeChannels,
} from "./designRules.ts";
import { designs, standIn } from "./designs.ts";

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

test("micro-factorised convolutions have √(C / R) groups, and refuse channels for which that is no whole number", () => {
  assert.deepEqual([microGroups(18, 2), microGroups(64, 4), microGroups(8, 2), microGroups(7, 7)], [3, 4, 2, 1]);
  assert.throws(() => microGroups(20, 2), /20 channels, compressed by 2.*nearest legal value 18 channels/);
  assert.throws(() => microGroups(1, 2), /nearest legal value 2 channels/);
});

test("where √(C / R) is no common divisor, the nearest one by ratio is taken, and one path joins each input and output", () => {
  for (const [inputs, out, groups] of [
    [18, 18, 3],
    [32, 32, 4],
    [16, 16, 4],
    [48, 48, 6],
    [24, 48, 6],
    [16, 24, 4],
    [64, 128, 8],
    [512, 512, 16],
    [14, 14, 2],
  ] as const) {
    const factors = microFactors(inputs, out);
    assert.deepEqual(factors, { groups, hidden: groups ** 2 }, `${inputs} → ${out}`);
    // Every hidden channel reads one group of the inputs, every output one hidden channel of each group.
    const paths = Array.from({ length: out }, () => new Set<number>());
    for (let o = 0; o < out; o++) {
      const group = Math.floor(o / (out / groups));
      for (let i = 0; i < groups; i++) {
        // Shuffled, hidden channel j · groups + i was channel i · groups + j, of group i.
        const [place, perGroup] = [group * groups + i, inputs / groups];
        const source = (place % groups) * groups + Math.floor(place / groups);
        const first = Math.floor(source / groups) * perGroup;
        for (let input = first; input < first + perGroup; input++) {
          assert.ok(!paths[o].has(input));
          paths[o].add(input);
        }
      }
      assert.equal(paths[o].size, inputs);
    }
  }
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
  refused("micro", 16, 17, 1, /from 16 to 17 channels: no number of groups divides both; nearest legal value 16/);
});
