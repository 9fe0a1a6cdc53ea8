/**
 * Helper threads of one session. Each runs `serve` (module.ts) on the shared memory: it sleeps until a range of steps is posted. Node's
 * workers and browsers' are started differently and told the same.
 */
import { EngineError } from "../../core/errors.ts";
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

/** A worker of either kind. */
interface Started {
  terminate(): unknown;
}

interface NodeWorker extends Started {
  on(event: string, listener: (value: unknown) => void): void;
  unref(): void;
}

interface NodeThreads {
  readonly Worker: new (url: URL, options: object) => NodeWorker;
}

/** A helper that has not reported by then will not: some browsers neither start a worker nor say so. */
const START_MS = 30_000;

/** The helper's file: TypeScript in a checkout, JavaScript in the package. */
function helperUrl(): URL {
  return new URL(import.meta.url.endsWith(".ts") ? "./helper.ts" : "./helper.js", import.meta.url);
}

function nodeThreads(): NodeThreads | undefined {
  const host = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process;
  return host?.getBuiltinModule?.("node:worker_threads") as NodeThreads | undefined;
}

/** What keeps a run to one thread here, or nothing. */
function obstacle(): string | undefined {
  if (!hasSharedMemory()) {
    return "this page is not cross-origin isolated; serve it with the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp";
  }
  const isPage = !nodeThreads() && typeof document !== "undefined";
  return isPage ? "a page's own thread must not wait for others; openClassifierInWorker runs a model beside it" : undefined;
}

let isSaid = false;

/** How many threads share a run here: those asked for, or one; then the console says why, once. */
export function threadsHere(asked = 1): number {
  const wanted = Math.max(1, Math.floor(asked));
  const reason = wanted > 1 ? obstacle() : undefined;
  if (reason === undefined) return wanted;
  if (!isSaid) console.warn(`goldcrest: one thread instead of ${wanted}: ${reason}`);
  isSaid = true;
  return 1;
}

/** Starts one helper; `onEnd` hears of its end whatever the reason, after `onStart` has been told what to terminate. */
function startHelper(task: HelperTask, onStart: (started: Started) => void, onEnd: () => void): Promise<void> {
  const node = nodeThreads();
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => {
      clearTimeout(timer);
      onEnd();
      const reason = (cause as { message?: string }).message ?? "its file did not load";
      reject(new EngineError(`a helper thread did not start: ${reason}`, { cause }));
    };
    const timer = setTimeout(() => fail(new Error(`it said nothing for ${START_MS / 1000} seconds`)), START_MS);
    const ready = (): void => {
      clearTimeout(timer);
      resolve();
    };
    if (node) {
      const worker = new node.Worker(helperUrl(), { workerData: task });
      onStart(worker);
      worker.on("error", fail);
      worker.on("exit", () => fail(new Error("it ended")));
      worker.on("message", (message) => {
        // From here on the helper must not keep the process alive.
        worker.unref();
        if (message === "ready") ready();
        else onEnd();
      });
      return;
    }
    const worker = new Worker(helperUrl(), { type: "module" });
    onStart(worker);
    worker.onmessage = ({ data }) => (data === "ready" ? ready() : onEnd());
    worker.onerror = fail;
    worker.postMessage(task);
  });
}

/** Starts parts − 1 helpers and waits until each one serves; where one does not, none is left. */
export async function startHelpers(module: WebAssembly.Module, memory: WebAssembly.Memory, parts: number): Promise<Helpers> {
  const words = new Int32Array(memory.buffer);
  const started: Started[] = [];
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
    await Promise.all(tasks.map((task) => startHelper(task, (worker) => started.push(worker), onEnd)));
  } catch (error) {
    for (const worker of started) worker.terminate();
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
