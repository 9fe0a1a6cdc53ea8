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
