/**
 * Writes a compiled model: one WebAssembly module with a memory of its own.
 *
 *   code                        the kernels that this model needs, plain SIMD, and `run` (backends/wasm/module.ts)
 *   data segment 0, passive     the stored values, one after the other; `fetch` copies from it while the file is loaded
 *   data segment 1, active      control words, step list and arguments, at address 0
 *   custom "goldcrest"          the card
 *   custom "goldcrest.relaxed"  the same kernels with fused multiply–add, as a module over the first one's memory: used where the engine has it
 */
import { unsigned } from "../backends/wasm/assembler.ts";
import { floatsOf, stridesOf } from "../backends/wasm/layout.ts";
import { writeModule } from "../backends/wasm/module.ts";
import { pagesFor } from "../backends/wasm/pages.ts";
import { programOf } from "../backends/wasm/program.ts";
import { EngineError } from "../core/errors.ts";
import { sha256 } from "../core/sha256.ts";
import { checkPreprocessing, type Preprocessing } from "../data/preprocessing.ts";
import type { Weights } from "../engine/session.ts";
import { dtypeOf, type Graph, type Value } from "../ir/graph.ts";
import type { Card, Placed } from "./card.ts";
import { type DeployedPlan, deployedPlan } from "./deployedPlan.ts";
import type { WeightFormat } from "./stored.ts";

/** What a compiled file tells of the model beside its computation. */
export interface CompileCard {
  /** Names, in the order of the logits. */
  readonly labels: readonly string[];
  readonly preprocessing: Preprocessing;
}

/** How a file is compiled. */
export interface CompileFileOptions {
  /** How weights are stored. Default "f32": as they are. */
  readonly weights?: WeightFormat;
  /** True leaves the weights to a file of their own. */
  readonly isSeparate?: boolean;
  /** False leaves out the kernels with fused multiply–add: a smaller file, slower where the engine has relaxed SIMD. Default true. */
  readonly isRelaxed?: boolean;
}

/** A compiled model: its module, the file of its weights where that is separate, and what they are made of. */
export interface CompiledFile {
  readonly wasm: Uint8Array<ArrayBuffer>;
  readonly weights?: Uint8Array<ArrayBuffer>;
  readonly sizes: CompiledSizes;
}

/** Bytes of a compiled model. */
export interface CompiledSizes {
  /** Kernels, plain and (0 where they are the same or left out) relaxed. */
  readonly code: number;
  readonly relaxed: number;
  readonly weights: number;
  /** All of `wasm`. */
  readonly file: number;
  /** Memory at run time: packed weights, then activations, and the least that any placement of them needs. */
  readonly packed: number;
  readonly arena: number;
  readonly lowerBound: number;
}

const KEY_BYTES = 16;

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const small = (...bytes: readonly (number | readonly number[])[]): Uint8Array => Uint8Array.from(bytes.flat());

function section(id: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = joined(parts);
  return joined([small(id, unsigned(content.length)), content]);
}

function custom(name: string, content: Uint8Array): Uint8Array {
  const bytes = new TextEncoder().encode(name);
  return section(0, small(bytes.length), bytes, content);
}

/** A passive segment, then an active one at address 0. */
function dataSection(passive: Uint8Array, active: Uint8Array): Uint8Array {
  return section(11, small(2, 1, unsigned(passive.length)), passive, small(0, 0x41, 0, 0x0b, unsigned(active.length)), active);
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function need(value: Value | undefined, name: string, rank: number): Value {
  if (value?.shape.length === rank) return value;
  throw new EngineError(
    `cannot be compiled: the graph needs an ${name} of rank ${rank}, found ${value ? `rank ${value.shape.length}` : "none"}`,
  );
}

/** Image and logits of a graph: input "image" [n, c, h, w], output "logits" [n, labels]. */
function ends(graph: Graph): { readonly image: Value; readonly logits: Value } {
  const inputs = graph.leaves.filter(({ kind }) => kind === "input");
  const other = inputs.find(({ name }) => name !== "image");
  if (other) throw new EngineError(`cannot be compiled: the graph has an input "${other.name}"; it may have "image" only`);
  return { image: need(inputs[0], 'input "image"', 4), logits: need(graph.outputs.logits, 'output "logits"', 2) };
}

function cardOf(planned: DeployedPlan, base: number, graph: Graph, { labels, preprocessing }: CompileCard): Card {
  const { image, logits } = ends(graph);
  const hasIntegers = graph.nodes.some(({ outputs }) => outputs.some((value) => dtypeOf(value) !== "f32"));
  const placed = (value: Value): Placed => ({
    at: base + planned.address(planned.pointer(value)),
    shape: value.shape,
    strides: stridesOf(value.shape, planned.layout(value)),
    floats: floatsOf(value.shape, planned.layout(value)),
  });
  let from = 0;
  const weights = planned.values.map(({ stored, at, first, last }) => {
    const { length } = stored.bytes;
    from += length;
    return [base + planned.address(at), from - length, length, first, last] as const;
  });
  return {
    version: 1,
    labels,
    preprocessing: checkPreprocessing(preprocessing),
    hasIntegers,
    image: placed(image),
    logits: placed(logits),
    weights,
    weightBytes: from,
    steps: [planned.loaded, planned.steps.length],
    transient: [base + planned.transient, base + planned.bytes],
  };
}

/** Compiles a graph, optimised before, with its weights to a file. */
export async function compileFile(
  graph: Graph,
  weights: Weights,
  card: CompileCard,
  options: CompileFileOptions = {},
): Promise<CompiledFile> {
  const { logits } = ends(graph);
  if (logits.shape[1] !== card.labels.length) {
    throw new EngineError(`cannot be compiled: ${card.labels.length} labels for ${logits.shape[1]} logits`);
  }
  const planned = deployedPlan(graph, weights, options.weights ?? "f32");
  const { kernels, base, write } = programOf(planned.steps);
  const words = new Uint8Array(base);
  write(new DataView(words.buffer), planned.address);
  const pages = pagesFor(base + planned.bytes);
  const common = { pages, isShared: false } as const;
  const code = writeModule(kernels, { ...common, isRelaxed: false, isOwner: true });
  const relaxed = writeModule(kernels, { ...common, isRelaxed: true });
  const isRelaxable = options.isRelaxed !== false && !isSame(relaxed, writeModule(kernels, { ...common, isRelaxed: false }));
  const stored = joined(planned.values.map((value) => value.stored.bytes));
  const key = options.isSeparate ? (await sha256(stored)).slice(0, KEY_BYTES * 2) : undefined;
  const written: Card = { ...cardOf(planned, base, graph, card), ...(key === undefined ? {} : { weightKey: key }) };
  const wasm = joined([
    code,
    dataSection(key === undefined ? stored : new Uint8Array(0), words),
    custom("goldcrest", new TextEncoder().encode(JSON.stringify(written))),
    ...(isRelaxable ? [custom("goldcrest.relaxed", relaxed)] : []),
  ]);
  return {
    wasm,
    ...(key === undefined
      ? {}
      : { weights: joined([Uint8Array.from(key.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16)), stored]) }),
    sizes: {
      code: code.length,
      relaxed: isRelaxable ? relaxed.length : 0,
      weights: stored.length,
      file: wasm.length,
      packed: planned.transient,
      arena: planned.bytes,
      lowerBound: planned.lowerBound,
    },
  };
}
