/** Integer models give the same logits everywhere: on each version of Node.js, in Chromium, on any number of threads, with and without relaxed SIMD. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { otherNodes, pathOfNode } from "../scripts/lib/nodes.ts";
import { root } from "../scripts/lib/run.ts";
import { openFashionMnist } from "../src/data/fashionMnist.node.ts";
import { openClassifier } from "../src/model/classifier.ts";
import { saveModel } from "../src/model/model.ts";
import { quantizeModel } from "../src/model/quantizeModel.ts";
import { isolation, launch, patterned, skip, strictPolicy, untrained, visit } from "./browser/browser.ts";

const SIZE = 28;
const networks = [
  "mobilenet-v1",
  "mobilenet-v2",
  "mobilenet-v3-small",
  "shufflenet-v1-g3",
  "shufflenet-v2",
  "squeezenet-1.1",
  "efficientnet-b0",
  "ghostnet",
  "resnet-20",
] as const;

/** Logits by network, as each way of running gives them. */
type Answer = Readonly<Record<string, readonly (readonly number[])[]>>;

const ways = [{}, { isRelaxedAllowed: false }, { threads: 2 }] as const;

/** The loop that every engine runs; `read` gives a file's bytes, `open` opens a model's file. */
const loopOver = (names: readonly string[]): string => `
  const answer = {};
  const pixels = await read("pixels");
  for (const network of ${JSON.stringify(names)}) {
    answer[network] = [];
    for (const options of ${JSON.stringify(ways)}) {
      const classifier = await open(await read(network), options);
      answer[network].push([...(await classifier.logits(pixels))]);
      classifier.dispose();
    }
  }`;

let folder: string;
const wanted: Record<string, readonly number[]> = {};

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "goldcrest-engines-"));
  const data = await openFashionMnist({ part: "embedded" });
  const pixels = patterned(SIZE, 1);
  writeFileSync(join(folder, "pixels"), pixels);
  for (const network of networks) {
    const { model, floats } = await quantizeModel(untrained(network, SIZE, 1), data, { images: 8, method: "minmax" });
    assert.deepEqual(floats, [], network);
    writeFileSync(join(folder, network), await saveModel(model));
    using classifier = await openClassifier(model);
    wanted[network] = [...classifier.logits(pixels)];
  }
});
after(() => rmSync(folder, { recursive: true, force: true }));

function assertSame(answer: Answer, names: readonly (typeof networks)[number][] = networks): void {
  for (const network of names) {
    assert.equal(answer[network].length, ways.length);
    for (const [i, logits] of answer[network].entries()) assert.deepEqual(logits, wanted[network], `${network} ${JSON.stringify(ways[i])}`);
  }
}

test("the logits tell images and networks apart", () => {
  assert.equal(new Set(networks.map((network) => wanted[network].join())).size, networks.length);
  for (const network of networks) assert.ok(new Set(wanted[network]).size > 2, network);
});

const versions: readonly (readonly [name: string, path: string])[] = [
  ["this Node.js", process.execPath],
  ...otherNodes.map((major) => [`Node.js ${major}`, pathOfNode(major)] as const),
];

for (const [name, path] of versions) {
  const missing = existsSync(path) ? false : `${name} is not installed; npm test installs it`;
  test(`${name} gives these integers from the built package`, { skip: missing }, () => {
    const dist = join(folder, "dist");
    if (!existsSync(dist)) {
      const { status, stderr } = spawnSync(process.execPath, [join(root, "scripts", "build.ts"), dist], { encoding: "utf8" });
      assert.equal(status, 0, stderr);
      writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    }
    const script = `import { readFile } from "node:fs/promises";
      import { loadModel, openClassifier } from "./dist/index.js";
      const read = (name) => readFile(new URL(name, import.meta.url));
      const open = async (file, options) => openClassifier(await loadModel(file), options);
      ${loopOver(networks)}
      console.log(JSON.stringify({ version: process.version, answer }));`;
    writeFileSync(join(folder, "run.js"), script);
    const { status, stdout, stderr } = spawnSync(path, [join(folder, "run.js")], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
    const { answer } = JSON.parse(stdout) as { answer: Answer };
    assertSame(answer);
  });
}

for (const [kind, headers] of Object.entries({ "an isolated page": isolation, "a page without isolation": {} })) {
  test(`Chromium gives these integers in ${kind}`, { skip }, async () => {
    const files = ["pixels", ...networks].map((name) => [
      `/${name}`,
      { type: "application/octet-stream", body: readFileSync(join(folder, name)) },
    ]);
    const browser = await launch();
    try {
      // A page for each: what a page may take is bounded.
      for (const network of networks) {
        const script = `import { openClassifierInWorker as open } from "/src/index.ts";
          const read = async (name) => new Uint8Array(await (await fetch("/" + name)).arrayBuffer());
          ${loopOver([network])}
          globalThis.answer = { answer };`;
        const { answer } = await visit<{ answer: Answer }>(browser, script, Object.fromEntries(files), { ...strictPolicy, ...headers });
        assertSame(answer.answer, [network]);
      }
    } finally {
      await browser.close();
    }
  });
}
