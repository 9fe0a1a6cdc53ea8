import assert from "node:assert/strict";
import { test } from "node:test";
import { matchExpected } from "../../../test/lib/expected.ts";
import { type Palette, paletteFor } from "./colour.ts";
import { confusionSvg } from "./confusion.ts";
import { evaluationText } from "./evaluation.ts";
import { pictureLines, sideBySide } from "./picture.ts";
import { progressOn } from "./progress.ts";
import { clipped, duration, grouped, padded, percent, printable, short, table, widthOf } from "./text.ts";

const plain = paletteFor({ isTTY: false });

/** A palette as a terminal with colours has it. */
function coloured(): Palette {
  const { NO_COLOR, TERM } = process.env;
  delete process.env.NO_COLOR;
  process.env.TERM = "xterm";
  try {
    return paletteFor({ isTTY: true });
  } finally {
    if (NO_COLOR !== undefined) process.env.NO_COLOR = NO_COLOR;
    process.env.TERM = TERM ?? "";
  }
}

const evaluation = {
  images: 10,
  loss: 0.61234,
  accuracy: 0.7,
  macroF1: 0.6875,
  classes: [
    { label: "Stieglitz", images: 4, precision: 0.75, recall: 0.75, f1: 0.75 },
    { label: "ゴシキヒワ", images: 3, precision: 0.5, recall: 0.6667, f1: 0.5714 },
    { label: "a name that is too long for its column", images: 3, precision: 1, recall: 0.6667, f1: 0.8 },
  ],
  confusion: [
    [3, 1, 0],
    [1, 2, 0],
    [0, 1, 2],
  ],
};

test("an evaluation as text, as a matrix and where there is no room for one", () => {
  const [wide, narrow] = [evaluationText(evaluation, plain, 100, "test images"), evaluationText(evaluation, plain, 35, "test images")];
  matchExpected("cli/evaluation.txt", `${wide}\n\n\n${narrow}`);
});

test("a confusion matrix in colour has a background for each cell, and the same text otherwise", () => {
  const [text, without] = [coloured(), plain].map((palette) => evaluationText(evaluation, palette, 100, "test images"));
  assert.equal(text.split("\u001b[48;2;").length - 1, 9);
  assert.deepEqual(text.split("\n").map(widthOf), without.split("\n").map(widthOf));
});

test("the picture of a confusion matrix is well-formed and escapes what labels hold", () => {
  const svg = confusionSvg(
    ["<b>", 'a"&\u0007'],
    [
      [1, 0],
      [2, 3],
    ],
    "t & u",
  );
  assert.ok(svg.startsWith("<svg ") && svg.trimEnd().endsWith("</svg>"));
  assert.ok(!svg.includes("<b>") && !svg.includes("\u0007") && svg.includes("&#60;b&#62;") && svg.includes("t &#38; u"));
  assert.equal(svg.match(/<rect /g)?.length, 1 + 4);
});

test("a picture is two pixels a character in colour, ink without", () => {
  const pixels = { width: 2, height: 4, channels: 1, data: Uint8Array.of(0, 255, 0, 255, 128, 0, 128, 0) } as const;
  assert.deepEqual(pictureLines(pixels, plain), [" @", "+ "]);
  const lines = pictureLines(pixels, coloured());
  assert.equal(lines.length, 2);
  assert.ok(lines[0].startsWith("\u001b[38;2;0;0;0m\u001b[48;2;0;0;0m▀\u001b[38;2;255;255;255m\u001b[48;2;255;255;255m▀"));
  assert.equal(widthOf(lines[0]), 2);
  const large = { width: 100, height: 50, channels: 3, data: new Uint8Array(100 * 50 * 3) } as const;
  assert.deepEqual([pictureLines(large, plain, 20).length, widthOf(pictureLines(large, plain, 20)[0])], [5, 20]);
});

test("pictures side by side keep their columns, wide captions too", () => {
  const block = (text: string): { lines: string[]; width: number; captions: string[] } => ({
    lines: ["##", "##"],
    width: 6,
    captions: [text],
  });
  assert.equal(sideBySide([block("ゴシ"), block("b")], 1), "##     ##\n##     ##\nゴシ   b");
});

test("progress is one line rewritten on a terminal, and nothing elsewhere; notes stay", () => {
  for (const isTTY of [true, false]) {
    let written = "";
    const progress = progressOn({ isTTY, columns: 60, write: (text: string) => (written += text) }, plain);
    progress.update(0.5, "epoch 1/2  loss 1.234  50.0 %  1,000 images/s  2 min 05 s left");
    progress.note("epoch 1/2 done");
    progress.clear();
    const line = "████████████░░░░░░░░░░░░  50 %  epoch 1/2  loss 1.234  50.0…";
    assert.equal(written, isTTY ? `\r\u001b[2K${line}\r\u001b[2Kepoch 1/2 done\n` : "epoch 1/2 done\n");
    assert.ok(widthOf(line) <= 60);
  }
});

test("text from outside cannot steer the terminal, and widths are those of a terminal", () => {
  assert.equal(printable("a\u001b[31mb\nc\u202e"), "a�[31mb�c�");
  assert.deepEqual(["é", "e\u0301", "ゴ", "🐦", "\u001b[1mx\u001b[0m"].map(widthOf), [1, 1, 2, 2, 1]);
  assert.deepEqual([clipped("Stieglitz", 6), clipped("ゴシキヒワ", 6), clipped("x", 6)], ["Stieg…", "ゴシ…", "x"]);
  assert.equal(padded("7", 3, true), "  7");
});

test("numbers are the same in every locale", () => {
  assert.deepEqual(
    [short(3_504_872), short(999), short(1_234), grouped(3_504_872), percent(0.8725, 2)],
    ["3.50 M", "999", "1.23 k", "3,504,872", "87.25 %"],
  );
  assert.deepEqual([duration(59.4), duration(125), duration(7_800)], ["59 s", "2 min 05 s", "2 h 10 min"]);
  assert.equal(
    table(
      ["name", "n"],
      [
        ["a", "1"],
        ["bb", "10"],
      ],
    ),
    "name   n\n────  ──\na      1\nbb    10",
  );
});
