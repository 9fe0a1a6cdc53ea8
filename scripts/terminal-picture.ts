/**
 * node scripts/with-node.mjs scripts/terminal-picture.ts <out.svg> < output: what a terminal would show of coloured output, as a picture.
 * README's was made from `FORCE_COLOR=1 COLUMNS=152 npm start --silent 2>&1`, with epochs left out by hand.
 *
 * Backgrounds and half blocks become one bitmap of two pixels a character, the rest text over it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { crc32, deflateSync } from "node:zlib";

/** Pixels of a character. */
const [WIDE, HIGH] = [8, 17];
const paper = "#16191f";
const ink = "#d6dae0";
/** The eight colours of a terminal, by their number. */
const colours: Readonly<Record<number, string>> = { 31: "#f2777a", 32: "#8fd694", 33: "#f0c674", 36: "#7fc7d9" };

/** How text looks from here on. */
interface Style {
  readonly fill: string;
  readonly isBold: boolean;
  readonly isDim: boolean;
  readonly front?: readonly number[];
  readonly back?: readonly number[];
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes begin with the escape character
const colourCode = /(\u001b\[[\d;]*m)/;

const plain: Style = { fill: ink, isBold: false, isDim: false };

function applied(style: Style, codes: readonly number[]): Style {
  const [first, kind, ...rest] = codes;
  if (first === 0) return plain;
  if (first === 1) return { ...style, isBold: true };
  if (first === 2) return { ...style, isDim: true };
  if (first === 22) return { ...style, isBold: false, isDim: false };
  if (first === 39) return { ...style, fill: ink, front: undefined };
  if (first === 49) return { ...style, back: undefined };
  if (first === 38 && kind === 2) return { ...style, front: rest };
  if (first === 48 && kind === 2) return { ...style, back: rest };
  if (first === 38 && kind === 5) return { ...style, fill: rest[0] === 16 ? "#101010" : "#ffffff" };
  return { ...style, fill: colours[first] ?? style.fill };
}

/** A character and how it looks. */
interface Cell {
  readonly text: string;
  readonly style: Style;
}

function cellsOf(line: string): Cell[] {
  let style = plain;
  const cells: Cell[] = [];
  for (const part of line.split(colourCode)) {
    if (part.startsWith("\u001b[")) style = applied(style, part.slice(2, -1).split(";").map(Number));
    else for (const text of part) cells.push({ text, style });
  }
  return cells;
}

function pngOf(width: number, height: number, rgba: Uint8Array): Buffer {
  const chunk = (type: string, data: Uint8Array): Buffer => {
    const whole = Buffer.concat([Buffer.alloc(4), Buffer.from(type, "latin1"), data, Buffer.alloc(4)]);
    whole.writeUInt32BE(data.length);
    whole.writeUInt32BE(crc32(whole.subarray(4, 8 + data.length)), 8 + data.length);
    return whole;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([8, 6], 8);
  const rows = Buffer.alloc(height * (width * 4 + 1));
  for (let y = 0; y < height; y++) rows.set(rgba.subarray(y * width * 4, (y + 1) * width * 4), y * (width * 4 + 1) + 1);
  const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", new Uint8Array(0))]);
}

/** Backgrounds and half blocks, two pixels a character, one above the other. */
function bitmapOf(lines: readonly (readonly Cell[])[], columns: number): Buffer {
  const rgba = new Uint8Array(columns * lines.length * 2 * 4);
  const put = (x: number, y: number, rgb: readonly number[]): void => rgba.set([...rgb, 255], (y * columns + x) * 4);
  for (const [y, cells] of lines.entries()) {
    for (const [x, { text, style }] of cells.entries()) {
      if (style.back) put(x, 2 * y + 1, style.back);
      if (text === "▀" && style.front) put(x, 2 * y, style.front);
      else if (style.back) put(x, 2 * y, style.back);
    }
  }
  return pngOf(columns, lines.length * 2, rgba);
}

/** Runs of one style as text elements, with their widths fixed so that no font moves a column. */
function textOf(cells: readonly Cell[], y: number): string {
  const elements: string[] = [];
  for (let from = 0, to = 0; from < cells.length; from = to) {
    const { style } = cells[from];
    while (to < cells.length && cells[to].style === style) to++;
    const run = cells
      .slice(from, to)
      .map(({ text }) => (text === "▀" ? " " : text))
      .join("");
    const look = `fill="${style.fill}"${style.isBold ? ' font-weight="700"' : ""}${style.isDim ? ' opacity="0.6"' : ""}`;
    // Viewers collapse neighbouring spaces, so what they part becomes elements of their own.
    for (const { 0: words, index } of run.matchAll(/\S+( \S+)*/g)) {
      const text = words.replace(/[<>&]/g, (c) => `&#${c.charCodeAt(0)};`);
      elements.push(`<text x="${(from + index) * WIDE}" y="${y * HIGH + 13}" textLength="${words.length * WIDE}" ${look}>${text}</text>`);
    }
  }
  return elements.join("");
}

const [out] = process.argv.slice(2);
const lines = readFileSync(0, "utf8").trimEnd().split("\n").map(cellsOf);
const columns = Math.max(...lines.map((cells) => cells.length));
const [width, height] = [columns * WIDE, lines.length * HIGH];
const bitmap = `data:image/png;base64,${bitmapOf(lines, columns).toString("base64")}`;
writeFileSync(
  out,
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width + 32}" height="${height + 32}" viewBox="-16 -16 ${width + 32} ${height + 32}" font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="13" xml:space="preserve"><title>Terminal output</title>
<rect x="-16" y="-16" width="${width + 32}" height="${height + 32}" rx="10" fill="${paper}"/>
<image width="${width}" height="${height}" preserveAspectRatio="none" style="image-rendering:pixelated" href="${bitmap}"/>
${lines.map(textOf).filter(Boolean).join("\n")}
</svg>
`,
);
