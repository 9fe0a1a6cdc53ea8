/** Some thousand mutated files for each reader of weights: read, or refused as what they are. `npm run fuzz` goes on for as long as one likes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../../src/core/random.ts";
import { weightTargets } from "./weights.ts";

const ROUNDS = 2000;
const interesting = [0, 1, 2, 0x28, 0x2e, 0x52, 0x63, 0x71, 0x74, 0x75, 0x7f, 0x80, 0xfe, 0xff];

/** A file with up to four bytes changed, cut, repeated or taken out. */
function mutated(file: Uint8Array, round: number): Uint8Array {
  const { integer } = random(7, "fuzz", round);
  let bytes = [...file];
  let draw = 0;
  const below = (most: number): number => integer(draw++, Math.max(1, most));
  for (let times = 1 + below(4); times > 0; times--) {
    const at = below(bytes.length);
    const kind = below(6);
    if (kind === 0) bytes[at] = below(256);
    else if (kind === 1) bytes[at] = interesting[below(interesting.length)];
    else if (kind === 2) bytes[at] ^= 1 << below(8);
    else if (kind === 3) bytes = bytes.slice(0, at);
    else if (kind === 4) bytes.splice(at, 1 + below(8));
    else bytes.splice(at, 0, ...bytes.slice(at, at + 1 + below(8)));
  }
  return Uint8Array.from(bytes);
}

for (const { name, seeds, read, isRefusal } of weightTargets) {
  test(`${name}: mutated files are read or refused with a FormatError, and nothing else happens`, async () => {
    let refused = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const file = mutated(seeds[round % seeds.length], round);
      await read(file).catch((error: unknown) => {
        assert(isRefusal(error), `round ${round}: ${error instanceof Error ? error.stack : error}`);
        refused++;
      });
    }
    assert(refused > ROUNDS / 4, `${refused} of ${ROUNDS} were refused`);
    for (const seed of seeds) await read(seed);
  });
}
