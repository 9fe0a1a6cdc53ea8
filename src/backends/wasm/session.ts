/** A planned graph in WebAssembly memory: control words, step list and arguments first, then the arena. */
import { EngineError, OptionError, ShapeError } from "../../core/errors.ts";
import { formatShape, isSameShape, size } from "../../core/shape.ts";
import type { ReferenceTensor, Tensor } from "../../core/tensor.ts";
import type { OpenOptions, ProfileRow, Session, View, Weights } from "../../engine/session.ts";
import { computeNode } from "../../ir/computeNode.ts";
import { dtypeOf, type Graph, type Node, type Value } from "../../ir/graph.ts";
import { declareFailed, hasFailed } from "./control.ts";
import { hasRelaxedSimd } from "./features.ts";
import type { KernelTable, Pointer } from "./kernel.ts";
import { type Elements, elementsAt, elementsOf, gather, scatter, stridesOf } from "./layout.ts";
import { writeModule } from "./module.ts";
import { PAGE, pagesFor } from "./pages.ts";
import { type Plan, plan } from "./plan.ts";
import { type Program, programOf } from "./program.ts";
import { type Helpers, startHelpers, threadsHere } from "./threads.ts";

interface Image {
  readonly memory: WebAssembly.Memory;
  readonly base: number;
  readonly run: (first: number, last: number, part: number, parts: number, control: number) => void;
  readonly module: WebAssembly.Module;
}

/** Parts that a cold step is run in, one after the other. */
const SLICES = 8;

/**
 * Runs steps whose kernels were never run: a platform's quick first translation of a function is left for the optimised one when the function is
 * called again, which for a large layer is sooner if it is called for its parts.
 */
function runCold({ run }: Image, first: number, last: number): void {
  for (let at = first; at < last; at++) for (let slice = 0; slice < SLICES; slice++) run(at, at + 1, slice, SLICES, 0);
}

/** Where a value lies. */
interface Buffer extends Omit<View, "data"> {
  readonly data: Elements;
}

/** What a graph is compiled for. */
interface Target {
  readonly kernels: KernelTable;
  readonly threads: number;
  readonly isRelaxed: boolean;
  readonly exact: boolean;
}

/** A graph planned and compiled: everything of a session but its memory. */
interface Compiled {
  readonly planned: Plan;
  readonly program: Program;
  readonly module: WebAssembly.Module;
  readonly pages: number;
}

function compile(graph: Graph, { kernels, threads, isRelaxed, exact }: Target): Compiled {
  const planned = plan(graph, kernels, { threads, exact });
  const program = programOf(planned.steps);
  const pages = pagesFor(program.base + planned.bytes);
  const module = new WebAssembly.Module(writeModule(program.kernels, { pages, isShared: threads > 1, isRelaxed }));
  return { planned, program, module, pages };
}

/** The last compilation of each graph, as long as somebody holds the graph: opening it again plans and compiles nothing. */
const compilations = new WeakMap<Graph, { readonly target: Target; readonly compiled: Compiled }>();

function compiledFor(graph: Graph, target: Target): Compiled {
  const held = compilations.get(graph);
  const { kernels, threads, isRelaxed, exact } = held?.target ?? {};
  const isSame = kernels === target.kernels && threads === target.threads && isRelaxed === target.isRelaxed && exact === target.exact;
  if (held && isSame) return held.compiled;
  const compiled = compile(graph, target);
  compilations.set(graph, { target, compiled });
  return compiled;
}

/** Allocates memory and writes the step list and the arguments. */
function load({ planned, program: { base, write }, module, pages }: Compiled, isShared: boolean): Image {
  const memory = allocate(pages, isShared);
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  write(new DataView(memory.buffer), planned.address);
  return { memory, base, run: exports.run as Image["run"], module };
}

function allocate(pages: number, isShared: boolean): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: isShared });
  } catch (cause) {
    throw new EngineError(`this platform refuses ${Math.ceil((pages * PAGE) / 2 ** 20)} MiB of memory`, { cause });
  }
}

