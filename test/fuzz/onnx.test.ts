/** Files with bytes changed, cut off or put in the place of others are read, or refused by an error of ours. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { GoldcrestError } from "../../src/core/errors.ts";
import { random, type Stream } from "../../src/core/random.ts";
import { onnxReaders } from "./onnx.ts";

const ROUNDS = 150;

/** A copy with some bytes changed, a part cut out, or a part repeated. */
function mutated(seed: Uint8Array, { integer }: Stream): Uint8Array {
  const bytes = Uint8Array.from(seed);
  const kind = integer(0, 4);
  const [a, b] = [integer(1, bytes.length), integer(2, bytes.length)].sort((x, y) => x - y);
  if (kind === 2) return bytes.slice(0, b);
  if (kind === 3) return Uint8Array.from([...bytes.subarray(0, b), ...bytes.subarray(a)]);
  // Most of a file are weights; what is looked at first lies at its beginning.
  const within = kind === 0 ? Math.min(bytes.length, 4096) : bytes.length;
  for (let i = 0; i < 8; i++) bytes[integer(3 + 2 * i, within)] = integer(4 + 2 * i, 256);
  return bytes;
}

for (const { name, seeds, read } of onnxReaders) {
  test(`${name}: ${ROUNDS} mutations of each seed`, () => {
    let accepted = 0;
    for (const [index, seed] of seeds().entries()) {
      read(seed);
      for (let round = 0; round < ROUNDS; round++) {
        try {
          read(mutated(seed, random(index, `${name} ${round}`)));
          accepted++;
        } catch (error) {
          assert.ok(
            error instanceof GoldcrestError || error instanceof SyntaxError,
            `seed ${index}, round ${round}: ${(error as Error).stack}`,
          );
        }
      }
    }
    assert.ok(accepted > 0, "every mutation was refused: they change too much to reach what lies deeper");
  });
}
