/** Killed at any moment and started again, training in stages ends with the bits of never stopping; so it does with another number of threads. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { trainers } from "./trainers.ts";

const script = join(import.meta.dirname, "train.ts");
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "goldcrest-"));
});
after(() => rm(folder, { recursive: true }));

/** How a training process ended, and what it printed. */
interface Ended {
  readonly signal: NodeJS.Signals | null;
  readonly code: number | null;
  readonly printed: string;
}

/** Runs one training; `onLine` may kill it. */
function train(
  name: string,
  output: string,
  crashAt = 0,
  onLine: (line: string, kill: () => void) => void = () => undefined,
): Promise<Ended> {
  const child = spawn(process.execPath, [script, name, output, String(crashAt)], { stdio: ["ignore", "pipe", "inherit"] });
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
    for (const line of text.split("\n")) onLine(line, () => child.kill("SIGKILL"));
  });
  return new Promise((resolve) => child.once("close", (code, signal) => resolve({ code, signal, printed })));
}

async function trainToTheEnd(name: string, output: string): Promise<Buffer> {
  const { code, printed } = await train(name, output);
  assert.equal(code, 0, printed);
  assert.deepEqual(
    (await readdir(folder)).filter((file) => file.includes(output.slice(folder.length + 1))),
    [output.slice(folder.length + 1)],
  );
  return readFile(output);
}

/**
 * Each run of a chain resumes what the one before left. Calls 1 to 4 prove that the place can be written, then each checkpoint opens,
 * writes, syncs, renames twice, opens the folder and syncs it: these are the seven calls of the second checkpoint of a resumed run.
 */
const crashes = [12, 13, 14, 15, 16, 17, 18];
/** Backends share the store, so one chain for float64 and one for WebAssembly will do. */
const crashing = ["reference", "wasm"];

const wholes = new Map<string, Buffer>();
for (const name of Object.keys(trainers)) {
  const fileOf = (what: string): string => join(folder, `${name.replaceAll(" ", "-")}-${what}`);

  test(`${name}: killed from outside while steps and validation run`, async () => {
    const whole = await trainToTheEnd(name, fileOf("whole"));
    wholes.set(name, whole);
    const output = fileOf("killed");
    for (const line of ["training 2", "validation 5", "training 13"]) {
      const { signal } = await train(name, output, 0, (printed, kill) => printed === line && kill());
      assert.equal(signal, "SIGKILL", line);
    }
    assert.deepEqual(await trainToTheEnd(name, output), whole);
  });
}

for (const name of crashing) {
  test(`${name}: killed between and inside the calls that write a checkpoint`, async () => {
    const output = join(folder, `${name}-crashed`);
    for (const crashAt of crashes) {
      const { signal, printed } = await train(name, output, crashAt);
      assert.equal(signal, "SIGKILL", `call ${crashAt} was not reached: ${printed}`);
    }
    assert.deepEqual(await trainToTheEnd(name, output), wholes.get(name));
  });
}

test("one thread and two give the same bits", () => {
  assert(wholes.has("wasm"));
  assert.deepEqual(wholes.get("wasm with two threads"), wholes.get("wasm"));
});
