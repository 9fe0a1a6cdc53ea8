import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, test } from "node:test";
import { referenceBackend } from "../../src/backends/reference/index.ts";
import { wasmBackend } from "../../src/backends/wasm/index.ts";
import type { Backend } from "../../src/engine/session.ts";
import { elements, parseSafetensors, serialiseSafetensors } from "../../src/formats/safetensors.ts";
import { tolerancesOf } from "./compare.ts";
import { draw, drawState } from "./recipe.ts";
import { findFixtures, replayFile } from "./replay.ts";

const root = new URL("fixtures/", import.meta.url).pathname;
const blocks = findFixtures([join(root, "blocks")]);
const networks = findFixtures([join(root, "networks")]);
const folder = mkdtempSync(join(tmpdir(), "goldens-"));
after(() => rmSync(folder, { recursive: true }));

test("the recipe gives the worked numbers of the fixtures' description", () => {
  const weight = (gain: number, i: number): number =>
    drawState(["features.0.weight", [1, 3, 3, 3], "weight"], { gain, overrides: {} }).data[i];
  assert.equal(weight(1, 0), Math.fround(0.156346098));
  assert.equal(weight(0.88, 7), Math.fround(0.354536504));
  const variance = drawState(["features.0.1.running_var", [3], "bn.var"], { gain: 1, overrides: {} });
  assert.equal(variance.data[2], Math.fround(0.918208897));
  assert.equal(draw({ name: "input", shape: [100_001], a: 0, b: 1.5 }).data[100_000], Math.fround(-0.0690743923));
});

for (const file of blocks) {
  test(`${basename(file)} is met by the definition in float64`, async (context) => {
    const { problem, remarks } = await replayFile(file, referenceBackend, tolerancesOf.reference);
    for (const remark of remarks) context.diagnostic(remark);
    assert.equal(problem, undefined);
  });
}

for (const file of [...blocks, ...networks]) {
  test(`${basename(file)} is met by the WebAssembly engine, no node falling back`, async (context) => {
    const { problem, remarks } = await replayFile(file, wasmBackend, tolerancesOf.wasm);
    for (const remark of remarks) context.diagnostic(remark);
    assert.equal(problem, undefined);
  });
}

const small = join(root, "networks", "timm_tf_mobilenetv3_small_minimal_100.json");

async function replayChanged(
  change: (fixture: Record<string, never>) => void,
  backend: Backend = wasmBackend,
): Promise<string | undefined> {
  const fixture = JSON.parse(readFileSync(small, "utf8"));
  change(fixture);
  const file = join(folder, "changed.json");
  writeFileSync(file, JSON.stringify(fixture));
  return (await replayFile(file, backend, tolerancesOf.wasm)).problem;
}

// biome-ignore lint/suspicious/noExplicitAny: fixtures are changed at will here
type Loose = any;

const changes: readonly (readonly [what: string, change: (fixture: Loose) => void, message: RegExp])[] = [
  ["a logit", (fixture) => (fixture.logits[17] += 0.01), /^logits, error \d/],
  ["a stage", (fixture) => (fixture.stages[7].first[3] += 0.1), /^stage blocks\.2\.0 \(first elements\), error/],
  ["the mean of a stage", (fixture) => (fixture.stages[4].mean += 0.01), /^stage blocks\.1\.0 \(mean\), error/],
  ["the checksum of the state", (fixture) => (fixture.state_crc32 = "00000000"), /^state_crc32: [0-9a-f]{8}, needed 00000000/],
  ["the gain", (fixture) => (fixture.recipe.gain = 1), /^state_crc32/],
  ["the number of parameters", (fixture) => fixture.params++, /^parameters: 2044736, needed 2044737/],
  ["the MACs", (fixture) => fixture.macs.per_image.total++, /^MACs: 52288448, needed 52288449/],
  ["the normalisation", (fixture) => (fixture.bn[0].eps = 1e-5), /^normalisation: eps 0.001, momentum 0.1, needed eps 0.00001/],
  ["the network", (fixture) => (fixture.constructor.name = "mobilenetv9"), /^unsupported: no network for mobilenetv3/],
  ["an argument", (fixture) => (fixture.constructor.pretrained = true), /^unsupported: no option for the argument pretrained/],
  [
    "the number of classes",
    (fixture) => (fixture.constructor.num_classes = 10),
    /^state "classifier.3.weight": shape \[10, 1024\], needed \[1000, 1024\]/,
  ],
  ["the format", (fixture) => (fixture.format = "other"), /^unsupported: format "other"/],
];

