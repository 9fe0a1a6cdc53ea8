/** The launcher: which Node runs a program, and that signals and exit codes come through. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";

const root = join(import.meta.dirname, "..");
const launcher = join(root, "scripts", "with-node.mjs");
const ownNode = join(root, "node_modules", "node", "bin", "node");
const needsOwnNode = { skip: !existsSync(ownNode) && "the package `node` has no binary here" };
let folder = "";

before(() => {
  folder = mkdtempSync(join(tmpdir(), "goldcrest-launcher-"));
  // Loaded before anything else, it makes a current Node look like an old one to the launcher, and only there.
  const disguise = 'if (process.argv[1]?.endsWith("mjs")) Object.defineProperty(process, "version", { value: "v20.20.2" });';
  writeFileSync(join(folder, "old.mjs"), disguise);
  writeFileSync(
    join(folder, "echo.ts"),
    "const args: string[] = process.argv.slice(2);\nconsole.log(JSON.stringify({ args, path: process.execPath }));\n",
  );
  writeFileSync(join(folder, "code.ts"), "process.exitCode = Number(process.argv[2]);\n");
  writeFileSync(join(folder, "die.ts"), 'process.kill(process.pid, "SIGTERM");\nsetInterval(() => {}, 1000);\n');
  writeFileSync(
    join(folder, "wait.ts"),
    'let n = 0;\nprocess.on("SIGINT", () => { n++; setTimeout(() => { console.log(n); process.exit(130); }, 200); });\nsetInterval(() => {}, 1000);\nconsole.log("ready");\n',
  );
});

after(() => rmSync(folder, { recursive: true, force: true }));

/** Arguments that run the launcher as a new or as a seemingly old Node. */
function launch(isOld: boolean, ...args: string[]): string[] {
  const preload = isOld ? ["--import", pathToFileURL(join(folder, "old.mjs")).href] : [];
  return [...preload, launcher, ...args.map((argument) => (argument.endsWith(".ts") ? join(folder, argument) : argument))];
}

test("a Node that is new enough runs the program itself", () => {
  const { stdout, stderr } = spawnSync(process.execPath, launch(false, "echo.ts", "a", "b c"), { encoding: "utf8" });
  assert.equal(stderr, "");
  assert.deepEqual(JSON.parse(stdout), { args: ["a", "b c"], path: process.execPath });
});

test("an old Node hands over to the repository's", needsOwnNode, () => {
  const { stdout, stderr } = spawnSync(process.execPath, launch(true, "echo.ts", "a", "b c"), { encoding: "utf8" });
  assert.equal(stderr, "");
  assert.deepEqual(JSON.parse(stdout), { args: ["a", "b c"], path: ownNode });
});

for (const isOld of [false, true]) {
  const how = isOld ? "through the repository's Node" : "in the same process";
  test(`the exit code comes through ${how}`, needsOwnNode, () => {
    assert.equal(spawnSync(process.execPath, launch(isOld, "code.ts", "42")).status, 42);
  });

  test(`a death by signal comes through ${how}`, needsOwnNode, () => {
    assert.equal(spawnSync(process.execPath, launch(isOld, "die.ts")).signal, "SIGTERM");
  });

  test(`an interrupt reaches the program once ${how}`, needsOwnNode, async () => {
    const child = spawn(process.execPath, launch(isOld, "wait.ts"), { stdio: ["ignore", "pipe", "ignore"] });
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += chunk;
      if (text === "ready\n") child.kill("SIGINT");
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    assert.equal(text, "ready\n1\n");
    assert.equal(code, 130);
  });
}
