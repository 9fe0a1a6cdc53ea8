/** The engine in pages, with and without cross-origin isolation, under a policy that allows scripts of the same server and WebAssembly only. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import { openClassifier } from "../../src/model/classifier.ts";
import { saveModel } from "../../src/model/model.ts";
import { isolation, launch, patterned, skip, strictPolicy, untrained, visit } from "./browser.ts";
import type { Extra } from "./server.ts";

const SIZE = 64;

let browser: Browser;
before(async () => {
  if (!skip) browser = await launch();
});
after(() => browser?.close());

/** A page that has the model's file as `file` and an image as `pixels`. */
async function inPage<T>(network: string, script: string, headers: Readonly<Record<string, string>>) {
  const extra: Extra = {
    "/model.safetensors": { type: "application/octet-stream", body: await saveModel(untrained(network, SIZE)) },
    "/pixels": { type: "application/octet-stream", body: patterned(SIZE) },
  };
  const prologue = `import { hasRelaxedSimd, loadModel, openClassifier, openClassifierInWorker } from "/src/index.ts";
    const bytes = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());
    const [file, pixels] = [await bytes("/model.safetensors"), await bytes("/pixels")];`;
  return visit<T>(browser, `${prologue}\n${script}`, extra, { ...strictPolicy, ...headers });
}

async function logitsOfNode(network: string): Promise<number[]> {
  using classifier = await openClassifier(untrained(network, SIZE));
  return [...classifier.logits(patterned(SIZE))];
}

function assertClose(found: readonly number[], wanted: readonly number[]): void {
  const most = Math.max(...wanted.map(Math.abs));
  assert.equal(found.length, wanted.length);
  for (const [i, logit] of wanted.entries())
    assert.ok(Math.abs(logit - found[i]) <= 1e-4 * most, `logit ${i}: ${found[i]}, in Node ${logit}`);
}

/** Logits of the model in a worker with one thread and with two, and on the page's own thread with two asked for. */
const everyWay = `
  const logits = [], threads = [];
  for (const asked of [1, 2]) {
    const classifier = await openClassifierInWorker(file, { threads: asked });
    threads.push(classifier.threads);
    logits.push([...(await classifier.logits(pixels))]);
    classifier.dispose();
  }
  const here = await openClassifier(await loadModel(file), { threads: 2 });
  threads.push(here.threads);
  logits.push([...here.logits(pixels)]);
  here.dispose();
  globalThis.answer = { logits, threads, isIsolated: crossOriginIsolated };`;

interface Answer {
  readonly logits: readonly number[][];
  readonly threads: readonly number[];
  readonly isIsolated: boolean;
}

for (const network of ["mobilenet-v2", "mobilenet-v3-small", "shufflenet-v2", "squeezenet-1.1", "efficientnet-b0", "ghostnet"]) {
  test(`${network}: an isolated page uses two threads in a worker, with the bits of one, and the logits of Node`, { skip }, async () => {
    const { answer, said } = await inPage<Answer>(network, everyWay, isolation);
    assert.deepEqual([answer.isIsolated, answer.threads], [true, [1, 2, 1]]);
    assert.deepEqual(answer.logits[1], answer.logits[0]);
    assert.deepEqual(answer.logits[2], answer.logits[0]);
    assertClose(answer.logits[0], await logitsOfNode(network));
    assert.equal(said.length, 1, said.join("\n"));
    assert.match(said[0], /one thread instead of 2: a page's own thread must not wait for others; openClassifierInWorker/);
  });
}

test("a page that is not isolated has one thread, says so once, and gives the logits of Node", { skip }, async () => {
  const { answer, said } = await inPage<Answer>("mobilenet-v2", everyWay, {});
  assert.deepEqual([answer.isIsolated, answer.threads], [false, [1, 1, 1]]);
  assert.deepEqual([answer.logits[1], answer.logits[2]], [answer.logits[0], answer.logits[0]]);
  assertClose(answer.logits[0], await logitsOfNode("mobilenet-v2"));
  assert.equal(said.length, 1, said.join("\n"));
  assert.match(said[0], /one thread instead of 2: this page is not cross-origin isolated; .*Cross-Origin-Opener-Policy: same-origin/);
});

test("a page stays responsive while a worker classifies, and many callers at once get their own answers", { skip }, async () => {
  const script = `
    const classifier = await openClassifierInWorker(file, { threads: 2 });
    let frames = 0;
    const clock = setInterval(() => frames++, 1);
    const images = Array.from({ length: 30 }, (_, k) => pixels.map((byte) => (byte + k) & 255));
    const all = await Promise.all(images.map((image) => classifier.logits(image)));
    clearInterval(clock);
    const again = await classifier.logits(images[29]);
    globalThis.answer = { frames, isSame: all[29].every((x, i) => x === again[i]), differ: all[0].some((x, i) => x !== all[29][i]) };`;
  const { answer } = await inPage<{ frames: number; isSame: boolean; differ: boolean }>("mobilenet-v2", script, isolation);
  assert.ok(answer.frames > 0 && answer.isSame && answer.differ, JSON.stringify(answer));
});

test("a broken file is a typed error in the page too", { skip }, async () => {
  const script = `
    const error = await openClassifierInWorker(file.map((byte, i) => (i === 5000 ? byte ^ 1 : byte))).catch((error) => error);
    globalThis.answer = { name: error.name, code: error.code };`;
  const { answer } = await inPage<{ name: string; code: string }>("shufflenet-v2", script, isolation);
  assert.deepEqual(answer, { name: "FormatError", code: "format" });
});
