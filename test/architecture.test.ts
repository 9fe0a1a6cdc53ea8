/** Who may import whom, and the house rules that can be read off the text. */
import assert from "node:assert/strict";
import { isBuiltin } from "node:module";
import { test } from "node:test";
import { matchExpected } from "./lib/expected.ts";
import { exportsOf, importsOf, listFiles, readSource, resolveImport } from "./lib/sources.ts";

/** A folder of src/ may import itself and the folders listed. */
const mayImport: Readonly<Record<string, string>> = {
  core: "",
  ir: "core",
  ops: "core ir",
  blocks: "core ir ops",
  networks: "core ir ops blocks passes",
  passes: "core ir ops",
  data: "core",
  engine: "core ir ops",
  backends: "core ir ops engine",
  formats: "core ir ops",
  profile: "core ir ops engine",
  train: "core ir ops passes engine data formats",
  quantize: "core ir ops passes engine data",
  search: "core ir ops blocks networks passes data engine formats profile train quantize",
  deploy: "core ir ops passes engine backends formats data",
  queue: "core data formats search",
  model: "core ir ops networks passes engine backends data formats profile train quantize",
};

const entries = ["src/index.ts", "src/inference.ts", "src/train.ts", "src/node.ts"];
/** Entries that browsers load: nothing they reach may need Node. */
const browserEntries = ["src/index.ts", "src/inference.ts", "src/train.ts"];
/** Files above 300 lines, each with the reason why it is not split. */
const longFiles: Readonly<Record<string, string>> = {};
const longest = 300;

/** Tests and what only they use; neither is part of the package. */
const isTest = (path: string): boolean => /\.(test|testing)\.ts$/.test(path);
const sources = listFiles("src/**/*.ts").filter((path) => !isTest(path));
const isNodeFile = (path: string): boolean => path.endsWith(".node.ts") || path === "src/node.ts" || path.startsWith("src/cli/");

/** Says what is wrong with one import, or nothing. */
function objection(path: string, from: string): string | undefined {
  if (!from.startsWith(".")) {
    if (isBuiltin(from) && !isNodeFile(path))
      return `${path} imports ${from}; only *.node.ts, src/node.ts and src/cli may import Node's modules`;
    return undefined;
  }
  const target = resolveImport(path, from);
  const folder = path.split("/")[1];
  if (entries.includes(path) && target.startsWith("src/")) return undefined;
  const isOutside = /^(studio|examples)\//.test(path) || folder === "cli";
  if (
    isOutside &&
    (entries.includes(target) ||
      target.startsWith(
        `${path
          .split("/")
          .slice(0, folder === "cli" ? 2 : 1)
          .join("/")}/`,
      ))
  )
    return undefined;
  if (isOutside) return `${path} imports ${target}; it may import the public entries only (${entries.join(", ")})`;
  const allowed = mayImport[folder];
  if (allowed === undefined) return `${path} lies in a folder that the table of test/architecture.test.ts does not know`;
  const wanted = target.split("/")[1];
  if (target.startsWith("src/") && (wanted === folder || allowed.split(" ").includes(wanted))) return undefined;
  return `${path} imports ${target}; ${folder} may import ${allowed || "nothing but itself"}`;
}

/** The path of static, run-time imports from an entry to a module of Node, or nothing. */
function pathToNode(path: string, seen: Set<string>): string[] | undefined {
  if (seen.has(path)) return undefined;
  seen.add(path);
  for (const { from, isType, isDynamic } of importsOf(readSource(path))) {
    if (isType || isDynamic) continue;
    if (isBuiltin(from)) return [path, from];
    if (!from.startsWith(".")) continue;
    const rest = pathToNode(resolveImport(path, from), seen);
    if (rest) return [path, ...rest];
  }
  return undefined;
}

test("every import respects the table", () => {
  const files = [...sources, ...listFiles("studio/**/*.ts", "examples/**/*.ts")];
  const wrong = files.flatMap((path) =>
    importsOf(readSource(path)).flatMap(({ from, isDynamic }) => (isDynamic && isBuiltin(from) ? [] : (objection(path, from) ?? []))),
  );
  assert.deepEqual(wrong, []);
});

test("the table refuses what the design refuses", () => {
  assert.match(objection("src/passes/fold.ts", "../networks/index.ts") ?? "", /passes may import core ir ops/);
  assert.match(objection("src/engine/plan.ts", "../backends/wasm/index.ts") ?? "", /engine may import/);
  assert.match(objection("src/core/shape.ts", "../ir/graph.ts") ?? "", /nothing but itself/);
  assert.match(objection("src/core/shape.ts", "node:fs") ?? "", /only \*\.node\.ts/);
  assert.match(objection("src/cli/fit.ts", "../train/loop.ts") ?? "", /public entries only/);
  assert.match(objection("src/elsewhere/x.ts", "../core/shape.ts") ?? "", /does not know/);
  assert.equal(objection("src/cli/fit.ts", "../node.ts"), undefined);
  assert.equal(objection("src/backends/wasm/kernels/relu.ts", "../../../ir/op.ts"), undefined);
});

test("imports of every form are seen", () => {
  const code = [
    'import { a } from "./a.ts";',
    'import type { B } from "./b.ts";',
    'import {\n  type C,\n} from "./c.ts";',
    'export * from "./d.ts";',
    'import "./e.ts";',
    'const f = await import("./f.ts");',
    '// import { g } from "./g.ts";',
  ].join("\n");
  const seen = importsOf(code).map(({ from, isType, isDynamic }) => `${from}${isType ? " type" : ""}${isDynamic ? " dynamic" : ""}`);
  assert.deepEqual(seen, ["./a.ts", "./b.ts type", "./c.ts type", "./d.ts", "./e.ts", "./f.ts dynamic"]);
});

test("the browser's entries reach no module of Node", () => {
  for (const entry of browserEntries.filter((path) => sources.includes(path))) {
    assert.equal(pathToNode(entry, new Set())?.join(" → "), undefined);
  }
});

test("nobody branches on an op's name", () => {
  const branch = /\bop\.name\s*[!=]==?|[!=]==?\s*\w*\.?op\.name\b|switch\s*\([^)]*\bop\.name\)/;
  const wrong = sources.flatMap((path) =>
    readSource(path)
      .split("\n")
      .flatMap((line, index) => (branch.test(line) ? `${path}:${index + 1}: ${line.trim()}` : [])),
  );
  assert.deepEqual(wrong, []);
});

test(`no file is longer than ${longest} lines without a reason`, () => {
  const files = listFiles("{src,test,bench,scripts,examples}/**/*.{ts,mjs,js}");
  const lengths = files.map((path) => ({ path, lines: readSource(path).trimEnd().split("\n").length }));
  const long = lengths.filter(({ lines }) => lines > longest);
  assert.deepEqual(
    long.filter(({ path }) => longFiles[path] === undefined),
    [],
  );
  const stale = Object.keys(longFiles).filter((path) => !long.some((file) => file.path === path));
  assert.deepEqual(stale, [], "no longer long, so no longer in need of a reason");
});

for (const entry of entries) {
  test(`the names that ${entry} exports are the agreed ones`, { skip: !sources.includes(entry) && `${entry} does not exist` }, () => {
    matchExpected(`api/${entry.replace(/^src\/|\.ts$/g, "")}.txt`, exportsOf(entry).join("\n"));
  });
}
