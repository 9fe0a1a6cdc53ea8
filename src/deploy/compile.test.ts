import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { wasmBackend } from "../backends/wasm/index.ts";
import { EngineError, FormatError } from "../core/errors.ts";
import { random } from "../core/random.ts";
import type { Tensor } from "../core/tensor.ts";
import { normaliseTable, writeNormalised } from "../data/normalise.ts";
import { preprocessingFor } from "../data/preprocessing.ts";
import { prepare } from "../data/resize.ts";
import type { Graph } from "../ir/graph.ts";
import { graphScope } from "../ir/scope.ts";
import { ops } from "../ops/index.ts";
import { compileToFiles } from "./compileModel.node.ts";
import { loadCompiled, type Pixels } from "./loader.ts";
import { halvesOf } from "./stored.ts";
import { compileFile } from "./wasmFile.ts";

const preprocessing = preprocessingFor({ size: 20, channels: 3, fit: "crop" });
const labels = ["wren", 'ouzel "the" second', "kinglet"];
const card = { labels, preprocessing };

/** A strided convolution, a depthwise one, a pointwise one with a residual, pooling, a linear layer: packed and unpacked weights, biases, padding. */
function network(batch = 1): Graph {
  const g = graphScope();
  const image = g.input("image", [batch, 3, 20, 20]);
  const filter = (name: string, ...shape: number[]) => g.parameter(name, shape, { kind: "constant", value: 0 });
  const plain = { stride: [1, 1], padding: [0, 0, 0, 0], groups: 1, similarity: "product" } as const;
  const padded = { ...plain, padding: [1, 1, 1, 1] } as const;
  const x = ops.relu6(g, [ops.conv2d(g, [image, filter("stem", 10, 3, 3, 3), filter("stemBias", 10)], { ...padded, stride: [2, 2] })], {});
  const y = ops.conv2d(g, [x, filter("depthwise", 10, 1, 3, 3)], { ...padded, groups: 10 });
  const z = ops.add(g, [x, ops.conv2d(g, [ops.hardSwish(g, [y], {}), filter("pointwise", 10, 10, 1, 1)], plain)], {});
  const pooled = ops.reshape(g, [ops.globalAveragePool(g, [z], {})], { shape: [batch, 10] });
  g.output("logits", ops.linear(g, [pooled, filter("head", 3, 10), filter("headBias", 3)], {}));
  return g.finish();
}

const weights = new Map(
  network().leaves.flatMap(({ kind, name = "", shape }): [string, Tensor][] => {
    if (kind !== "parameter") return [];
    const { normal } = random(1, name);
    const length = shape.reduce((a, b) => a * b, 1);
    return [[name, { shape, data: Float32Array.from({ length }, (_, i) => normal(i) / 2) }]];
  }),
);

const image = (seed: number, width = 31, height = 24, channels = 3): Pixels => {
  const { word } = random(seed, "image");
  return { width, height, data: Uint8Array.from({ length: width * height * channels }, (_, i) => word(i) & 255) };
};

async function sessionLogits(pixels: Pixels, isRelaxedAllowed: boolean): Promise<number[]> {
  using session = await wasmBackend.open(network(), weights, { isRelaxedAllowed });
  const bytes = prepare({ ...pixels, channels: 3, data: Uint8Array.from(pixels.data) }, preprocessing);
  writeNormalised(session.view("image"), 0, bytes, 20, 3, normaliseTable(preprocessing));
  session.runInPlace();
  return [...session.view("logits").data.subarray(0, 3)];
}

for (const isRelaxedAllowed of [true, false]) {
  test(`a compiled file gives the session's bits, ${isRelaxedAllowed ? "relaxed where there is" : "plain"}, run after run`, async () => {
    const { wasm } = await compileFile(network(), weights, card);
    const classify = await loadCompiled(wasm, { isRelaxedAllowed });
    if (!isRelaxedAllowed) assert.equal(classify.isRelaxed, false);
    for (const seed of [1, 2, 1]) {
      const wanted = await sessionLogits(image(seed), isRelaxedAllowed);
      assert.deepEqual([...classify.logits(image(seed))], wanted);
    }
  });
}

test("a module that is compiled already loads, and so does an address or a view of bytes", async () => {
  const { wasm } = await compileFile(network(), weights, card);
  const wanted = [...(await loadCompiled(wasm)).logits(image(1))];
  const padded = new Uint8Array(wasm.length + 8);
  padded.set(wasm, 4);
  const sources = [await WebAssembly.compile(wasm), wasm.buffer, padded.subarray(4, 4 + wasm.length), new Response(wasm)];
  for (const source of sources) assert.deepEqual([...(await loadCompiled(source)).logits(image(1))], wanted);
});

