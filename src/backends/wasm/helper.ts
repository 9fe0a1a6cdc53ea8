/** The body of a helper thread (threads.ts): says "ready", serves, and says "failed" where a run could not be finished. */
import { declareFailed } from "./control.ts";
import type { HelperTask } from "./threads.ts";

function serve({ module, memory, part, parts }: HelperTask, tell: (message: "ready" | "failed") => void): void {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  tell("ready");
  try {
    (exports.serve as (part: number, parts: number, control: number) => void)(part, parts, 0);
  } catch {
    declareFailed(memory);
    tell("failed");
  }
}

interface ParentThreads {
  readonly workerData: HelperTask;
  readonly parentPort: { postMessage(value: unknown): void };
}

const host = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process;
const node = host?.getBuiltinModule?.("node:worker_threads") as ParentThreads | undefined;
if (node) serve(node.workerData, (message) => node.parentPort.postMessage(message));
else {
  globalThis.onmessage = (event: MessageEvent<HelperTask>) => {
    serve(event.data, (message) => globalThis.postMessage(message));
    globalThis.close();
  };
}
