import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../scripts/lib/run.ts";
import { unmatchedPages, withDesigns, zooDocuments } from "../scripts/zoo/documents.ts";

const files = zooDocuments();

test("every family has a page and every page a family", () => {
  assert.deepEqual(unmatchedPages(), []);
});

test("docs/zoo is what npm run docs:zoo writes", () => {
  const stale = [...files].filter(([path, text]) => readFileSync(join(root, path), "utf8") !== text).map(([path]) => path);
  assert.deepEqual(stale, [], "run npm run docs:zoo");
  const held = readdirSync(join(root, "docs/zoo"), { recursive: true, encoding: "utf8" }).filter((name) => /\.(md|svg)$/.test(name));
  assert.deepEqual(
    held.filter((name) => !files.has(`docs/zoo/${name}`)),
    [],
  );
});

test("the README's table of designs is what npm run docs:zoo writes", () => {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  assert.equal(withDesigns(readme), readme, "run npm run docs:zoo");
});

test("links between the pages lead somewhere", () => {
  for (const [path, text] of files) {
    for (const [, target] of text.matchAll(/\]\((?!https:)([^)#]+)\)/g))
      assert.ok(files.has(join("docs/zoo", target)), `${path}: ${target}`);
  }
});