test("where no bytes may be compiled, a module loads and runs its plain kernels", async (t) => {
  const { wasm } = await compileFile(network(), weights, card);
  const module = await WebAssembly.compile(wasm);
  const plain = (await loadCompiled(wasm, { isRelaxedAllowed: false })).logits(image(1));
  const { instantiate } = WebAssembly;
  const refuse = (): never => {
    throw new WebAssembly.CompileError("Wasm code generation disallowed by embedder");
  };
  t.mock.method(WebAssembly, "compile", refuse);
  t.mock.method(WebAssembly, "instantiate", (source: WebAssembly.Module, imports: WebAssembly.Imports) =>
    source instanceof WebAssembly.Module ? instantiate(source, imports) : refuse(),
  );
  const classify = await loadCompiled(module);
  assert.equal(classify.isRelaxed, false);
  assert.deepEqual(classify.logits(image(1)), plain);
});

test("kernels with fused multiply–add can be left out", async () => {
  const [whole, small] = [await compileFile(network(), weights, card), await compileFile(network(), weights, card, { isRelaxed: false })];
  assert.ok(small.wasm.length < whole.wasm.length && small.sizes.relaxed === 0);
  const classify = await loadCompiled(small.wasm);
  assert.equal(classify.isRelaxed, false);
  assert.deepEqual([...classify.logits(image(1))], await sessionLogits(image(1), false));
});

test("memory that the platform refuses is an EngineError", async (t) => {
  const { wasm } = await compileFile(network(), weights, card);
  t.mock.method(WebAssembly, "instantiate", async () => {
    throw new RangeError("could not allocate memory");
  });
  await assert.rejects(loadCompiled(wasm), (error) => error instanceof EngineError && /could not allocate memory/.test(error.message));
});

test("images of a batch are classified as one by one, the last run partly empty", async () => {
  const one = await loadCompiled((await compileFile(network(), weights, card)).wasm);
  const three = await loadCompiled((await compileFile(network(3), weights, card)).wasm);
  const images = [1, 2, 3, 4, 5].map((seed) => image(seed));
  // Not the same bits: a matrix times a vector adds up in another order than a matrix product.
  const rounded = (choices: ReturnType<typeof one>) => choices.map(({ label, probability }) => [label, probability.toFixed(5)]);
  assert.deepEqual(
    three.all(images, 2).map(rounded),
    images.map((each) => rounded(one(each, 2))),
  );
});

test("grey pixels, pixels with alpha and those of ImageData are understood, others refused", async () => {
  const classify = await loadCompiled((await compileFile(network(), weights, card)).wasm);
  const grey = image(3, 9, 9, 1);
  const rgb = { ...grey, data: Uint8Array.from({ length: 243 }, (_, i) => grey.data[Math.floor(i / 3)]) };
  const rgba = { ...grey, data: Uint8ClampedArray.from({ length: 324 }, (_, i) => (i % 4 === 3 ? 255 : grey.data[i >> 2])) };
  const wanted = classify(grey);
  assert.deepEqual([classify(rgb), classify(rgba)], [wanted, wanted]);
  const clear = { width: 2, height: 2, data: new Uint8Array(16) };
  assert.deepEqual(classify(clear), classify({ width: 2, height: 2, data: new Uint8Array(4).fill(255) }));
  for (const wrong of [
    { width: 2, height: 2, data: new Uint8Array(8) },
    { width: 0, height: 2, data: new Uint8Array(0) },
  ])
    assert.throws(() => classify(wrong), /needed are 1, 3 or 4 for each pixel/);
});

test("weights in a file of their own give the same bits; another model's, and none, are refused", async () => {
  const whole = await loadCompiled((await compileFile(network(), weights, card)).wasm);
  const { wasm, weights: file } = await compileFile(network(), weights, card, { isSeparate: true });
  assert.ok(file && wasm.length < 60_000);
  assert.deepEqual((await loadCompiled(wasm, { weights: file })).logits(image(1)), whole.logits(image(1)));
  await assert.rejects(loadCompiled(wasm), FormatError);
  await assert.rejects(loadCompiled(wasm, { weights: file.subarray(0, file.length - 16) }), /bytes, needs/);
  await assert.rejects(loadCompiled(wasm, { weights: file.map((byte, i) => (i === 0 ? byte ^ 1 : byte)) }), /another compiled model/);
});

test("files that are none are refused by name", async () => {
  const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  await assert.rejects(
    loadCompiled(empty),
    (error) => error instanceof FormatError && /not one that goldcrest compile/.test(error.message),
  );
  await assert.rejects(loadCompiled(new Uint8Array(9)), FormatError);
  await assert.rejects(loadCompiled(new Response("", { status: 404 })), /404/);
});

