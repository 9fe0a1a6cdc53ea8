/**
 * Loads and runs a compiled model (wasmFile.ts). The text of this file and of those that it imports becomes the loader that is written beside each model
 * (loaderText.node.ts), so it imports little. It makes no code from text and no workers.
 */
import { type Choice, topChoices } from "../core/choices.ts";
import { DataError, EngineError, FormatError } from "../core/errors.ts";
import type { Image } from "../data/image.ts";
import { normaliseTable, writeNormalised } from "../data/normalise.ts";
import { layOverWhite } from "../data/overWhite.ts";
import { prepare } from "../data/resize.ts";
import type { Card, Placed } from "./card.ts";

/** Bytes, or where they are. */
export type Source = BufferSource | Response | URL | string;

/** How a compiled model is loaded. */
export interface LoadOptions {
  /** The file of weights, where the model was compiled with one. */
  readonly weights?: Source;
  /** False forbids fused multiply–add even where the engine has it: then every engine computes the same bits. */
  readonly isRelaxedAllowed?: boolean;
}

/** Pixels as ImageData holds them, or RGB or grey: 4, 3 or 1 bytes each, rows from the top. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** A loaded model. */
export interface CompiledModel {
  /** The most probable labels of an image, best first. */
  (image: Pixels, top?: number): readonly Choice[];
  /** The same for many images, as many a run as the model was compiled for. */
  all(images: readonly Pixels[], top?: number): readonly (readonly Choice[])[];
  /** Raw outputs, in the order of the labels. */
  logits(image: Pixels): Float32Array;
  readonly labels: readonly string[];
  readonly size: number;
  readonly isRelaxed: boolean;
}

/** Share of the largest logit: layers that stayed float may round otherwise and move an integer behind them. */
const NEAR = 0.05;

type Run = (first: number, last: number, part: number, parts: number, control: number) => void;

interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly run: Run;
  readonly fetch: (to: number, from: number, bytes: number) => void;
}

/** A file of this machine: `fetch` does not read those in Node. */
function readLocal(url: URL): Uint8Array<ArrayBuffer> | undefined {
  const host = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process;
  const files = host?.getBuiltinModule?.("node:fs") as { readFileSync(url: URL): Uint8Array<ArrayBuffer> } | undefined;
  return url.protocol === "file:" ? files?.readFileSync(url) : undefined;
}

async function bytesOf(source: Source, what: string): Promise<Uint8Array<ArrayBuffer>> {
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer as ArrayBuffer, source.byteOffset, source.byteLength);
  const local = source instanceof URL ? readLocal(source) : undefined;
  if (local) return local;
  const response = source instanceof Response ? source : await fetch(source);
  if (!response.ok) throw new FormatError(`${what}: ${response.status} ${response.statusText} from ${response.url}`);
  return new Uint8Array(await response.arrayBuffer());
}

async function moduleOf(source: Source | WebAssembly.Module): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source;
  const bytes = await bytesOf(source, "compiled model");
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    throw new FormatError(`compiled model: ${(cause as Error).message}`, { cause });
  }
}

function cardOf(module: WebAssembly.Module): Card {
  const [text] = WebAssembly.Module.customSections(module, "goldcrest");
  if (!text) throw new FormatError("compiled model: a WebAssembly module, but not one that goldcrest compile has written");
  const card = JSON.parse(new TextDecoder().decode(text)) as Card;
  if (card.version !== 1) throw new FormatError(`compiled model: of version ${card.version}; this loader reads version 1`);
  return card;
}

async function instantiate(module: WebAssembly.Module): Promise<Exports> {
  try {
    return (await WebAssembly.instantiate(module)).exports as unknown as Exports;
  } catch (cause) {
    throw new EngineError(`compiled model: this platform refuses it: ${(cause as Error).message}`, { cause });
  }
}

/** The relaxed kernels, over the same memory. Workers that compile no bytes keep the plain ones, as engines do that know none. */
async function relaxedRun(module: WebAssembly.Module, memory: WebAssembly.Memory): Promise<Run | undefined> {
  const [bytes] = WebAssembly.Module.customSections(module, "goldcrest.relaxed");
  try {
    if (!bytes || !WebAssembly.validate(bytes)) return undefined;
    const { instance } = await WebAssembly.instantiate(bytes, { env: { memory } });
    return instance.exports.run as Run;
  } catch {
    return undefined;
  }
}

