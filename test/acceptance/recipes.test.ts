/** Recipes and trainings in stages through the command line. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openWorkplace, type Workplace } from "../lib/commandLine.ts";
import { quick, stripeFiles } from "../lib/stripes.ts";

let work: Workplace;
before(async () => {
  work = await openWorkplace();
  await work.write(await stripeFiles("bars", 24));
});
after(() => work.remove());

test("recipes are listed with their numbers; one is shown with its source and what was changed", async () => {
  const listed = await work.run(["recipes"]);
  assert.equal(listed.code, 0);
  assert.match(listed.stdout, /^small +20 +64 +0\.1 +cosine /m);
  assert.match(listed.stdout, /^channelnet +80 +64 +0\.0125 +×0\.1 at 45, 60, 65, 70, 75 /m);
  assert.match(listed.stdout, /^efficientnet-v2-s-released .* 57 %, 71 %, 86 %, 100 %$/m);
  const one = await work.run(["recipes", "addernet", "--epochs", "10"]);
  assert.match(one.stdout, /^epochs +10 +printed: 400$[\s\S]*^learning rate +0\.025 +printed: 0\.1$[\s\S]*^source +huawei-noah\/AdderNet/m);
});

test("recipes --json holds every recipe, and what is published beside it", async () => {
  const entries = JSON.parse((await work.run(["recipes", "--json"])).stdout);
  assert.ok(entries.length > 20);
  for (const { name, recipe, published } of entries) {
    assert.ok(recipe.epochs > 0 && recipe.learningRate > 0, name);
    if (published) assert.ok(published.source.length > 10 && published.batch >= recipe.batch, name);
  }
  const one = JSON.parse((await work.run(["recipes", "ghostnet", "--batch", "32", "--json"])).stdout);
  assert.deepEqual([one.name, one.recipe.learningRate, one.published.learningRate], ["ghostnet", 0.0125, 0.4]);
});

test("a training in stages says so epoch by epoch, and how fast each was in JSON", async () => {
  const { code, stdout, stderr } = await work.run(["fit", "bars", ...quick(6), "--progressive", "--json"]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^stages: 8×8 \(2 epochs\), 12×12 \(1 epoch\), 12×12 \(2 epochs\), 16×16 \(1 epoch\)$/m);
  assert.match(stderr, /^epoch 2\/6 {2}stage 1\/4 8×8 {2}loss /m);
  assert.match(stderr, /^epoch 6\/6 {2}stage 4\/4 16×16 {2}loss /m);
  const { stages, epochs } = JSON.parse(stdout);
  assert.equal(epochs, 6);
  assert.deepEqual(
    stages.map(({ size, epochs: length }: { size: number; epochs: number }) => [size, length]),
    [
      [8, 2],
      [12, 1],
      [12, 2],
      [16, 1],
    ],
  );
  assert.ok(stages.every(({ imagesPerSecond }: { imagesPerSecond: number }) => imagesPerSecond > 0));
});

test("stopped in a later stage, a training goes on there; the stages of the first run have no speed", async () => {
  const args = ["fit", "bars", ...quick(6), "--progressive", "--out", "stopped.safetensors"];
  const stopped = await work.run(args, { onStderr: (text, child) => void (/^epoch 3\/6/m.test(text) && child.kill("SIGINT")) });
  assert.equal(stopped.code, 130, stopped.stderr);
  const { code, stdout, stderr } = await work.run([...args, "--resume", "--json"]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^going on after step \d+ \(epoch \d, stage [34] of 4\)$/m);
  assert.deepEqual(JSON.parse(stdout).stages.slice(0, 2), [
    { size: 8, epochs: 2, imagesPerSecond: null },
    { size: 12, epochs: 1, imagesPerSecond: null },
  ]);
  const whole = await work.run([...args.slice(0, -1), "whole.safetensors", "--quiet"]);
  assert.equal(whole.code, 0, whole.stderr);
  assert.ok((await work.read("stopped.safetensors")).equals(await work.read("whole.safetensors")), "the same bits as without the stop");
});

test("--recipe published takes the network's own", async () => {
  const args = ["fit", "bars", "--network", "mobilenet-v3-small", "--width", "0.25", "--size", "16", "--epochs", "1", "--batch", "16"];
  const { code, stderr } = await work.run([...args, "--recipe", "published", "--threads", "1", "--json"]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /1 epoch, batch 16, 1 thread\n/);
  assert.match(String(await work.read("model.safetensors")), /\\"kind\\":\\"rmsprop\\"/);
});

const refusals: readonly (readonly [args: readonly string[], message: RegExp])[] = [
  [
    ["--network", "vgg-16", "--size", "16", "--width", "0.1", "--progressive", "--epochs", "4"],
    /stages: "classifier\.\d\.weight" has shape .* for images of \d+×\d+, .* this network needs stages of one size/,
  ],
  [["--network", "ghostnet", "--size", "16", "--stochastic-depth", "0.2"], /stochasticDepth 0\.2 is not an option of this family/],
];

for (const [args, message] of refusals) {
  test(`fit ${args.join(" ")} is refused, and nothing is left behind`, async () => {
    const before = await work.names();
    const { code, stderr } = await work.run(["fit", "bars", ...args]);
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
    assert.deepEqual(await work.names(), before);
  });
}
