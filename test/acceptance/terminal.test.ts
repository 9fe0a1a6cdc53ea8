/** What a person at a terminal sees: `script` lends the command one. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openWorkplace, type Workplace } from "../lib/commandLine.ts";
import { quick, stripeFiles } from "../lib/stripes.ts";

const bin = join(import.meta.dirname, "..", "..", "bin", "goldcrest.js");
const hasScript = process.platform === "linux" && spawnSync("script", ["--version"]).status === 0;

let work: Workplace;
before(async () => {
  work = await openWorkplace();
  await work.write(await stripeFiles("bars", 24));
});
after(() => work.remove());

/** Everything written to a terminal of 120 columns. */
function onTerminal(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): { readonly text: string; readonly code: number | null } {
  const command = [process.execPath, bin, ...args].map((part) => `'${part}'`).join(" ");
  const { NO_COLOR: _, ...inherited } = process.env;
  const { stdout, status } = spawnSync("script", ["-qec", `stty cols 120; ${command}`, "/dev/null"], {
    cwd: work.folder,
    env: { ...inherited, TERM: "xterm-256color", ...env },
    encoding: "utf8",
  });
  return { text: stdout, code: status };
}

test("a progress line with loss, accuracy, images/s and time left; matrix and pictures in colour", {
  skip: !hasScript && "there is no `script` here",
}, () => {
  const { text, code } = onTerminal(["fit", "bars", ...quick(20)]);
  assert.equal(code, 0, text);
  const [esc, back] = ["\u001b", "\r"];
  const lines = text.split(`${back}${esc}[2K`);
  const progress = /█*.*\d+ % {2}epoch \d+\/20 {2}loss \d\.\d{3} {2}\d+\.\d % {2}[\d,]+ images\/s {2}\d+ s left$/;
  assert.ok(
    lines.some((line) => progress.test(line)),
    JSON.stringify(lines.slice(0, 5)),
  );
  assert.match(text, /▀.*▀/, "the pictures");
  assert.ok(text.includes(`${esc}[48;2;`), "the matrix");
  assert.ok(text.includes(`${esc}[32m✓${esc}[39m model.safetensors (`), "the last lines");
});

test("NO_COLOR leaves the terminal without colour", { skip: !hasScript && "there is no `script` here" }, () => {
  const { text, code } = onTerminal(["evaluate", "model.safetensors", "bars", "--quiet"], { NO_COLOR: "1" });
  assert.equal(code, 0, text);
  assert.ok(text.includes("accuracy ") && !text.includes("\u001b"));
});
