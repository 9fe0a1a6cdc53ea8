/** Expected texts, kept as files under test/expected/ and rewritten by `npm run update-goldens`. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const folder = join(import.meta.dirname, "..", "expected");

/** Compares a text with `test/expected/<name>`, or writes it there when the goldens are being updated. */
export function matchExpected(name: string, text: string): void {
  const path = join(folder, name);
  const found = text.endsWith("\n") ? text : `${text}\n`;
  if (process.env.UPDATE_GOLDENS === "1") {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, found);
    return;
  }
  assert(existsSync(path), `test/expected/${name} does not exist; \`npm run update-goldens\` writes it`);
  assert.equal(found, readFileSync(path, "utf8"), `differs from test/expected/${name}; if that is intended: npm run update-goldens`);
}
