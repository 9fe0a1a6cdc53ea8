/** README's example from code runs as printed, and the commands that it names are there. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { commands } from "../../src/cli/commands.ts";
import { parseCommand } from "../../src/cli/parse.ts";
import { openWorkplace, type Workplace } from "../lib/commandLine.ts";
import { stripeFiles } from "../lib/stripes.ts";

const root = join(import.meta.dirname, "..", "..");
const readme = readFileSync(join(root, "README.md"), "utf8");

let work: Workplace;
before(async () => {
  work = await openWorkplace();
  const files = await stripeFiles("birds", 6);
  await work.write({ ...files, "photo.jpg": files["birds/lying/0.png"] });
});
after(() => work.remove());

function replaced(text: string, from: string, to: string): string {
  assert.ok(text.includes(from), `README's example holds ${from}`);
  return text.replace(from, to);
}

test("the library example, with a shorter recipe and our sources in place of the package", async () => {
  let code = readme.match(/```ts\n([\s\S]*?)```/)?.[1] ?? "";
  for (const [name, entry] of [
    ["goldcrest", "index"],
    ["goldcrest/node", "node"],
    ["goldcrest/train", "train"],
  ]) {
    code = replaced(code, `from "${name}"`, `from "${pathToFileURL(join(root, "src", `${entry}.ts`)).href}"`);
  }
  code = replaced(code, 'recipe("photos")', 'recipe("photos", { epochs: 1, batch: 4 })');
  await work.write({ "example.mts": code });
  const { status, stdout, stderr } = spawnSync(process.execPath, ["example.mts"], {
    cwd: work.folder,
    encoding: "utf8",
    env: { ...process.env, GOLDCREST_CACHE: work.path("cache") },
  });
  assert.deepEqual([status, stderr], [0, ""]);
  assert.match(stdout, /epoch: 1[\s\S]*label: '(lying|standing)', probability: 0\.\d+/);
});

test("the commands that README shows parse", () => {
  const lines = [...readme.matchAll(/^npx goldcrest (.*?)(?: {2,}#.*)?$/gm)].map(([, line]) => line.trim().split(/\s+/));
  assert.ok(lines.length >= 5);
  for (const [name, ...rest] of lines) {
    const command = commands.find((each) => each.name === name);
    assert.ok(command, name);
    parseCommand(command, rest);
  }
});

test("the scripts that README names are in package.json", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: Record<string, string> };
  const named = [...readme.matchAll(/npm run ([\w-]+)/g)].map(([, name]) => name);
  assert.deepEqual(
    named.filter((name) => !Object.hasOwn(scripts, name)),
    [],
  );
});
