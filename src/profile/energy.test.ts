import assert from "node:assert/strict";
import { test } from "node:test";
import { energyOf, numberTypes, typesOf } from "./energy.ts";

/** Picojoules of a million operations each, in the order of `numberTypes`. */
function picojoules(operations: Partial<Parameters<typeof energyOf>[0]>): number[] {
  return numberTypes.map((type) => Number(energyOf({ macs: 0, adds: 0, ...operations }, type).toPrecision(6)));
}

test("operations take what the published table says", () => {
  const million = 1e6;
  assert.deepEqual(picojoules({ macs: million }), [4.6, 1.5, 3.2, 0.23]);
  // An adder: a subtraction and an addition.
  assert.deepEqual(picojoules({ adds: 2 * million }), [1.8, 0.8, 0.2, 0.06]);
  // A tap of Mitchell's: the bits added as integers, the products as floats.
  assert.deepEqual(picojoules({ adds: million, integerAdds: million }).slice(0, 2), [1, 0.5]);
  assert.deepEqual(typesOf({ macs: 0, adds: million, integerAdds: million }), ["f32", "f16"]);
  assert.deepEqual(picojoules({ multiplications: million }), [3.7, 1.1, 3.1, 0.2]);
  assert.deepEqual(picojoules({ comparisons: million }), picojoules({ adds: million }));
});
