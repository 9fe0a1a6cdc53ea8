import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { lowerBound, placeRegions, type Region } from "./memory.ts";

const regions = fc.array(
  fc
    .record({ bytes: fc.integer({ min: 1, max: 5000 }), from: fc.integer({ min: 0, max: 20 }), length: fc.integer({ min: 0, max: 8 }) })
    .map(({ bytes, from, length }): Region => ({ bytes, from, to: from + length })),
  { maxLength: 40 },
);

test("regions alive at the same time never overlap", () => {
  fc.assert(
    fc.property(regions, (all) => {
      const { offsets, bytes } = placeRegions(all);
      all.forEach((a, i) => {
        assert.ok(offsets[i] % 64 === 0 && offsets[i] + a.bytes <= bytes);
        all.forEach((b, j) => {
          const isMeeting = i < j && a.from <= b.to && b.from <= a.to;
          if (isMeeting) assert.ok(offsets[i] + a.bytes <= offsets[j] || offsets[j] + b.bytes <= offsets[i]);
        });
      });
    }),
  );
});

test("a placement is never smaller than the lower bound, and regions that follow each other share memory", () => {
  fc.assert(fc.property(regions, (all) => placeRegions(all).bytes >= lowerBound(all)));
  const chain = Array.from({ length: 10 }, (_, i): Region => ({ bytes: 640, from: i, to: i + 1 }));
  assert.equal(lowerBound(chain), 1280);
  assert.equal(placeRegions(chain).bytes, 1280);
});

test("regions that are always alive leave no gaps, and a sequence that fits replaces one that does not", () => {
  // Largest first puts 5 at 0, 4 behind it and then finds no gap for the two that meet both; the bound is reached all the same.
  const blocks = [
    [5, 0, 1],
    [4, 1, 2],
    [3, 2, 3],
    [3, 3, 4],
    [6, 4, 5],
  ].map(([units, from, to]): Region => ({ bytes: units * 64, from, to }));
  const kept: Region = { bytes: 640, from: 0, to: 5 };
  assert.equal(placeRegions([...blocks, kept]).bytes, lowerBound([...blocks, kept]));
});
