/** Compiled models in pages and workers under a strict policy: their own files and nothing of Goldcrest. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import { compileToFiles } from "../../src/deploy/compileModel.node.ts";
import type { WeightFormat } from "../../src/deploy/stored.ts";
import { openClassifier } from "../../src/model/classifier.ts";
import { modelGraph } from "../../src/model/modelGraph.ts";
import { optimise } from "../../src/passes/index.ts";
import { launch, patterned, skip, strictPolicy, untrained, visit } from "./browser.ts";
import type { Extra } from "./server.ts";

const SIZE = 64;
const model = untrained("mobilenet-v3-small", SIZE);

let browser: Browser;
before(async () => {
  if (!skip) browser = await launch();
});
after(() => browser?.close());

async function served(format: WeightFormat, isSeparate: boolean): Promise<Extra> {
  const { graph, weights } = optimise(modelGraph(model), model.weights);
  const { files } = await compileToFiles("bird", graph, weights, model, { weights: format, isSeparate });
  const typeOf = (name: string): string => (name.endsWith(".js") ? "text/javascript" : "application/octet-stream");
  return {
    ...Object.fromEntries(Object.entries(files).map(([name, body]) => [`/${name}`, { type: typeOf(name), body }])),
    "/pixels": { type: "application/octet-stream", body: patterned(SIZE) },
    "/worker.js": {
      type: "text/javascript",
      body: `import { load } from "./bird.js";
        onmessage = async ({ data: { source, image } }) => postMessage([...(await load(source)).logits(image)]);`,
    },
  };
}

/** Logits in the page from the file's address, and in a worker from a module that is compiled already; choices from ImageData. */
const script = `
  import { load } from "/bird.js";
  const data = new Uint8ClampedArray(await (await fetch("/pixels")).arrayBuffer());
  const image = { width: ${SIZE}, height: ${SIZE}, data };
  const classify = await load();
  const canvas = new ImageData(${SIZE}, ${SIZE});
  for (let i = 0; i < data.length / 3; i++) canvas.data.set([...data.subarray(i * 3, i * 3 + 3), 255], i * 4);
  const worker = new Worker("/worker.js", { type: "module" });
  const source = await WebAssembly.compile(await (await fetch("/bird.wasm")).arrayBuffer());
  const inWorker = await new Promise((resolve) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.postMessage({ source, image });
  });
  globalThis.answer = { logits: [...classify.logits(image)], inWorker, ofCanvas: [...classify.logits(canvas)], top: classify(image)[0].label };`;

interface Answer {
  readonly logits: readonly number[];
  readonly inWorker: readonly number[];
  readonly ofCanvas: readonly number[];
  readonly top: string;
}

for (const [format, isSeparate] of [
  ["f32", false],
  ["int8", true],
] as const) {
  test(`a compiled model (${format}${isSeparate ? ", weights apart" : ""}) runs in a page and in a worker under the strict policy`, {
    skip,
  }, async () => {
    const { answer, said } = await visit<Answer>(browser, script, await served(format, isSeparate), strictPolicy);
    assert.deepEqual(said, []);
    assert.deepEqual([answer.inWorker, answer.ofCanvas], [answer.logits, answer.logits]);
    assert.equal(answer.top, model.labels[answer.logits.indexOf(Math.max(...answer.logits))]);
    using classifier = await openClassifier(model);
    const wanted = [...classifier.logits(patterned(SIZE))];
    const most = Math.max(...wanted.map(Math.abs));
    const tolerance = { f32: 1e-4, int8: 0.1 }[format];
    for (const [i, logit] of wanted.entries()) assert.ok(Math.abs(logit - answer.logits[i]) <= tolerance * most, `logit ${i}`);
  });
}
