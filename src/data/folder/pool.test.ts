import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { DataError } from "../../core/errors.ts";
import type { Job } from "./jobs.node.ts";
import { openPool } from "./pool.node.ts";

/** Threads that answer with the job's name, except for three names. */
const program = new URL(
  `data:text/javascript,${encodeURIComponent(`
  import { parentPort } from "node:worker_threads";
  parentPort.on("message", ({ id, job }) => {
    if (job.name === "hang") for (;;) {}
    if (job.name === "crash") throw new Error("out of memory");
    if (job.name === "exit") process.exit(3);
    if (job.name === "bad") parentPort.postMessage({ id, message: "bad: damaged" });
    else parentPort.postMessage({ id, result: job.name });
  });
`)}`,
);

const job = (name: string): Job => ({ kind: "check", file: name, name, maxPixels: 1, isDecoded: false, rules: [] });

test("a job that hangs, crashes or ends its thread is given up by name, and all others are done", async () => {
  const pool = openPool({ threads: 2, mostTime: 1500, program });
  const names = ["a", "hang", "b", "crash", "c", "exit", "d", "bad", "e"];
  const outcomes = await Promise.all(names.map((name) => pool.run<string>(job(name)).catch((cause: Error) => cause)));
  const messages = outcomes.map((outcome) => (outcome instanceof DataError ? outcome.message : outcome));
  assert.deepEqual(
    messages.filter((message) => !/^(hang|crash|exit|bad): /.test(String(message))),
    ["a", "b", "c", "d", "e"],
  );
  assert.match(String(messages[1]), /^hang: decoding took longer than 1500 ms/);
  assert.match(String(messages[3]), /^crash: the decoder broke down \(out of memory\)/);
  assert.match(String(messages[5]), /^exit: the decoder broke down \(exit code 3\)/);
  assert.equal(messages[7], "bad: damaged");
  await pool.close();
});

test("closing rejects what is under way and what comes later", async () => {
  const pool = openPool({ threads: 1, program });
  const under = pool.run(job("hang"));
  const rejected = assert.rejects(under, /hang: the data set has been closed/);
  await pool.close();
  await rejected;
  await assert.rejects(pool.run(job("a")), /has been closed/);
});

test("a process that closes a pool with jobs under way goes on to its end", async () => {
  const script = `
    const { openPool } = await import(${JSON.stringify(new URL("./pool.node.ts", import.meta.url).href)});
    const job = (name) => ({ kind: "check", file: name, name, maxPixels: 1, isDecoded: false, rules: [] });
    const pool = openPool({ threads: 2, program: new URL(${JSON.stringify(program.href)}) });
    await pool.run(job("a"));
    const under = Array.from({ length: 500 }, (_, i) => pool.run(job(String(i))).catch(() => 0));
    await Promise.race(under);
    await pool.close();
    console.log("closed");
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script]);
  assert.equal(stdout, "closed\n");
});
