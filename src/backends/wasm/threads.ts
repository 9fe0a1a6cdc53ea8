/**
 * Helper threads of one session. Each runs `serve` (module.ts) on the shared memory: it sleeps until a range of steps is posted. Node's
 * workers and browsers' are started differently and told the same.
 */
import { EngineError } from "../../core/errors.ts";
import { control } from "./module.ts";

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
  stop(): void;
}

interface NodeThreads {
  readonly Worker: new (
    url: URL,
    options: object,
  ) => {
    on(event: string, listener: (value: unknown) => void): void;
    unref(): void;
  };
}

/** The helper's file: TypeScript in a checkout, JavaScript in the package. */
function helperUrl(): URL {
  return new URL(import.meta.url.endsWith(".ts") ? "./helper.ts" : "./helper.js", import.meta.url);
}

function nodeThreads(): NodeThreads | undefined {
  const host = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process;
  return host?.getBuiltinModule?.("node:worker_threads") as NodeThreads | undefined;
}

function startHelper(task: HelperTask): Promise<void> {
  const node = nodeThreads();
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => reject(new EngineError(`a helper thread did not start: ${error}`, { cause: error }));
    if (node) {
      const worker = new node.Worker(helperUrl(), { workerData: task });
      worker.on("error", fail);
      // From here on the helper must not keep the process alive.
      worker.on("message", () => {
        worker.unref();
        resolve();
      });
      return;
    }
    const worker = new Worker(helperUrl(), { type: "module" });
    worker.onmessage = () => resolve();
    worker.onerror = fail;
    worker.postMessage(task);
  });
}

/** Starts parts − 1 helpers and waits until each one serves. */
export async function startHelpers(module: WebAssembly.Module, memory: WebAssembly.Memory, parts: number): Promise<Helpers> {
  const words = new Int32Array(memory.buffer);
  const tasks = Array.from({ length: parts - 1 }, (_, i) => ({ module, memory, part: i + 1, parts }));
  const post = (first: number, last: number): void => {
    words[control.first / 4] = first;
    words[control.last / 4] = last;
    Atomics.add(words, control.posted / 4, 1);
    if (Atomics.load(words, control.sleepers / 4) > 0) Atomics.notify(words, control.posted / 4);
  };
  await Promise.all(tasks.map(startHelper));
  return { post, stop: () => post(-1, -1) };
}
