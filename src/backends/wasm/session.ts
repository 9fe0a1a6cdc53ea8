/** A planned graph in WebAssembly memory: control words, step list and arguments first, then the arena. */
import { EngineError, OptionError, ShapeError } from "../../core/errors.ts";
import { formatShape, isSameShape, size } from "../../core/shape.ts";
import type { ReferenceTensor, Tensor } from "../../core/tensor.ts";
import type { OpenOptions, ProfileRow, Session, View, Weights } from "../../engine/session.ts";
import { computeNode } from "../../ir/computeNode.ts";
import { dtypeOf, type Graph, type Node, type Value } from "../../ir/graph.ts";
import { hasRelaxedSimd, hasSharedMemory } from "./features.ts";
import type { KernelTable, Pointer } from "./kernel.ts";
import { type Elements, elementsAt, elementsOf, gather, scatter, stridesOf } from "./layout.ts";
import { control, type KernelSource, STEP_BYTES, writeModule } from "./module.ts";
import { type Plan, plan } from "./plan.ts";
import { type Helpers, startHelpers } from "./threads.ts";

const PAGE = 65536;
/** Bytes behind the arena: kernels may load (never use) a vector or two behind a buffer. */
const SLACK = 64;
/** Memory addresses are signed 32-bit in our kernels' comparisons. */
const MOST_BYTES = 2 ** 31 - PAGE;

interface Image {
  readonly memory: WebAssembly.Memory;
  readonly base: number;
  readonly run: (first: number, last: number, part: number, parts: number, control: number) => void;
  readonly module: WebAssembly.Module;
}

/** Where a value lies. */
interface Buffer extends Omit<View, "data"> {
  readonly data: Elements;
}

const align = (bytes: number): number => Math.ceil(bytes / 64) * 64;

/** What a graph is compiled for. */
interface Target {
  readonly kernels: KernelTable;
  readonly threads: number;
  readonly isRelaxed: boolean;
}

/** A graph planned and compiled: everything of a session but its memory. */
interface Program {
  readonly planned: Plan;
  readonly kernels: ReadonlyMap<string, { readonly source: KernelSource; readonly index: number }>;
  readonly module: WebAssembly.Module;
  readonly pages: number;
  readonly stepsAt: number;
  readonly argsAt: number;
  readonly base: number;
}

function compile(graph: Graph, { kernels: table, threads, isRelaxed }: Target): Program {
  const planned = plan(graph, table, threads);
  const kernels = new Map<string, { source: KernelSource; index: number }>();
  for (const { kernel } of planned.steps) {
    if (!kernels.has(kernel.key)) kernels.set(kernel.key, { source: kernel, index: kernels.size + 1 });
  }
  const words = planned.steps.map(({ kernel }) => Object.keys(kernel.fields).length);
  const stepsAt = align(control.bytes);
  const argsAt = align(stepsAt + planned.steps.length * STEP_BYTES);
  const base = align(argsAt + words.reduce((sum, count) => sum + count * 4, 0));
  const pages = Math.ceil((base + planned.bytes + SLACK) / PAGE);
  if (pages * PAGE > MOST_BYTES) {
    throw new EngineError(
      `this graph needs ${Math.ceil((pages * PAGE) / 2 ** 20)} MiB, the engine takes at most 2048 MiB: use a smaller batch or image`,
    );
  }
  const sources = [...kernels.values()].map(({ source }) => source);
  const module = new WebAssembly.Module(writeModule(sources, { pages, isShared: threads > 1, isRelaxed }));
  return { planned, kernels, module, pages, stepsAt, argsAt, base };
}

/** The last program of each graph, as long as somebody holds the graph: opening it again plans and compiles nothing. */
const programs = new WeakMap<Graph, { readonly target: Target; readonly program: Program }>();

