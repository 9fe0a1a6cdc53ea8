/** What becomes of a session whose threads fail, sleep or end. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { after, test } from "node:test";
import { EngineError } from "../../core/errors.ts";
import { tensor } from "../../core/tensor.ts";
import type { Session } from "../../engine/session.ts";
import type { Graph } from "../../ir/graph.ts";
import { graphScope } from "../../ir/scope.ts";
import { ops } from "../../ops/index.ts";
import { i32 } from "./assembler.ts";
import { control, hasFailed } from "./control.ts";
import { wasmBackend } from "./index.ts";
import { step } from "./kernel.ts";
import { wasmKernel, writeModule } from "./module.ts";
import { openSession } from "./session.ts";
import { startHelpers } from "./threads.ts";

function relu(): Graph {
  const g = graphScope();
  g.output("y", ops.relu(g, [g.input("x", [8])], {}));
  return g.finish();
}

/** Two units, one for each of two threads; the one given traps where the first element of x is not 0. */
const trapping = (unit: number) =>
  wasmKernel(`trap ${unit}`, { x: "i32" }, ({ x, begin }, k) => k.if(i32.and(i32.eq(begin, unit), i32.ne(i32.load(x), 0)), () => k.trap()));

const openTrapping = (unit: number, threads: number): Promise<Session> =>
  openSession(relu(), new Map(), { relu: (node, { at }) => [step(trapping(unit), 2, { x: at(node.inputs[0]) })] }, { threads });

const x = (value: number) => ({ x: tensor([8], new Float32Array(8).fill(value)) });

for (const [who, unit, threads] of [
  ["the caller's own thread", 0, 1],
  ["the caller's part of a shared run", 0, 2],
  ["a helper thread", 1, 2],
] as const) {
  test(`${who} that fails ends the run with an EngineError, and every later one`, async () => {
    using session = await openTrapping(unit, threads);
    session.run(x(0));
    const reason = unit === 1 ? /a helper thread failed or stopped answering/ : /a run did not end: unreachable/;
    assert.throws(
      () => session.run(x(1)),
      (error) => error instanceof EngineError && reason.test(error.message),
    );
    assert.throws(
      () => session.run(x(0)),
      (error) => error instanceof EngineError && /of no more use/.test(error.message),
    );
  });
}

const idle = wasmKernel("idle", {}, () => {});

test("a run whose helper never comes ends after its patience, not never", () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const module = new WebAssembly.Module(writeModule([idle], { pages: 1, isShared: true, isRelaxed: false, patience: 20e6 }));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  // One step of two units, its record at 1024.
  new Int32Array(memory.buffer).set([1, 2048, 2, 0], 256);
  new Int32Array(memory.buffer)[control.steps / 4] = 1024;
  assert.throws(() => (exports.run as (...args: number[]) => void)(0, 1, 0, 2, 0), WebAssembly.RuntimeError);
  assert.ok(hasFailed(memory));
});

/** Polls until something holds; the test's own time limit ends it. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test("an idle helper sleeps, and ends when it is told to", async () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const module = new WebAssembly.Module(writeModule([idle], { pages: 1, isShared: true, isRelaxed: false }));
  const words = new Int32Array(memory.buffer);
  const helpers = await startHelpers(module, memory, 3);
  await until(() => words[control.sleepers / 4] === 2);
  assert.equal(helpers.areBroken, false);
  helpers.stop();
  await until(() => words[control.sleepers / 4] === 0);
});

test("a module that no helper can start, because its memory is too small, is an EngineError, and no helper is left", async () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const module = new WebAssembly.Module(writeModule([idle], { pages: 2, isShared: true, isRelaxed: false }));
  await assert.rejects(startHelpers(module, memory, 3), EngineError);
});

/** Threads of this process, where the system tells. */
const threadCount = (): number => readdirSync("/proc/self/task").length;

test("many sessions live side by side, and disposing of them ends their threads", {
  skip: process.platform !== "linux" && "threads are counted on Linux",
}, async () => {
  using first = await wasmBackend.open(relu(), new Map(), { threads: 2 });
  const before = threadCount();
  const sessions = await Promise.all(Array.from({ length: 8 }, () => wasmBackend.open(relu(), new Map(), { threads: 3 })));
  for (const [i, session] of sessions.entries()) assert.deepEqual([...session.run(x(i)).y.data], Array(8).fill(i));
  assert.ok(threadCount() >= before + 16);
  for (const session of sessions) session.dispose();
  await until(() => threadCount() <= before);
  assert.deepEqual([...first.run(x(5)).y.data], Array(8).fill(5));
});

test("memory that the platform refuses is an EngineError", async () => {
  const { Memory } = WebAssembly;
  after(() => {
    WebAssembly.Memory = Memory;
  });
  // @ts-expect-error: a platform without memory.
  WebAssembly.Memory = function refuse() {
    throw new RangeError("could not allocate memory");
  };
  await assert.rejects(
    wasmBackend.open(relu(), new Map(), { threads: 2 }),
    (error) => error instanceof EngineError && /refuses \d+ MiB/.test(error.message),
  );
  WebAssembly.Memory = Memory;
});

test("without shared memory a run takes one thread, and the console says so once", async (t) => {
  const host = globalThis as { crossOriginIsolated?: boolean };
  const warn = t.mock.method(console, "warn", () => {});
  host.crossOriginIsolated = false;
  try {
    for (let i = 0; i < 2; i++) {
      using session = await wasmBackend.open(relu(), new Map(), { threads: 2 });
      assert.equal(session.threads, 1);
      assert.deepEqual([...session.run(x(2)).y.data], Array(8).fill(2));
    }
  } finally {
    delete host.crossOriginIsolated;
  }
  assert.equal(warn.mock.callCount(), 1);
  assert.match(String(warn.mock.calls[0].arguments[0]), /one thread instead of 2: .*Cross-Origin-Opener-Policy/);
});