test("graphs that cannot be compiled are refused by what they lack", async () => {
  const refuse = (graph: Graph, pattern: RegExp): Promise<void> =>
    assert.rejects(compileFile(graph, weights, card), (error) => error instanceof EngineError && pattern.test(error.message));
  const g = graphScope();
  g.output("logits", ops.relu(g, [g.input("x", [1, 3])], {}));
  await refuse(g.finish(), /an input "x"/);
  const h = graphScope();
  h.output("y", ops.relu(h, [h.input("image", [1, 3, 4, 4])], {}));
  await refuse(h.finish(), /output "logits"/);
  await assert.rejects(compileFile(network(), weights, { ...card, labels: ["one"] }), /1 labels for 3 logits/);
});

test("halves are the nearest, ties to even", () => {
  const half = (bits: number): number => {
    const [exponent, mantissa] = [(bits >> 10) & 31, bits & 1023];
    return (bits & 0x8000 ? -1 : 1) * (exponent === 0 ? mantissa * 2 ** -24 : (1024 + mantissa) * 2 ** (exponent - 25));
  };
  const near = fc.oneof(
    fc.float({ min: Math.fround(-65504), max: 65504, noNaN: true }),
    fc.float({ min: Math.fround(-1e-4), max: Math.fround(1e-4), noNaN: true }),
  );
  fc.assert(
    fc.property(near, (x) => {
      const [bits] = halvesOf(Float32Array.of(x));
      const error = Math.abs(half(bits) - x);
      for (const other of [bits - 1, bits + 1]) {
        if ((other & 0x7fff) > 0x7bff || (other & 0x8000) !== (bits & 0x8000)) continue;
        const theirs = Math.abs(half(other) - x);
        assert.ok(error < theirs || (error === theirs && bits % 2 === 0), `${x}`);
      }
    }),
  );
});

test("weights stored as halves and as bytes are expanded to what they stand for", async () => {
  const exact = await loadCompiled((await compileFile(network(), weights, card)).wasm);
  const limits = { f16: 2e-3, int8: 5e-2 } as const;
  for (const [format, limit] of Object.entries(limits)) {
    const { wasm, sizes } = await compileFile(network(), weights, card, { weights: format as keyof typeof limits });
    const found = (await loadCompiled(wasm)).logits(image(4));
    const wanted = exact.logits(image(4));
    const most = Math.max(...wanted.map(Math.abs));
    assert.ok(found.some((x, i) => x !== wanted[i]) && found.every((x, i) => Math.abs(x - wanted[i]) <= limit * most), format);
    assert.ok(sizes.weights < 2600);
  }
});

test("the written files run in an empty folder, without Goldcrest, and give the same bits", async () => {
  const folder = await mkdtemp(join(tmpdir(), "goldcrest-compiled-"));
  try {
    for (const isSeparate of [false, true]) {
      const name = isSeparate ? "birds apart" : "birds";
      const { files, sizes } = await compileToFiles(name, network(), weights, card, { isSeparate });
      for (const [file, contents] of Object.entries(files)) await writeFile(join(folder, file), contents);
      assert.ok(sizes.loader < 15_000, `the loader has ${sizes.loader} bytes`);
      await writeFile(join(folder, "pixels"), image(5).data);
      const main = `import { readFileSync } from "node:fs";
        import { load } from ${JSON.stringify(`./${name}.js`)};
        const classify = await load();
        const image = { width: 31, height: 24, data: new Uint8Array(readFileSync("pixels")) };
        console.log(JSON.stringify({ logits: [...classify.logits(image)], top: classify(image, 1), labels: classify.labels }));`;
      await writeFile(join(folder, "main.mjs"), main);
      const answer = JSON.parse(execFileSync(process.execPath, ["main.mjs"], { cwd: folder, encoding: "utf8" }));
      assert.deepEqual(answer.logits, await sessionLogits(image(5), true));
      assert.deepEqual(answer.labels, labels);
      assert.equal(answer.top[0].label, labels[answer.logits.indexOf(Math.max(...answer.logits))]);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("the loader makes no code from text and imports nothing", async () => {
  const { files } = await compileToFiles("birds", network(), weights, card);
  const code = files["birds.js"] as string;
  assert.doesNotMatch(code, /\beval\b|new Function|\bBlob\b|new Worker|^import\b|\bimport\(/m);
  assert.match(files["birds.d.ts"] as string, /export type Label = "wren" \| "ouzel \\"the\\" second" \| "kinglet";/);
});