function programOf(graph: Graph, target: Target): Program {
  const held = programs.get(graph);
  const { kernels, threads, isRelaxed } = held?.target ?? {};
  if (held && kernels === target.kernels && threads === target.threads && isRelaxed === target.isRelaxed) return held.program;
  const program = compile(graph, target);
  programs.set(graph, { target, program });
  return program;
}

/** Allocates memory and writes the step list and the arguments. */
function load({ planned, kernels, module, pages, stepsAt, argsAt, base }: Program, isShared: boolean): Image {
  const memory = allocate(pages, isShared);
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const view = new DataView(memory.buffer);
  view.setInt32(control.steps, stepsAt, true);
  let at = argsAt;
  planned.steps.forEach(({ kernel, units, args }, i) => {
    const index = kernels.get(kernel.key)?.index ?? 0;
    [index, at, units, 0].forEach((word, j) => {
      view.setInt32(stepsAt + i * STEP_BYTES + j * 4, word, true);
    });
    for (const [name, type] of Object.entries(kernel.fields)) {
      const given = args[name];
      const value = typeof given === "number" ? given : base + planned.address(given);
      if (type === "i32") view.setInt32(at, value, true);
      else view.setFloat32(at, value, true);
      at += 4;
    }
  });
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
  const threads = hasSharedMemory() ? Math.max(1, Math.floor(options.threads ?? 1)) : 1;
  const isRelaxed = options.isRelaxedAllowed !== false && hasRelaxedSimd();
  const program = programOf(graph, { kernels, threads, isRelaxed });
  const { planned } = program;
  const image = load(program, threads > 1);
  const helpers = threads > 1 ? await startHelpers(image.module, image.memory, threads) : undefined;
  const session = sessionOver(graph, planned, image, threads, helpers);
  for (const leaf of graph.leaves) {
    if (leaf.kind === "constant") session.put(leaf, leaf.data as Float32Array);
    else if (leaf.kind !== "input") session.put(leaf, (weights.get(leaf.name as string) as Tensor).data);
  }
  return session;
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: its functions are closures over the session's state.
function sessionOver(
  graph: Graph,
  planned: Plan,
  image: Image,
  threads: number,
  helpers: Helpers | undefined,
): Session & { put(value: Value, data: Float32Array): void } {
  const buffers = new Map<Value, Buffer>();
  let isOpen = true;
  let isStale = true;

  function bufferOf(value: Value): Buffer {
    if (!isOpen) throw new EngineError("this session has been disposed of");
    const held = buffers.get(value);
    if (held) return held;
    const layout = planned.layout(value);
    const at = image.base + planned.address(planned.pointer(value) as Pointer);
    const dtype = dtypeOf(value);
    const data = elementsAt(image.memory.buffer, at, elementsOf(value.shape, layout, dtype), dtype);
    const buffer = { shape: value.shape, strides: stridesOf(value.shape, layout, dtype), data };
    buffers.set(value, buffer);
    return buffer;
  }
  function steps(first: number, last: number): void {
    helpers?.post(first, last);
    image.run(first, last, 0, threads, 0);
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
    if (!isOpen) throw new EngineError("this session has been disposed of");
    prepare();
    for (const stage of planned.stages) {
      if (stage.kind === "steps") steps(stage.first, stage.last);
      else onReference(stage.node);
    }
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
    if (given && isSameShape(given.shape, value.shape)) return given;
    const found = given ? formatShape(given.shape) : "nothing";
    throw new ShapeError(`"${value.name}" needs ${formatShape(value.shape)}, given ${found}`);
  }
  function copyOut(value: Value): Tensor {
    const { data, strides } = bufferOf(value);
    const copy = new Float32Array(size(value.shape));
    gather(data, value.shape, strides, copy);
    return { shape: value.shape, data: copy };
  }
  function dispose(): void {
    if (isOpen) helpers?.stop();
    isOpen = false;
    buffers.clear();
  }

  return {
    graph,
    fallbacks: planned.fallbacks.map((node) => ({ op: node.op.name, scope: node.scope })),
    bytes: image.memory.buffer.byteLength,
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
