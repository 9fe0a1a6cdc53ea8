import type { Palette } from "./colour.ts";
import { padded } from "./text.ts";

/** 8-bit pixels, rows of `width` × `channels` bytes; 1 channel is grey, 3 are RGB. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}

const shades = " ·:-=+*#%@";

function pixelAt({ width, height, channels, data }: Pixels, x: number, y: number): readonly [number, number, number] {
  const at = (Math.min(height - 1, y) * width + Math.min(width - 1, x)) * channels;
  return channels === 3 ? [data[at], data[at + 1], data[at + 2]] : [data[at], data[at], data[at]];
}

/**
 * A picture as lines of text, two pixels a character: upper half blocks in 24-bit colour, or characters of growing ink where there is no
 * colour. Larger pictures are sampled down to `columns`.
 */
export function pictureLines(pixels: Pixels, palette: Palette, columns = 28): string[] {
  const width = Math.min(columns, pixels.width);
  const scale = pixels.width / width;
  const rows = Math.max(2, Math.round(pixels.height / scale));
  const sample = (x: number, y: number): readonly [number, number, number] =>
    pixelAt(pixels, Math.floor((x + 0.5) * scale), Math.floor((y + 0.5) * scale));
  const lines: string[] = [];
  for (let y = 0; y < rows; y += 2) {
    let line = "";
    for (let x = 0; x < width; x++)
      line += palette.hasColour
        ? halfBlocks(sample(x, y), sample(x, Math.min(y + 1, rows - 1)))
        : ink(sample(x, y), sample(x, Math.min(y + 1, rows - 1)));
    lines.push(palette.hasColour ? `${line}\u001b[0m` : line);
  }
  return lines;
}

function halfBlocks(upper: readonly number[], lower: readonly number[]): string {
  return `\u001b[38;2;${upper.join(";")}m\u001b[48;2;${lower.join(";")}m▀`;
}

function ink(upper: readonly number[], lower: readonly number[]): string {
  const light = [...upper, ...lower].reduce((sum, value) => sum + value, 0) / 6;
  return shades[Math.min(shades.length - 1, Math.floor((light / 256) * shades.length))];
}

/** Blocks of lines side by side, each with a caption below. */
export function sideBySide(
  blocks: readonly { readonly lines: readonly string[]; readonly width: number; readonly captions: readonly string[] }[],
  gap = 3,
): string {
  const height = Math.max(...blocks.map((block) => block.lines.length));
  const captions = Math.max(...blocks.map((block) => block.captions.length));
  const space = " ".repeat(gap);
  const rows = Array.from({ length: height }, (_, y) =>
    blocks
      .map(({ lines, width }) => padded(lines[y] ?? "", width))
      .join(space)
      .trimEnd(),
  );
  const below = Array.from({ length: captions }, (_, i) =>
    blocks
      .map(({ captions: texts, width }) => padded(texts[i] ?? "", width))
      .join(space)
      .trimEnd(),
  );
  return [...rows, ...below].join("\n").trimEnd();
}