function checkWeights(graph: Graph, weights: Weights): void {
  for (const { kind, name = "", shape } of graph.leaves) {
    if (kind !== "parameter" && kind !== "state") continue;
    const held = weights.get(name);
    if (!held) throw new EngineError(`the weights lack "${name}" ${formatShape(shape)}`);
    if (!isSameShape(held.shape, shape))
      throw new ShapeError(`"${name}" has shape ${formatShape(held.shape)}, the graph needs ${formatShape(shape)}`);
  }
}

/** Opens a session: plans and compiles unless the graph was opened before, loads the weights, starts helper threads. */
export async function openSession(graph: Graph, weights: Weights, kernels: KernelTable, options: OpenOptions = {}): Promise<Session> {
  checkWeights(graph, weights);
  const threads = threadsHere(options.threads);
  const isRelaxed = options.isRelaxedAllowed !== false && hasRelaxedSimd();
  const compiled = compiledFor(graph, { kernels, threads, isRelaxed, exact: options.exact === true });
  const { planned } = compiled;
  const image = load(compiled, threads > 1);
  const helpers = threads > 1 ? await startHelpers(image.module, image.memory, threads) : undefined;
  const session = sessionOver(graph, planned, image, threads, helpers);
  for (const leaf of graph.leaves) {
    if (leaf.kind === "constant") session.put(leaf, leaf.data as Float32Array);
    else if (leaf.kind !== "input") session.put(leaf, (weights.get(leaf.name as string) as Tensor).data);
  }
  return session;
}

