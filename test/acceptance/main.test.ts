/** What the commands print and leave behind when all goes well. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openWorkplace, type Workplace } from "../lib/commandLine.ts";
import { quick, stripeFiles } from "../lib/stripes.ts";

let work: Workplace;
before(async () => {
  work = await openWorkplace();
  await work.write({
    ...(await stripeFiles("bars", 24, ["liegend", "стоя ☰"])),
    ...(await stripeFiles("more", 4, ["liegend", "стоя ☰"])),
  });
});
after(() => work.remove());

const promised = ["accuracy", "network", "params", "macs", "epochs", "seconds", "imagesPerSecond", "model"];

test("fit --json prints one line of the promised keys on stdout, and writes the model and the picture of its confusions", async () => {
  const { code, stdout, stderr } = await work.run(["fit", "bars", ...quick(8), "--out", "bars.safetensors", "--json"]);
  assert.equal(code, 0, stderr);
  const result = JSON.parse(stdout);
  assert.deepEqual(Object.keys(result), promised);
  assert.deepEqual(
    [result.network, result.epochs, result.model, stdout.trimEnd().includes("\n")],
    ["vanilla-compact", 8, "bars.safetensors", false],
  );
  assert.ok(result.accuracy > 0.9, `stripes are told apart: ${result.accuracy}`);
  assert.ok(result.params > 1000 && result.macs > 1000 && result.seconds > 0 && result.imagesPerSecond > 0);
  assert.match(stderr, /bars: 48 images, 2 labels\n/);
  assert.match(stderr, /44 train, 4 choose the epoch; 8 epochs, batch 8, 1 thread\n/);
  assert.match(stderr, /epoch 8\/8 {2}loss \d\.\d{4} {2}train [\d.]+ % {2}validation [\d.]+ % \(loss [\d.]+\)\n$/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: neither colour nor a rewritten line without a terminal
  assert.doesNotMatch(stderr, /[\u001b\r]/);
  assert.deepEqual(await work.names(), ["bars", "bars.confusion.svg", "bars.safetensors", "more"]);
});

test("classify --json prints an array of file, label, probability and the top labels", async () => {
  const files = ["more/liegend/0.png", "more/стоя ☰/1.png"];
  const { code, stdout, stderr } = await work.run(["classify", "bars.safetensors", ...files, "--json", "--top", "2"]);
  assert.equal(code, 0, stderr);
  const results = JSON.parse(stdout);
  assert.deepEqual(
    results.map(({ file, label }: { file: string; label: string }) => [file, label]),
    [
      [files[0], "liegend"],
      [files[1], "стоя ☰"],
    ],
  );
  for (const { label, probability, top, ...rest } of results) {
    assert.deepEqual(rest, { file: rest.file });
    assert.deepEqual(top[0], { label, probability });
    assert.equal(top.length, 2);
    assert.ok(Math.abs(top[0].probability + top[1].probability - 1) < 1e-6);
  }
});

test("classify takes folders, shows the best labels, and --top 1 shows one", async () => {
  const { code, stdout } = await work.run(["classify", "bars.safetensors", "more", "--top", "1"]);
  assert.equal(code, 0);
  assert.equal(stdout.match(/^more\//gm)?.length, 8);
  assert.equal(stdout.trimEnd().split("\n").length, 16);
});

test("evaluate agrees with classify, in text and in JSON", async () => {
  const classified = JSON.parse((await work.run(["classify", "bars.safetensors", "more", "--json"])).stdout);
  const right = classified.filter(({ file, label }: { file: string; label: string }) => file.split("/")[1] === label).length;
  const { code, stdout, stderr } = await work.run(["evaluate", "bars.safetensors", "more", "--json"]);
  assert.equal(code, 0, stderr);
  const { accuracy, images, classes, confusion, macroF1 } = JSON.parse(stdout);
  assert.deepEqual([accuracy, images, classes.length, confusion.length], [right / 8, 8, 2, 2]);
  assert.ok(macroF1 > 0 && macroF1 <= 1);
  const text = (await work.run(["evaluate", "bars.safetensors", "more", "--picture", "more.svg"])).stdout;
  assert.match(text, new RegExp(`^accuracy ${(accuracy * 100).toFixed(2)} % on 8 images, macro-F1 `));
  assert.match(text, /precision +recall +F1\n/);
  assert.ok((await work.names()).includes("more.svg"));
});

test("evaluate finds the validation part that fit chose the epoch with", async () => {
  const { code, stdout, stderr } = await work.run(["evaluate", "bars.safetensors", "bars", "--part", "validation", "--json"]);
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).images, 4);
  const none = await work.run(["evaluate", "bars.safetensors", "bars", "--part", "test"]);
  assert.deepEqual([none.code, none.stderr.trimEnd().split("\n").at(-1)], [2, "error: bars has no test part; use --part all"]);
});

test("quantize writes a smaller model of integers that classify and evaluate take, and reports what it lost", async () => {
  const { code, stdout, stderr } = await work.run(["quantize", "bars.safetensors", "bars", "--images", "16", "--json"]);
  assert.equal(code, 0, stderr);
  const report = JSON.parse(stdout);
  assert.deepEqual([report.model, report.accuracy.images, report.calibrationImages], ["bars.int8.safetensors", 48, 16]);
  assert.ok(report.bytes.after < report.bytes.before && report.accuracy.after > report.accuracy.before - 0.1, stdout);
  assert.ok(report.layers.length > 3 && report.floats.length === 0);
  const evaluated = await work.run(["evaluate", "bars.int8.safetensors", "bars", "--json"]);
  assert.equal(JSON.parse(evaluated.stdout).accuracy, report.accuracy.after);
  const { stdout: classified } = await work.run(["classify", "bars.int8.safetensors", "more", "--json"]);
  assert.equal(JSON.parse(classified).length, 8);
  const { stdout: profiled } = await work.run(["profile", "bars.int8.safetensors", "--measure"]);
  assert.match(profiled, /MB, int8\n[\s\S]*no layer fell back to the reference\n[\s\S]*integerConv2d/);
});

test("quantize in text names ranges, size and the worst layers; a model of integers is refused", async () => {
  const { stdout } = await work.run(["quantize", "bars.safetensors", "bars", "--ranges", "minmax", "--out", "small.safetensors"]);
  assert.match(stdout, /^accuracy +[\d.]+ % before, [\d.]+ % after \(-?[\d.]+ points\) on 48 images\nranges +minmax/);
  assert.match(stdout, /\nfloat +no layer stays float\nmodel +small.safetensors\n\nlayer +op +error\n/);
  const { code, stderr } = await work.run(["quantize", "small.safetensors", "bars"]);
  assert.equal(code, 2);
  assert.match(stderr, /error: the model is quantised already; quantise the float model that it came from\n$/);
});

test("quantize --fine-tune trains the model for its integers and tells what that brought; its options need it", async () => {
  const args = ["quantize", "bars.safetensors", "bars", "--images", "16", "--fine-tune", "2", "--batch", "8", "--out", "tuned.safetensors"];
  const { code, stdout, stderr } = await work.run([...args, "--json"]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /epoch 1\/2 .*validation[\s\S]*epoch 2\/2/);
  const { accuracy, fineTuning, method } = JSON.parse(stdout);
  assert.deepEqual([accuracy.images, fineTuning.epochs, /fine-tuned$/.test(method)], [4, 2, fineTuning.isKept]);
  const evaluated = await work.run(["evaluate", "tuned.safetensors", "bars", "--part", "validation", "--json"]);
  assert.equal(JSON.parse(evaluated.stdout).accuracy, accuracy.after);
  const { stdout: text } = await work.run(args);
  assert.match(
    text,
    /^accuracy +[\d.]+ % before, [\d.]+ % calibrated, [\d.]+ % after .*\ntuning +2 epochs, [^:]+: (no )?better than calibration alone/,
  );
  const alone = await work.run(["quantize", "bars.safetensors", "bars", "--lr", "0.1"]);
  assert.deepEqual([alone.code, alone.stderr.trimEnd().split("\n").at(-1)], [2, "error: --lr is of training; it needs --fine-tune"]);
});

test("the same seed gives the same file, another seed another", async () => {
  const files = [];
  for (const [name, seed, threads] of [
    ["a", "7", "1"],
    ["b", "7", "2"],
    ["c", "8", "1"],
  ]) {
    const args = ["fit", "bars", ...quick().slice(0, -2), "--threads", threads, "--seed", seed, "--out", `${name}.safetensors`, "--quiet"];
    const { code, stderr } = await work.run([...args, "--json"]);
    assert.deepEqual([code, stderr], [0, ""]);
    files.push(await work.read(`${name}.safetensors`));
  }
  assert.ok(files[0].equals(files[1]), "one thread or two");
  assert.ok(!files[0].equals(files[2]), "another seed");
});

test("networks and profile print JSON for machines", async () => {
  const networks = JSON.parse((await work.run(["networks", "--json"])).stdout);
  const v2 = networks.find(({ name }: { name: string }) => name === "mobilenet-v2");
  assert.deepEqual([v2.params, v2.macs], [3_504_872, 300_774_272]);
  const { code, stdout } = await work.run([
    "profile",
    "mobilenet-v2",
    "--width",
    "0.5",
    "--size",
    "32",
    "--classes",
    "10",
    "--measure",
    "--json",
  ]);
  assert.equal(code, 0);
  const cost = JSON.parse(stdout);
  for (const key of ["params", "macs", "adds", "bytes", "peakBytes"]) assert.ok(cost[key] > 0, key);
  assert.ok(cost.measured.milliseconds > 0 && cost.measured.fallbacks === 0);
});

test("colour comes with FORCE_COLOR and goes with NO_COLOR", async () => {
  const args = ["evaluate", "bars.safetensors", "more", "--quiet"];
  const coloured = (await work.run(args, { env: { FORCE_COLOR: "1" } })).stdout;
  const plain = (await work.run(args, { env: { FORCE_COLOR: "1", NO_COLOR: "1" } })).stdout;
  assert.ok(coloured.includes("\u001b[48;2;") && !plain.includes("\u001b"));
});

test("a reader that closes the pipe early is no error", async () => {
  const { code, stderr } = await work.run(["networks"], { isStdoutClosed: true });
  assert.deepEqual([code, stderr], [0, ""]);
});