/** The stored values of a file of their own, behind its key. */
async function separateWeights({ weightKey = "", weightBytes }: Card, source: Source | undefined): Promise<Uint8Array> {
  if (!source) throw new FormatError("compiled model: its weights lie in a file of their own; give it as the option weights");
  const bytes = await bytesOf(source, "weights");
  const head = weightKey.length / 2;
  const key = Array.from(bytes.subarray(0, head), (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (key !== weightKey) throw new FormatError("weights: they belong to another compiled model");
  if (bytes.length !== head + weightBytes) throw new FormatError(`weights: ${bytes.length} bytes, needs ${head + weightBytes}`);
  return bytes.subarray(head);
}

/** An open file: its views, and a run on what "image" holds. */
export interface CompiledRunner {
  readonly card: Card;
  readonly isRelaxed: boolean;
  view(name: "image" | "logits"): { readonly shape: readonly number[]; readonly strides: readonly number[]; readonly data: Float32Array };
  runInPlace(): void;
  /** Writes prepared pixels (size × size × channels bytes) as image n of the next run; a run leaves nothing of them. */
  write(n: number, pixels: Uint8Array): void;
}

/** Opens a compiled file: memory, weights expanded and packed. */
export async function openRunner(
  source: Source | WebAssembly.Module,
  { weights, isRelaxedAllowed = true }: LoadOptions = {},
): Promise<CompiledRunner> {
  const module = await moduleOf(source);
  const card = cardOf(module);
  const separate = card.weightKey === undefined ? undefined : await separateWeights(card, weights);
  const { memory, run: plain, fetch } = await instantiate(module);
  let relaxed = isRelaxedAllowed ? await relaxedRun(module, memory) : undefined;
  const bytes = new Uint8Array(memory.buffer);
  const load = (run: Run): void => {
    for (const [to, from, length, first, last] of card.weights) {
      if (separate) bytes.set(separate.subarray(from, from + length), to);
      else fetch(to, from, length);
      run(first, last, 0, 1, 0);
    }
    bytes.fill(0, ...card.transient);
  };
  const viewOf = ({ at, floats, shape, strides }: Placed) => ({ shape, strides, data: new Float32Array(memory.buffer, at, floats) });
  const views = { image: viewOf(card.image), logits: viewOf(card.logits) };
  const { size, channels } = card.preprocessing;
  const table = normaliseTable(card.preprocessing);
  // A run leaves other numbers where the image was; those in the lanes that pad its channels go.
  const write = (n: number, pixels: Uint8Array): void => {
    const [perImage] = views.image.strides;
    views.image.data.fill(0, n * perImage, (n + 1) * perImage);
    writeNormalised(views.image, n, pixels, size, channels, table);
  };
  // Engines have shipped with relaxed instructions that give wrong sums of bytes; what the kernels count on gives the plain ones' logits.
  if (relaxed && card.hasIntegers) {
    const pattern = Uint8Array.from({ length: size * size * channels }, (_, i) => (i * 97) & 255);
    const [one, other] = [plain, relaxed].map((run) => {
      load(run);
      write(0, pattern);
      run(...card.steps, 0, 1, 0);
      return views.logits.data.slice();
    });
    const most = Math.max(...one.map(Math.abs));
    if (one.some((logit, i) => Math.abs(logit - other[i]) > NEAR * most)) relaxed = undefined;
  }
  const run = relaxed ?? plain;
  // Packing computes too: a session's bits need the same kernels for both.
  load(run);
  const runInPlace = (): void => run(...card.steps, 0, 1, 0);
  return { card, isRelaxed: relaxed !== undefined, view: (name) => views[name], write, runInPlace };
}

/** Pixels of any kind as an opaque image. */
function opaque({ width, height, data }: Pixels): Image {
  const channels = data.length / (width * height);
  if (!(width > 0 && height > 0) || (channels !== 1 && channels !== 3 && channels !== 4))
    throw new DataError(`an image of ${width} × ${height} with ${data.length} bytes; needed are 1, 3 or 4 for each pixel`);
  if (channels === 4) return layOverWhite({ width, height, data }, new Uint8Array(width * height * 3));
  return { width, height, channels, data: new Uint8Array(data.buffer, data.byteOffset, data.length) };
}

/** Loads a compiled model. */
export async function loadCompiled(source: Source | WebAssembly.Module, options: LoadOptions = {}): Promise<CompiledModel> {
  const { card, isRelaxed, view, write, runInPlace } = await openRunner(source, options);
  const { labels, preprocessing } = card;
  const output = view("logits");
  const [batch] = output.shape;
  function run(images: readonly Pixels[]): Float32Array[] {
    for (const [n, pixels] of images.map((each) => prepare(opaque(each), preprocessing)).entries()) write(n, pixels);
    runInPlace();
    const [perImage, perLabel] = output.strides;
    return images.map((_, n) => Float32Array.from(labels, (_, i) => output.data[n * perImage + i * perLabel]));
  }
  const choose = (logits: Float32Array, top: number): readonly Choice[] => topChoices(logits, labels, top);
  const classify = (pixels: Pixels, top = 5): readonly Choice[] => choose(run([pixels])[0], top);
  const all = (images: readonly Pixels[], top = 5): (readonly Choice[])[] =>
    Array.from({ length: Math.ceil(images.length / batch) }, (_, i) => run(images.slice(i * batch, (i + 1) * batch)))
      .flat()
      .map((logits) => choose(logits, top));
  return Object.assign(classify, { all, logits: (pixels: Pixels) => run([pixels])[0], labels, size: preprocessing.size, isRelaxed });
}
