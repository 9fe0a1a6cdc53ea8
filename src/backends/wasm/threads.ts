/** Helper threads of one session. Each runs `serve` (module.ts) on the shared memory: it sleeps until a range of steps is posted. */
import { EngineError } from "../../core/errors.ts";
import { nodeThreads, startWorker } from "../../core/worker.ts";
import { control } from "./control.ts";
import { hasSharedMemory } from "./features.ts";

/** What a helper thread is sent. */
export interface HelperTask {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly part: number;
  readonly parts: number;
}

/** The helpers of a session; `post` starts them on a range of steps, the caller then runs its own part. */
export interface Helpers {
  post(first: number, last: number): void;
  /** True when one has ended that nobody stopped. */
  readonly areBroken: boolean;
  stop(): void;
}

/** A helper that has not reported by then will not: some browsers neither start a worker nor say so. */
const START_MS = 30_000;

let isSaid = false;

function oneThread(wanted: number, reason: string): number {
  if (!isSaid) console.warn(`goldcrest: one thread instead of ${wanted}: ${reason}`);
  isSaid = true;
  return 1;
}

/** How many threads can share a run in a worker here: those asked for, or one; then the console says why, once. */
export function threadsInWorker(asked = 1): number {
  const wanted = Math.max(1, Math.floor(asked));
  if (wanted === 1 || hasSharedMemory()) return wanted;
  return oneThread(
    wanted,
    "this page is not cross-origin isolated; serve it with the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp",
  );
}

/** The same on this very thread, which in a page must not wait for others. */
export function threadsHere(asked?: number): number {
  const threads = threadsInWorker(asked);
  const isPage = !nodeThreads() && typeof document !== "undefined";
  if (threads === 1 || !isPage) return threads;
  return oneThread(threads, "a page's own thread must not wait for others; openClassifierInWorker runs a model beside it");
}

/** Starts one helper; `onEnd` hears of its end whatever the reason, `onStart` is told how to end it. */
function startHelper(task: HelperTask, onStart: (terminate: () => void) => void, onEnd: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void => {
      clearTimeout(timer);
      onEnd();
      reject(new EngineError(`a helper thread did not start: ${cause.message}`, { cause }));
    };
    const timer = setTimeout(() => fail(new Error(`it said nothing for ${START_MS / 1000} seconds`)), START_MS);
    const onMessage = (message: unknown): void => {
      // From here on the helper must not keep the process alive.
      worker.unref();
      clearTimeout(timer);
      if (message === "ready") resolve();
      else onEnd();
    };
    const worker = startWorker(
      (node) =>
        node
          ? new node.Worker(new URL("./helper.ts", import.meta.url))
          : new Worker(new URL("./helper.ts", import.meta.url), { type: "module" }),
      onMessage,
      fail,
    );
    onStart(() => {
      clearTimeout(timer);
      worker.terminate();
    });
    worker.post(task);
  });
}

/** Starts parts − 1 helpers and waits until each one serves; where one does not, none is left. */
export async function startHelpers(module: WebAssembly.Module, memory: WebAssembly.Memory, parts: number): Promise<Helpers> {
  const words = new Int32Array(memory.buffer);
  const ends: (() => void)[] = [];
  let areBroken = false;
  const onEnd = (): void => {
    areBroken = true;
  };
  const post = (first: number, last: number): void => {
    words[control.first / 4] = first;
    words[control.last / 4] = last;
    Atomics.add(words, control.posted / 4, 1);
    if (Atomics.load(words, control.sleepers / 4) > 0) Atomics.notify(words, control.posted / 4);
  };
  const tasks = Array.from({ length: parts - 1 }, (_, i) => ({ module, memory, part: i + 1, parts }));
  try {
    await Promise.all(tasks.map((task) => startHelper(task, (terminate) => ends.push(terminate), onEnd)));
  } catch (error) {
    for (const terminate of ends) terminate();
    throw error;
  }
  return {
    post,
    get areBroken() {
      return areBroken;
    },
    stop: () => post(-1, -1),
  };
}
