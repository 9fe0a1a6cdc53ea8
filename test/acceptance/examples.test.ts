/** Every example runs as it is, prints what it promises, and is short. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

const examples = join(import.meta.dirname, "..", "..", "examples");
const MOST_LINES = 40;

/** Arguments that make a run short, what it prints, and the files it leaves. */
const runs: Readonly<Record<string, { readonly args: readonly string[]; readonly prints: RegExp; readonly leaves?: readonly string[] }>> = {
  "train.ts": {
    args: ["fashion.safetensors", "1"],
    prints: /test accuracy 0\.[5-9].*, best epoch 1\n(test \d+: .+ 0\.\d{3}, or .+; it is .+\n){5}$/,
    leaves: ["fashion.safetensors"],
  },
  "inspect.ts": {
    args: [],
    prints: /^%\d+ = conv2d\(.*\n(.*\n)+352032 parameters, 3230848 multiply–accumulates, .*\n211 nodes, \d+ after .*\n\d+ gradients, /,
  },
  "profile.ts": { args: ["mobilenet-v3-small", "32"], prints: /0 layers without a kernel; the slowest:\n(\d+\.\d+ ms .+\n){5}$/ },
  "customNetwork.ts": { args: ["1"], prints: /^test accuracy 0\.[2-9]\d*\n\d+ bytes; an empty image looks like a \w+/ },
};

let folder = "";
before(() => {
  folder = mkdtempSync(join(tmpdir(), "goldcrest-examples-"));
});
after(() => rmSync(folder, { recursive: true }));

test("every example has a run here", () => {
  assert.deepEqual(readdirSync(examples).sort(), Object.keys(runs).sort());
});

for (const [name, { args, prints, leaves = [] }] of Object.entries(runs)) {
  test(`examples/${name}`, () => {
    assert.ok(readFileSync(join(examples, name), "utf8").trimEnd().split("\n").length <= MOST_LINES, "its length");
    const held = readdirSync(folder);
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(examples, name), ...args], { cwd: folder, encoding: "utf8" });
    assert.deepEqual([status, stderr], [0, ""]);
    assert.match(stdout, prints);
    assert.deepEqual(readdirSync(folder), [...held, ...leaves]);
  });
}
