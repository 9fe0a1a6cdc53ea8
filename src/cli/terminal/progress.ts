import type { Palette } from "./colour.ts";
import { clipped } from "./text.ts";

/** What a progress line needs of a stream. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** One line that is rewritten in place on a terminal; elsewhere only what `note` gives, as plain lines. */
export interface Progress {
  /** Shows a share (0 … 1) and words; at most ten times a second. */
  update(share: number, words: string): void;
  /** Prints a line that stays. */
  note(line: string): void;
  clear(): void;
}

const INTERVAL_MS = 100;
const BAR = 24;
const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

function bar(share: number): string {
  const filled = Math.max(0, Math.min(1, share)) * BAR;
  const whole = Math.floor(filled);
  const text = "█".repeat(whole) + eighths[Math.floor((filled - whole) * 8)];
  return text.padEnd(BAR, "░");
}

/** Progress on a stream, usually stderr; quiet, it shows nothing by itself. */
export function progressOn(stream: ProgressStream, palette: Palette, isQuiet = false): Progress {
  let last = 0;
  let isShown = false;
  const clear = (): void => {
    if (isShown) stream.write("\r\u001b[2K");
    isShown = false;
  };
  return {
    update(share, words) {
      const now = performance.now();
      if (isQuiet || !stream.isTTY || now - last < INTERVAL_MS) return;
      last = now;
      isShown = true;
      const room = (stream.columns ?? 80) - BAR - 8;
      stream.write(
        `\r\u001b[2K${palette.accent(bar(share))} ${String(Math.floor(share * 100)).padStart(3)} %  ${clipped(words, Math.max(0, room))}`,
      );
    },
    note(line) {
      clear();
      stream.write(`${line}\n`);
    },
    clear,
  };
}
