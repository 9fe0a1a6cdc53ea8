import assert from "node:assert/strict";
import { test } from "node:test";
import { FormatError } from "../core/errors.ts";
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint, identityDifferences, loadCheckpoint } from "./checkpoint.ts";
import { memoryStore } from "./checkpointStore.ts";
import { recipes } from "./recipe.ts";

function example(step: number): Checkpoint {
  return {
    identity: { network: { name: "tiny" }, recipe: recipes.small, data: "abc", preprocessing: {}, seed: 1 },
    progress: {
      step,
      epochs: [{ epoch: 1, loss: 0.1 + 0.2, accuracy: 1 / 3 }],
      running: { loss: 1e-300, correct: 3, images: 9 },
      seconds: 2,
    },
    current: new Map([
      ["head.weight", { shape: [2, 3], data: new Float32Array([1, -0, 3e-45, 4, 5, step]) }],
      ["optimiser.velocity.head.weight", { shape: [], data: new Float32Array([0.1]) }],
    ]),
    best: new Map([["head.weight", { shape: [2, 3], data: new Float32Array(6) }]]),
  };
}

test("what is read is what was written, to the bit", async () => {
  const file = await encodeCheckpoint(example(7));
  assert.deepEqual(await decodeCheckpoint(file, "x"), example(7));
  assert.deepEqual(await encodeCheckpoint(example(7)), file);
});

test("any flipped bit and any cut are found", async () => {
  const file = await encodeCheckpoint(example(7));
  for (let bit = 0; bit < file.length * 8; bit += 13) {
    const flipped = file.slice();
    flipped[bit >> 3] ^= 1 << (bit & 7);
    await assert.rejects(decodeCheckpoint(flipped, "x"), FormatError, `bit ${bit}`);
  }
  for (let length = 0; length < file.length; length += 7)
    await assert.rejects(decodeCheckpoint(file.subarray(0, length), "x"), FormatError);
});

test("a file that is no checkpoint says so", async () => {
  const model = Uint8Array.from([2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d]);
  await assert.rejects(decodeCheckpoint(model, "birds"), /birds: not a checkpoint of a training/);
});

test("a damaged newest checkpoint gives way to the one before, which says so", async () => {
  const store = memoryStore("birds");
  await store.write(await encodeCheckpoint(example(7)));
  const damaged = await encodeCheckpoint(example(8));
  damaged[damaged.length - 1] ^= 4;
  await store.write(damaged);
  const notices: string[] = [];
  const found = await loadCheckpoint(store, (sentence) => notices.push(sentence));
  assert.deepEqual(found, example(7));
  assert.match(notices.join(), /^birds: damaged or altered: .*; going on from the one before, step 7$/);
  assert.equal((await store.list()).length, 1, "the damaged one is out of the way of the next");
});

test("where all are damaged, resuming is refused", async () => {
  const store = memoryStore("birds");
  await store.write((await encodeCheckpoint(example(7))).subarray(0, 99));
  await assert.rejects(
    loadCheckpoint(store, assert.fail),
    /birds: .*; there is no whole checkpoint to resume from: start again without resuming/,
  );
});

test("differences are named by their path; those JSON cannot tell are none", () => {
  const { identity } = example(1);
  const other = { ...identity, recipe: { ...identity.recipe, epochs: 9, dropout: 0.5 }, network: undefined };
  assert.deepEqual(identityDifferences(identity, other), [
    'network was {"name":"tiny"}, is absent',
    "recipe.epochs was 20, is 9",
    "recipe.dropout was absent, is 0.5",
  ]);
  assert.deepEqual(identityDifferences(identity, { ...identity, recipe: { ...identity.recipe, dropout: undefined } }), []);
});
