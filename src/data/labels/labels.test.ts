import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { DataError } from "../../core/errors.ts";
import { imagenetLabels, readLabels } from "./labels.node.ts";

const folder = mkdtempSync(join(tmpdir(), "goldcrest-labels-"));
after(() => rmSync(folder, { recursive: true }));
const read = (text: string): Promise<readonly string[]> => {
  writeFileSync(join(folder, "labels"), text);
  return readLabels(join(folder, "labels"));
};

test("ImageNet has a thousand names, no two the same, in the order of its classes", async () => {
  const labels = await imagenetLabels();
  assert.deepEqual([labels.length, new Set(labels).size], [1000, 1000]);
  assert.deepEqual([labels[0], labels[281], labels[999]], ["tench", "tabby", "toilet tissue"]);
});

test("labels are read from lines and from a JSON list", async () => {
  assert.deepEqual(await read("wren\r\nsong thrush \n"), ["wren", "song thrush"]);
  assert.deepEqual(await read('["wren", "song, thrush"]'), ["wren", "song, thrush"]);
});

const refused: readonly (readonly [text: string, message: RegExp])[] = [
  ["wren\n\nthrush", /label 2 is empty/],
  ["", /label 1 is empty/],
  ["wren\nthrush\nwren", /the label "wren" is given twice, as 1 and 3/],
  ["caf\u00e9\ncafe\u0301", /given twice, as 1 and 2/],
  ["[1, 2]", /needs a JSON list of at least one text/],
  ["[]", /needs a JSON list of at least one text/],
  ["[wren", /not valid JSON; it needs a list of texts, or one label a line/],
];

for (const [text, message] of refused) {
  test(`labels ${JSON.stringify(text)} are refused`, async () => {
    await assert.rejects(read(text), (error: Error) => error instanceof DataError && message.test(error.message));
  });
}
