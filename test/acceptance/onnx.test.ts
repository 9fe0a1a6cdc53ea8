/** A model goes out as ONNX and comes back as one that every command takes; what cannot be read leaves nothing behind. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileOf, numbers } from "../../src/formats/onnx/read/files.testing.ts";
import { loadModel } from "../../src/model/model.ts";
import type { Workplace } from "../lib/commandLine.ts";
import { openTrained } from "../lib/stripes.ts";

let work: Workplace;
before(async () => {
  work = await openTrained();
  for (const args of [
    ["export", "model.safetensors", "--to", "onnx", "--out", "bars.onnx"],
    ["import", "bars.onnx"],
  ]) {
    const ended = await work.run(args);
    assert.equal(ended.code, 0, ended.stderr);
  }
});
after(() => work.remove());

/** What a command prints as JSON. */
async function json(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await work.run([...args, "--json"]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

test("labels and preprocessing come back with it", async () => {
  const [own, back] = [await loadModel(await work.read("model.safetensors")), await loadModel(await work.read("bars.safetensors"))];
  assert.deepEqual([back.labels, back.preprocessing], [own.labels, own.preprocessing]);
});

test("classify, evaluate, profile, quantize and compile take it", async () => {
  const [, first] = await work.names("bars");
  const image = `bars/${first}/${(await work.names(`bars/${first}`))[0]}`;
  const [[own], [back]] = [
    await json("classify", "model.safetensors", image),
    await json("classify", "bars.safetensors", image),
  ] as unknown as { label: string }[][];
  assert.equal(back.label, own.label);
  const [before, after] = [await json("evaluate", "model.safetensors", "bars"), await json("evaluate", "bars.safetensors", "bars")];
  assert.equal(after.accuracy, before.accuracy);
  const [cost, costBack] = [await json("profile", "model.safetensors"), await json("profile", "bars.safetensors")];
  assert.equal(costBack.macs, cost.macs);
  await json("quantize", "bars.safetensors", "bars", "--ranges", "minmax");
  const { files } = await json("export", "bars.int8.safetensors", "--to", "onnx");
  assert.deepEqual(
    (files as { name: string }[]).map(({ name }) => name),
    ["bars.int8.onnx"],
  );
  await json("compile", "bars.safetensors", "--out", "compiled");
});

test("a file that says nothing of itself is taken with what the command line says, and the rest is told", async () => {
  const nodes = [
    { type: "Conv", inputs: ["x", "w"], outputs: ["c"] },
    { type: "GlobalAveragePool", inputs: ["c"], outputs: ["p"] },
    { type: "Flatten", inputs: ["p"] },
  ];
  await work.write({
    "net.onnx": fileOf({ nodes, inputs: { x: [1, 3, 16, 16] }, constants: { w: numbers("w", 2, 3, 3, 3) } }),
    "names.txt": "left\nright\n",
  });
  const told = await work.run(["import", "net.onnx"]);
  assert.match(told.stderr, /names no labels; they are called 0 to 1/);
  await json("import", "net.onnx", "--labels", "names.txt", "--mean", "0.5,0.5,0.5", "--std", "0.25,0.25,0.25", "--fit", "squash");
  const { labels, preprocessing } = await loadModel(await work.read("net.safetensors"));
  assert.deepEqual([labels, preprocessing.mean[0], preprocessing.std[0], preprocessing.fit], [["left", "right"], 0.5, 0.25, "squash"]);
});

test("what is unknown is named, with exit code 3 and no file", async () => {
  await work.write({ "odd.onnx": fileOf({ nodes: [{ type: "Einsum", inputs: ["x"] }] }), "no.onnx": "nothing", "text.txt": "nothing" });
  const odd = await work.run(["import", "odd.onnx"]);
  assert.deepEqual([odd.code, odd.stdout], [3, ""]);
  assert.match(odd.stderr, /odd\.onnx: this network needs what Goldcrest does not read:\n {2}operator Einsum {2}at "Einsum\.0"/);
  assert.equal((await work.run(["import", "no.onnx"])).code, 3);
  assert.match((await work.run(["import", "text.txt"])).stderr, /text\.txt: no file of weights \(by its contents\)/);
  assert.match((await work.run(["export", "model.safetensors", "--to", "onnx", "--precision", "int8"])).stderr, /quantise it first/);
  assert.ok((await work.names()).every((name) => !/^(odd|no|text)\.safetensors/.test(name)));
});