/** What is wrong with the data of a tensor of the right shape, or nothing. */
function problemOf({ shape, data }: Tensor): string | undefined {
  if (!(data instanceof Float32Array))
    return `${formatShape(shape)} of ${(data as object | undefined)?.constructor.name ?? "nothing"}; it needs a Float32Array`;
  return data.length === size(shape) ? undefined : `${formatShape(shape)} with ${data.length} elements`;
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: its functions are closures over the session's state.
function sessionOver(
  graph: Graph,
  planned: Plan,
  loaded: Image,
  threads: number,
  started: Helpers | undefined,
): Session & { put(value: Value, data: Float32Array): void } {
  const buffers = new Map<Value, Buffer>();
  // Undefined once disposed of: a session that somebody still holds keeps no memory.
  let held: { readonly image: Image; readonly helpers: Helpers | undefined } | undefined = { image: loaded, helpers: started };
  let failure: Error | undefined;
  let isStale = true;
  let isCold = threads === 1;

  function open(): NonNullable<typeof held> {
    if (!held) throw new EngineError("this session has been disposed of");
    if (held.helpers?.areBroken) failure ??= new Error("a helper thread has ended");
    if (failure !== undefined) throw new EngineError(`this session is of no more use: ${failure.message}`, { cause: failure });
    return held;
  }
  function bufferOf(value: Value): Buffer {
    const { image } = open();
    const known = buffers.get(value);
    if (known) return known;
    const layout = planned.layout(value);
    const at = image.base + planned.address(planned.pointer(value) as Pointer);
    const dtype = dtypeOf(value);
    const data = elementsAt(image.memory.buffer, at, elementsOf(value.shape, layout, dtype), dtype);
    const buffer = { shape: value.shape, strides: stridesOf(value.shape, layout, dtype), data };
    buffers.set(value, buffer);
    return buffer;
  }
  function steps(first: number, last: number): void {
    const { image, helpers } = open();
    helpers?.post(first, last);
    try {
      if (isCold) runCold(image, first, last);
      else image.run(first, last, 0, threads, 0);
    } catch (cause) {
      const isHelper = helpers !== undefined && hasFailed(image.memory);
      if (helpers) declareFailed(image.memory);
      failure = isHelper ? new Error("a helper thread failed or stopped answering", { cause }) : (cause as Error);
      throw new EngineError(`a run did not end: ${failure.message}; this session is of no more use`, { cause: failure });
    }
  }
  function onReference(node: Node): void {
    const lookup = (value: Value): ReferenceTensor => {
      const { data, strides } = bufferOf(value);
      const copy = new Float64Array(size(value.shape));
      gather(data, value.shape, strides, copy);
      return { shape: value.shape, data: copy };
    };
    for (const [i, y] of computeNode(node, lookup).entries()) {
      const { data, strides } = bufferOf(node.outputs[i]);
      scatter(y.data, y.shape, data, strides);
    }
  }
  function prepare(): void {
    if (isStale && planned.prepared > 0) steps(0, planned.prepared);
    isStale = false;
  }
  function runInPlace(): void {
    open();
    prepare();
    for (const stage of planned.stages) {
      if (stage.kind === "steps") steps(stage.first, stage.last);
      else onReference(stage.node);
    }
    isCold = false;
  }
  function named(name: string): Value {
    const value = graph.outputs[name] ?? graph.leaves.find((leaf) => leaf.name === name);
    if (!value) throw new OptionError(`no input, output or weight named "${name}" (outputs: ${Object.keys(graph.outputs).join(", ")})`);
    return value;
  }
  function put(value: Value, data: ArrayLike<number>): void {
    const buffer = bufferOf(value);
    scatter(data, value.shape, buffer.data, buffer.strides);
    if (value.kind !== "input") isStale = true;
  }
  function checked(value: Value, given: Tensor | undefined): Tensor {
    const found = given && (isSameShape(given.shape, value.shape) ? problemOf(given) : formatShape(given.shape));
    if (given && found === undefined) return given;
    throw new ShapeError(`"${value.name}" needs ${formatShape(value.shape)}, given ${found ?? "nothing"}`);
  }
  function copyOut(value: Value): Tensor {
    const { data, strides } = bufferOf(value);
    const copy = new Float32Array(size(value.shape));
    gather(data, value.shape, strides, copy);
    return { shape: value.shape, data: copy };
  }
  function dispose(): void {
    held?.helpers?.stop();
    held = undefined;
    buffers.clear();
  }

  return {
    graph,
    fallbacks: planned.fallbacks.map((node) => ({ op: node.op.name, scope: node.scope })),
    bytes: loaded.memory.buffer.byteLength,
    threads,
    put,
    runInPlace,
    run(inputs) {
      for (const leaf of graph.leaves) if (leaf.kind === "input") put(leaf, checked(leaf, inputs[leaf.name as string]).data);
      runInPlace();
      return Object.fromEntries(Object.entries(graph.outputs).map(([name, value]) => [name, copyOut(value)]));
    },
    view: (name) => floatView(name, bufferOf(named(name))),
    read: (name) => copyOut(named(name)),
    write(name, value) {
      const leaf = named(name);
      put(leaf, checked(leaf, value).data);
    },
    profile(): readonly ProfileRow[] {
      prepare();
      return profileRows(planned, steps, onReference);
    },
    dispose,
    [Symbol.dispose]: dispose,
  };
}

/** Views are of float32 values, as inputs and outputs of networks are. */
function floatView(name: string, buffer: Buffer): View {
  if (!(buffer.data instanceof Float32Array)) throw new OptionError(`"${name}" holds integers; run returns them as numbers`);
  return buffer as View;
}

function profileRows(planned: Plan, steps: (first: number, last: number) => void, onReference: (node: Node) => void): ProfileRow[] {
  const rows: ProfileRow[] = [];
  const timed = (node: Node | undefined, kernel: string, work: () => void): void => {
    const start = performance.now();
    work();
    rows.push({ op: node?.op.name ?? "prepare", scope: node?.scope ?? "", kernel, milliseconds: performance.now() - start });
  };
  for (const stage of planned.stages) {
    if (stage.kind === "reference") timed(stage.node, "reference", () => onReference(stage.node));
    else for (let i = stage.first; i < stage.last; i++) timed(planned.owners[i], planned.steps[i].kernel.key, () => steps(i, i + 1));
  }
  return rows;
}
