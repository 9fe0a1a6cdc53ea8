import assert from "node:assert/strict";
import { test } from "node:test";
import { startWorker } from "./worker.ts";

/** Starts a worker of some code and waits for its end; what it says first is kept. */
function lifeOf(code: string): Promise<{ readonly said: unknown[]; readonly reason: string }> {
  return new Promise((resolve) => {
    const said: unknown[] = [];
    startWorker(
      (node) => new (node as NonNullable<typeof node>).Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`)),
      (message) => said.push(message),
      ({ message }) => resolve({ said, reason: message }),
    );
  });
}

test("a worker that throws, exits or cannot be loaded says why it ended", async () => {
  const port = 'import { parentPort } from "node:worker_threads";';
  assert.deepEqual(await lifeOf(`${port} parentPort.postMessage(1); throw new Error("enough");`), { said: [1], reason: "enough" });
  assert.deepEqual(await lifeOf("process.exit(0);"), { said: [], reason: "it ended" });
  assert.match((await lifeOf("a syntax error")).reason, /Unexpected identifier/);
});

test("a worker that was terminated is not reported", async () => {
  const reasons: Error[] = [];
  const worker = startWorker(
    (node) => new (node as NonNullable<typeof node>).Worker(new URL("data:text/javascript,setInterval(()=>{},1000)")),
    () => {},
    (reason) => reasons.push(reason),
  );
  worker.terminate();
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.deepEqual(reasons, []);
});
