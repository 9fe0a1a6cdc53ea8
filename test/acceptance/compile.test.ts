/** A model becomes one WebAssembly file with a loader, which runs in a folder without Goldcrest. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openDecoder } from "../../src/data/imageFile.node.ts";
import { openClassifier } from "../../src/model/classifier.ts";
import { loadModel } from "../../src/model/model.ts";
import type { Workplace } from "../lib/commandLine.ts";
import { openTrained } from "../lib/stripes.ts";

let work: Workplace;
before(async () => {
  work = await openTrained();
});
after(() => work.remove());

/** Logits for raw pixels, computed by the written files in a process of their own. */
function runElsewhere(folder: string, name: string, pixels: Uint8Array, side: number): number[] {
  const program = `const { load } = await import("./${name}.js");
    const classify = await load();
    const [width, data] = [${side}, Uint8Array.from(JSON.parse(process.argv[1]))];
    console.log(JSON.stringify([...classify.logits({ width, height: width, data })]));`;
  const args = ["--input-type=module", "-e", program, "--", JSON.stringify([...pixels])];
  return JSON.parse(execFileSync(process.execPath, args, { cwd: folder, encoding: "utf8" }));
}

test("compile writes three files that give the model's logits, bit by bit, in an empty folder", async () => {
  const folder = await mkdtemp(join(tmpdir(), "goldcrest-empty-"));
  try {
    const { code, stdout, stderr } = await work.run(["compile", "model.safetensors", "--out", join(folder, "bars"), "--data", "bars"]);
    assert.deepEqual([code, stderr.includes("Warning")], [0, false], stderr);
    assert.match(stdout, /bars\.wasm [\s\S]*logits +the same bits as the model's\naccuracy (\d+\.\d\d %) before, \1 after, on \d+ images/);
    const model = await loadModel(await work.read("model.safetensors"));
    using classifier = await openClassifier(model);
    const pixels = await openDecoder()(work.path("bars/lying/0.png"), model.preprocessing);
    assert.deepEqual(runElsewhere(folder, "bars", pixels, model.preprocessing.size), [...classifier.logits(pixels)]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("other formats of weights are smaller, and the line says what they change; --json says the same to machines", async () => {
  const held = await work.names();
  const weights = [];
  for (const format of ["f32", "f16", "int8"]) {
    const { code, stdout, stderr } = await work.run(["compile", "model.safetensors", "--weights", format, "--separate-weights", "--json"]);
    assert.equal(code, 0, stderr);
    const { files, sizes, deviation } = JSON.parse(stdout);
    assert.deepEqual(
      files.map(({ name }: { name: string }) => name),
      ["model.weights", "model.wasm", "model.d.ts", "model.js"],
    );
    assert.equal(deviation === 0, format === "f32");
    weights.push(sizes.weights);
  }
  assert.ok(weights[0] > 1.8 * weights[1] && weights[1] > 1.6 * weights[2], weights.join(" "));
  assert.deepEqual(
    (await work.names()).filter((name) => !held.includes(name)),
    ["model.d.ts", "model.js", "model.wasm", "model.weights"],
  );
});

test("another size and a batch are compiled in, and what is no model is refused with nothing written", async () => {
  const { code, stderr } = await work.run([
    "compile",
    "model.safetensors",
    "--out",
    "larger",
    "--size",
    "24",
    "--batch",
    "3",
    "--no-relaxed",
  ]);
  assert.equal(code, 0, stderr);
  const pixels = Uint8Array.from({ length: 24 * 24 }, (_, i) => (i * 7) & 255);
  const model = await loadModel(await work.read("model.safetensors"));
  using classifier = await openClassifier({ ...model, preprocessing: { ...model.preprocessing, size: 24 } }, { isRelaxedAllowed: false });
  const [wanted, found] = [classifier.logits(pixels), runElsewhere(work.folder, "larger", pixels, 24)];
  for (const [i, logit] of found.entries()) assert.ok(Math.abs(logit - wanted[i]) < 1e-4 * Math.max(...wanted.map(Math.abs)));
  await work.write({ "text.safetensors": "no model" });
  const held = await work.names();
  const refused = await work.run(["compile", "text.safetensors"]);
  assert.deepEqual([refused.code, refused.stdout], [3, ""]);
  assert.deepEqual(await work.names(), held);
});
