import { parentPort } from "node:worker_threads";
import { carryOut, type Job } from "./jobs.node.ts";

/** One job at a time, in the order they came. */
let last: Promise<void> = Promise.resolve();

parentPort?.on("message", ({ id, job }: { id: number; job: Job }) => {
  last = last.then(async () => {
    try {
      const result = await carryOut(job);
      parentPort?.postMessage({ id, result }, result instanceof Uint8Array ? [result.buffer as ArrayBuffer] : []);
    } catch (cause) {
      parentPort?.postMessage({ id, message: (cause as Error).message });
    }
  });
});
