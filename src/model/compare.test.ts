import assert from "node:assert/strict";
import { test } from "node:test";
import { FormatError, OptionError } from "../core/errors.ts";
import { type ComparisonRow, countCandidate, measureCandidates } from "./compare.ts";
import { candidateKey, readComparison, writeComparison } from "./comparisonRecord.ts";

const place = { size: 28, channels: 1, classes: 10 };
const small = { width: 0.25, isSmallImage: true } as const;

test("a candidate is counted for the images asked for, or for its own", () => {
  const own = countCandidate({ label: "a", network: "resnet-20", options: {} }, {});
  assert.deepEqual([own.size, own.params, own.macs, own.group], [32, 269_722, 40_551_040, "backbones"]);
  const designed = countCandidate({ label: "b", network: "resnet-20", options: { conv: "ghost" } }, place);
  assert.deepEqual([designed.size, designed.group], [28, "ghost"]);
  assert.throws(() => countCandidate({ label: "c", network: "mobilenet-v2", options: { conv: "ghost" } }, place), OptionError);
});

test("candidates are measured in turns, each in milliseconds above 0", async () => {
  const rows = ["vanilla-compact", "mobilenet-v2"].map((network) => countCandidate({ label: network, network, options: small }, place));
  const seen: string[] = [];
  const times = await measureCandidates(rows, place, { onProgress: (_, label) => seen.push(label) });
  assert.deepEqual(seen, ["vanilla-compact", "mobilenet-v2"]);
  assert.ok(times.length === 2 && times.every((time) => time > 0));
});

test("a measurement that is told to stop stops", async () => {
  const rows = [countCandidate({ label: "a", network: "vanilla-compact", options: small }, place)];
  await assert.rejects(measureCandidates(rows, place, { signal: AbortSignal.abort() }));
});

const row: ComparisonRow = {
  label: "a",
  network: "resnet-20",
  options: { width: 2, conv: "ghost" },
  group: "ghost",
  size: 28,
  params: 1,
  macs: 2,
  adds: 3,
  accuracy: 0.5,
};
const settings = { size: 28, recipe: { epochs: 3, batch: 64 } };

test("a record is read back as it was written", () => {
  const record = readComparison(writeComparison(settings, [row]), settings, "r.json");
  assert.deepEqual(record.rows, [row]);
  assert.equal(candidateKey(record.rows[0]), candidateKey({ network: "resnet-20", options: { conv: "ghost", width: 2 } }));
});

test("a record of other settings is refused with what differs, other files with what they are", () => {
  const text = writeComparison(settings, [row]);
  assert.throws(
    () => readComparison(text, { size: 28, recipe: { epochs: 4, batch: 64 } }, "r.json"),
    /recipe\.epochs: 3 there, 4 asked for/,
  );
  for (const bad of ["", "{", "{}", "null", "[]", text.replace('"params": 1', '"params": "x"'), text.replace('"comparison"', '"model"')])
    assert.throws(() => readComparison(bad, settings, "r.json"), FormatError, bad);
});
