/**
 * Turns kernels into one WebAssembly module. Function i of the table is kernel i; every kernel has the same signature
 * (args, begin, end): a pointer to its argument words in memory and the range of work units to do. Two more functions drive them:
 *
 *   run(first, last, part, parts, control)  goes through the step list, doing this thread's share of each step's units, with a barrier
 *                                           after each step when there are several parts;
 *   serve(part, parts, control)             the life of a helper thread: sleep until a range of steps is posted, run it, sleep again.
 *
 * A thread that cannot go on sets `failed`, changes `generation` and wakes everyone (threads.ts does so for one whose kernel trapped); a thread that has
 * waited at a barrier for longer than any step takes does the same. Whoever sees the word set traps, so that nobody waits for the dead.
 *
 * A step is four words: function index, argument pointer, units, 0. Control words (byte offsets below) lie at `control`.
 */
import { assembleFunction, type Bytes, type Code, type Expr, f32, i32, type Local, type Type, typeBytes, unsigned } from "./assembler.ts";
import { control } from "./control.ts";

/** The argument words of a kernel, in memory order; each becomes a local at entry. */
export type Fields = Readonly<Record<string, "i32" | "f32">>;

export type Arguments<F extends Fields> = { readonly [K in keyof F]: Local<F[K]> } & {
  readonly begin: Local<"i32">;
  readonly end: Local<"i32">;
};

/** A kernel: `key` identifies the kind (never a shape); `emit` writes its code. */
export interface KernelSource<F extends Fields = Fields> {
  readonly key: string;
  readonly fields: F;
  emit(args: Arguments<F>, k: Code): void;
}

/**
 * Declares a kernel of some kind.
 * @__NO_SIDE_EFFECTS__
 */
export function wasmKernel<F extends Fields>(key: string, fields: F, emit: (args: Arguments<F>, k: Code) => void): KernelSource<F> {
  return { key, fields, emit };
}

export { control };

export const STEP_BYTES = 16;

/** Barrier spins before sleeping: about 200 µs, longer than a wake-up takes. */
const SPINS = 60_000;

/** Nested bytes, of which some are already in a row. */
type Chunk = number | Uint8Array | readonly Chunk[];

function flatten(chunk: Chunk): Uint8Array<ArrayBuffer> {
  let bytes = new Uint8Array(4096);
  let length = 0;
  const ensure = (more: number): void => {
    if (length + more <= bytes.length) return;
    const longer = new Uint8Array(2 * (length + more));
    longer.set(bytes);
    bytes = longer;
  };
  const put = (part: Chunk): void => {
    if (typeof part === "number") {
      ensure(1);
      bytes[length++] = part;
    } else if (part instanceof Uint8Array) {
      ensure(part.length);
      bytes.set(part, length);
      length += part.length;
    } else for (let i = 0; i < part.length; i++) put(part[i]);
  };
  put(chunk);
  return bytes.slice(0, length);
}

function sized(content: Chunk): readonly Chunk[] {
  const bytes = flatten(content);
  return [unsigned(bytes.length), bytes];
}

const section = (id: number, content: Chunk): readonly Chunk[] => [id, sized(content)];
const vector = (items: readonly Chunk[]): readonly Chunk[] => [unsigned(items.length), ...items];
const text = (s: string): readonly Chunk[] => sized(new TextEncoder().encode(s));

/** Nanoseconds at a barrier after which the other threads count as dead: a minute, since a step of a training on a busy machine may take seconds. */
const PATIENCE = 60e9;
/** It is waited in so many parts: a process that was suspended for an hour finds one part over, not all. */
const WAITS = 60;
/** What `i32.wait` gives when its time is over. */
const LATE = 2;

/**
 * Waits until the word at `at` is no longer `held`: spins, then sleeps, counted in `sleepers` so that nobody notifies in vain. Who has
 * slept for longer than `limit` nanoseconds (−1: there is none) goes to `late`.
 */
function awaitChange(k: Code, at: Expr<"i32">, held: Local<"i32">, sleepers: Expr<"i32">, limit = -1, late = (): void => {}): void {
  const spins = k.local(i32.const(0));
  k.while(
    () => i32.and(i32.eq(i32.atomicLoad(at), held), i32.lt(spins, SPINS)),
    () => spins.add(1),
  );
  k.if(i32.eq(i32.atomicLoad(at), held), () => {
    k.drop(i32.atomicAdd(sleepers, 1));
    const part = limit < 0 ? limit : Math.ceil(limit / WAITS);
    const waits = k.local(i32.const(0));
    k.while(
      () => i32.eq(i32.atomicLoad(at), held),
      () =>
        k.if(i32.eq(i32.wait(at, held, part), LATE), () => {
          waits.add(1);
          k.if(i32.ge(waits, WAITS), late);
        }),
    );
    k.drop(i32.atomicAdd(sleepers, -1));
  });
}

function barrier(k: Code, at: Local<"i32">, parts: Local<"i32">, patience: number): void {
  const trapIfFailed = (): void => k.if(i32.atomicLoad(at, control.failed), () => k.trap());
  const wakeAll = (): void => {
    k.drop(i32.atomicAdd(at, 1, control.generation));
    k.if(i32.atomicLoad(at, control.sleepers), () => k.drop(i32.notify(at.plus(control.generation), -1)));
  };
  const generation = k.local(i32.atomicLoad(at, control.generation));
  k.if(
    i32.eq(i32.atomicAdd(at, 1, control.arrived), parts.minus(1)),
    () => {
      k.atomicStore(at.plus(control.arrived), 0);
      wakeAll();
    },
    () => {
      // A thread that failed before the generation was read will not change it again.
      trapIfFailed();
      awaitChange(k, at.plus(control.generation), generation, at.plus(control.sleepers), patience, () => {
        k.atomicStore(at.plus(control.failed), 1);
        wakeAll();
        k.trap();
      });
    },
  );
  trapIfFailed();
}

