import assert from "node:assert/strict";
import { test } from "node:test";
import { candidateOf } from "./recognise.ts";
import { sources } from "./sources.ts";

for (const source of sources) {
  const { from, network, options, widths } = source;
  test(`${network} ${options.variant ?? ""} of ${from} can be built at each of its widths, and its blue-first weight is one of them`, () => {
    for (const width of widths) {
      const { needed } = candidateOf(source, width);
      const names = [...needed.values()].map(({ ours }) => ours);
      assert.equal(new Set(names).size, names.length);
      if (source.pixels.bgr !== undefined) assert(names.includes(source.pixels.bgr));
    }
  });
}
