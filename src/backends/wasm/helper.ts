/** The body of a helper thread (threads.ts). */
import type { HelperTask } from "./threads.ts";

function serve({ module, memory, part, parts }: HelperTask, ready: () => void): void {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  ready();
  (exports.serve as (part: number, parts: number, control: number) => void)(part, parts, 0);
}

interface ParentThreads {
  readonly workerData: HelperTask;
  readonly parentPort: { postMessage(value: unknown): void };
}

const host = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process;
const node = host?.getBuiltinModule?.("node:worker_threads") as ParentThreads | undefined;
if (node) serve(node.workerData, () => node.parentPort.postMessage("ready"));
else {
  globalThis.onmessage = (event: MessageEvent<HelperTask>) => {
    serve(event.data, () => globalThis.postMessage("ready"));
    globalThis.close();
  };
}