function writeRun(k: Code, params: readonly Local<Type>[], isShared: boolean, patience: number): void {
  const [first, last, part, parts, at] = params as readonly Local<"i32">[];
  const step = k.local(i32.load(at, control.steps).plus(first.times(STEP_BYTES)));
  k.for({ from: first, to: last }, () => {
    const units = k.local(i32.load(step, 8));
    const begin = k.local(i32.div(units.times(part), parts));
    const end = k.local(i32.div(units.times(part.plus(1)), parts));
    k.if(i32.lt(begin, end), () => k.callIndirect(0, i32.load(step), [i32.load(step, 4), begin, end]));
    if (isShared) k.if(i32.gt(parts, 1), () => barrier(k, at, parts, patience));
    step.add(STEP_BYTES);
  });
}

function writeServe(k: Code, params: readonly Local<Type>[]): void {
  const [part, parts, at] = params as readonly Local<"i32">[];
  // The opener posts nothing before every helper has reported that it started, so 0 is the value that each helper has seen.
  const seen = k.local(i32.const(0));
  k.while(
    () => i32.const(1),
    () => {
      awaitChange(k, at.plus(control.posted), seen, at.plus(control.sleepers));
      seen.set(i32.atomicLoad(at, control.posted));
      k.if(i32.lt(i32.load(at, control.first), 0), () => k.return());
      k.callIndirect(1, i32.const(0), [i32.load(at, control.first), i32.load(at, control.last), part, parts, at]);
    },
  );
}

function emitKernel(source: KernelSource, isRelaxed: boolean): Bytes {
  return assembleFunction(["i32", "i32", "i32"], isRelaxed, (k, params) => {
    const [args, begin, end] = params as readonly Local<"i32">[];
    const fields: Record<string, Local<Type>> = { begin, end };
    for (const [word, [name, type]] of Object.entries(source.fields).entries()) {
      fields[name] = type === "i32" ? k.local(i32.load(args, word * 4)) : k.local(f32.load(args, word * 4));
    }
    source.emit(fields as unknown as Arguments<Fields>, k);
  });
}

/** How a module is written: memory pages (exact, so that memory never grows) and the features it may use. */
export interface ModuleOptions {
  readonly pages: number;
  readonly isShared: boolean;
  readonly isRelaxed: boolean;
  /** True for a module with a memory of its own and two data segments, which the caller appends; see `writeModule`. */
  readonly isOwner?: boolean;
  /** Nanoseconds that a thread waits for the others of its run. */
  readonly patience?: number;
}

function writeFetch(k: Code, params: readonly Local<Type>[]): void {
  const [to, from, bytes] = params as readonly Local<"i32">[];
  k.initMemory(0, to, from, bytes);
}

/**
 * Bytes of a module that imports `env.memory` and exports `run`, and `serve` when memory is shared. Kernel i has table index i + 1. An owner
 * exports `memory` instead, and `fetch(to, from, bytes)`, which copies from its first data segment; it ends before the data section.
 */
export function writeModule(kernels: readonly KernelSource[], options: ModuleOptions): Uint8Array<ArrayBuffer> {
  const { pages, isShared, isRelaxed, isOwner = false, patience = PATIENCE } = options;
  const limits = [isShared ? 3 : 1, unsigned(pages), unsigned(pages)];
  const triple = ["i32", "i32", "i32"] as const;
  const run = assembleFunction([...triple, "i32", "i32"], isRelaxed, (k, params) => writeRun(k, params, isShared, patience));
  const extra = [
    ...(isShared ? [{ name: "serve", body: assembleFunction(triple, isRelaxed, writeServe) }] : []),
    ...(isOwner ? [{ name: "fetch", body: assembleFunction(triple, isRelaxed, writeFetch) }] : []),
  ];
  const bodies = [run, ...kernels.map((source) => emitKernel(source, isRelaxed)), ...extra.map(({ body }) => body)];
  const typeOf = bodies.map((_, index) => (index === 0 ? 1 : 0));
  const tableSize = kernels.length + 1;
  const exported = [
    [text("run"), 0, 0],
    ...extra.map(({ name }, index) => [text(name), 0, unsigned(tableSize + index)]),
    ...(isOwner ? [[text("memory"), 2, 0]] : []),
  ];
  const bytes = [
    [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(1, vector([triple, [...triple, "i32", "i32"] as const].map((params) => [0x60, typeBytes(params), 0]))),
    isOwner ? [] : section(2, vector([[text("env"), text("memory"), 2, limits]])),
    section(3, vector(typeOf.map((type) => [type]))),
    section(4, vector([[0x70, 0, unsigned(tableSize)]])),
    isOwner ? section(5, vector([limits])) : [],
    section(7, vector(exported)),
    section(9, vector([[0, 0x41, 0, 0x0b, vector(Array.from({ length: tableSize }, (_, i) => unsigned(i)))]])),
    isOwner ? section(12, [2]) : [],
    section(10, vector(bodies.map(sized))),
  ];
  return flatten(bytes);
}
