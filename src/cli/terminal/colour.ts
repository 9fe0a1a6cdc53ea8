import pc from "picocolors";

type Painter = (text: string) => string;

/** The few colours that the commands use; plain text where the stream is no terminal or NO_COLOR is set. */
export interface Palette {
  readonly hasColour: boolean;
  readonly bold: Painter;
  readonly dim: Painter;
  readonly good: Painter;
  readonly warn: Painter;
  readonly bad: Painter;
  readonly accent: Painter;
  /** Text on a background of 24-bit colour; the text is black or white, whichever reads better. */
  on(rgb: readonly [number, number, number], text: string): string;
}

/** The palette of a stream. FORCE_COLOR turns colour on without a terminal. */
export function paletteFor(stream: { readonly isTTY?: boolean }): Palette {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  const isForced = FORCE_COLOR !== undefined && FORCE_COLOR !== "0";
  const hasColour = !NO_COLOR && (isForced || (stream.isTTY === true && TERM !== "dumb"));
  const { bold, dim, green, yellow, red, cyan } = pc.createColors(hasColour);
  return {
    hasColour,
    bold,
    dim,
    good: green,
    warn: yellow,
    bad: red,
    accent: cyan,
    on: (rgb, text) => (hasColour ? background(rgb, text) : text),
  };
}

function background([r, g, b]: readonly [number, number, number], text: string): string {
  const isBright = 0.299 * r + 0.587 * g + 0.114 * b > 140;
  return `\u001b[48;2;${r};${g};${b}m\u001b[38;5;${isBright ? 16 : 231}m${text}\u001b[0m`;
}
