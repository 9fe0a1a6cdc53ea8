import assert from "node:assert/strict";
import { test } from "node:test";
import { catalogue } from "./catalogue.ts";
import { families } from "./families.ts";
import { buildNetwork, networks } from "./index.ts";
import { count } from "./networks.testing.ts";
import { publishedRows } from "./publishedRows.ts";

test("every network belongs to exactly one family", () => {
  const homes = Object.keys(networks).map((name) => ({
    name,
    families: families.filter(({ prefixes }) => prefixes.some((prefix) => name.startsWith(prefix))).length,
  }));
  assert.deepEqual(
    homes.filter((home) => home.families !== 1),
    [],
  );
});

test("every published row belongs to a network and has a label of its own", () => {
  assert.deepEqual(
    publishedRows.filter(({ network }) => !Object.hasOwn(networks, network)),
    [],
  );
  const keys = catalogue().map(({ network, label }) => `${network} ${label}`);
  assert.equal(new Set(keys).size, keys.length);
});

for (const { network, label, options, size, classes, params, macs } of catalogue()) {
  test(`${network} ${label}: ${params} parameters and ${macs} MACs at ${size} pixels`, () => {
    assert.deepEqual(count(buildNetwork(network, { ...options, size, classes })), { params, macs });
  });
}