for (const [what, change, message] of changes) {
  test(`a changed fixture fails and says what differs: ${what}`, async () => {
    assert.match((await replayChanged(change)) ?? "it passed", message);
  });
}

test("a node that falls back to the reference is a failure", async () => {
  const lame: Backend = {
    name: "lame",
    async open(graph, weights) {
      return { ...(await wasmBackend.open(graph, weights)), fallbacks: [{ op: "conv2d", scope: "features.0.0" }] };
    },
  };
  assert.match((await replayChanged(() => {}, lame)) ?? "it passed", /1 nodes fell back to the reference, first conv2d at "features.0.0"/);
});

const blockChanges: readonly (readonly [what: string, tensor: string, message: RegExp])[] = [
  ["the output of inference", "output_eval", /^output_eval, error/],
  ["the output of training", "output_train", /^output_train, error/],
  ["a gradient", "grad.conv.1.0.weight", /^grad.conv.1.0.weight, error/],
  ["the gradient of the input", "grad.input", /^grad.input, error/],
  ["a running variance", "after.conv.3.running_var", /^after.conv.3.running_var, error/],
  ["a count of batches", "after.conv.3.num_batches_tracked", /^after.conv.3.num_batches_tracked, error/],
];

async function replayBlockChanged(tensor: string, fixture = "tvInvertedResidualV2_0"): Promise<string | undefined> {
  const { tensors, metadata } = parseSafetensors(readFileSync(join(root, "blocks", `${fixture}.safetensors`)));
  const changed = [...tensors].map(([name, stored]) => {
    const { shape, data } = elements(stored);
    const copy = data.slice();
    if (name === tensor) copy[0] = copy instanceof BigInt64Array ? 7n : Number(copy[0]) + 0.01;
    return [name, { shape, data: copy }] as const;
  });
  const file = join(folder, "changed.safetensors");
  writeFileSync(file, serialiseSafetensors(changed, Object.fromEntries(metadata)));
  return (await replayFile(file, referenceBackend, tolerancesOf.reference)).problem;
}

for (const [what, tensor, message] of blockChanges) {
  test(`a changed block fixture fails and says what differs: ${what}`, async () => {
    assert.match((await replayBlockChanged(tensor)) ?? "it passed", message);
  });
}

const mitchellChanges: readonly (readonly [fixture: string, tensor: string, message: RegExp])[] = [
  ["mitchell_mul_1", "output", /^mitchellProduct: element 0 is/],
  ["mitchell_mul_1", "log2_a", /^mitchellLog2: element 0 is/],
  ["mitchell_mul_1", "grad_ste.b", /^grad_ste.weight, error/],
  ["mitchell_edge_0", "output", /^mitchellProduct: element 0 is/],
  ["mitchell_conv_2", "output_eval", /^output, error/],
  ["mitchell_conv_2", "grad_exact.input", /^grad_exact.input, error/],
];

for (const [fixture, tensor, message] of mitchellChanges) {
  test(`a changed fixture of Mitchell's product fails and says what differs: ${tensor} of ${fixture}`, async () => {
    assert.match((await replayBlockChanged(tensor, fixture)) ?? "it passed", message);
  });
}

test("a torn fixture fails alone", async () => {
  const file = join(folder, "torn.safetensors");
  writeFileSync(file, readFileSync(blocks[0]).subarray(0, 1000));
  assert.match(
    (await replayFile(file, referenceBackend, tolerancesOf.reference)).problem ?? "it passed",
    /^fixture: header of \d+ bytes in a file of 1000/,
  );
  writeFileSync(join(folder, "torn.json"), '{"format"');
  assert.match((await replayFile(join(folder, "torn.json"), referenceBackend, tolerancesOf.reference)).problem ?? "it passed", /JSON/);
});
