import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { chromium } from "playwright-core";
import { preprocessingFor } from "../../src/data/preprocessing.ts";
import { openClassifier } from "../../src/model/classifier.ts";
import { type Model, saveModel } from "../../src/model/model.ts";
import { modelGraph } from "../../src/model/modelGraph.ts";
import { initialise } from "../../src/train/initialise.ts";
import { serveSources } from "./server.ts";

const browserPath = "/usr/bin/chromium";
const skip = existsSync(browserPath) ? false : `${browserPath} is not installed (Debian's package chromium)`;

const page = `<!doctype html><title>Goldcrest</title><script type="module">
  import { hasRelaxedSimd, loadModel, openClassifier } from "/src/index.ts";
  const bytes = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());
  try {
    const classifier = await openClassifier(await loadModel(await bytes("/model.safetensors")));
    globalThis.answer = { logits: [...classifier.logits(await bytes("/pixels"))], isRelaxed: hasRelaxedSimd() };
  } catch (error) {
    globalThis.answer = { error: String(error) };
  }
</script>`;

function untrained(network: string, size: number): Model {
  const labels = Array.from({ length: 10 }, (_, i) => `label ${i}`);
  const card = {
    network,
    options: { width: 0.5, isSmallImage: true },
    labels,
    preprocessing: preprocessingFor({ size, channels: 3, fit: "crop" }),
  };
  return { ...card, weights: initialise(modelGraph(card), 7), provenance: {}, metrics: {} };
}

for (const network of ["mobilenet-v3-small", "shufflenet-v2"]) {
  test(`${network}: a page loads a model file and gives the logits of Node`, { skip }, async () => {
    const model = untrained(network, 64);
    const pixels = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 37) & 255);
    using classifier = await openClassifier(model);
    const expected = [...classifier.logits(pixels)];
    const server = await serveSources({
      "/": { type: "text/html", body: page },
      "/model.safetensors": { type: "application/octet-stream", body: await saveModel(model) },
      "/pixels": { type: "application/octet-stream", body: pixels },
    });
    const args = [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
    ];
    const browser = await chromium.launch({ executablePath: browserPath, headless: true, args });
    try {
      const tab = await browser.newPage();
      await tab.goto(server.url);
      await tab.waitForFunction("globalThis.answer", undefined, { timeout: 60_000 });
      const answer = (await tab.evaluate("globalThis.answer")) as { logits?: number[]; error?: string };
      assert.equal(answer.error, undefined);
      const most = Math.max(...expected.map(Math.abs));
      assert.equal(answer.logits?.length, expected.length);
      for (const [i, logit] of expected.entries())
        assert.ok(Math.abs(logit - (answer.logits?.[i] ?? Number.NaN)) <= 1e-4 * most, `logit ${i}`);
    } finally {
      await browser.close();
      server.close();
    }
  });
}
