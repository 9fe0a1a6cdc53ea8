import { type Palette, paletteFor } from "./terminal/colour.ts";
import { type Progress, progressOn } from "./terminal/progress.ts";

/** Where a command prints: data on stdout; progress, notes and errors on stderr. */
export interface Context {
  readonly out: Palette;
  readonly err: Palette;
  readonly progress: Progress;
  readonly isJson: boolean;
  /** Width of what is printed on stdout. */
  readonly columns: number;
  /** A line of data. */
  print(line: string): void;
  /** A line for the person at the terminal; `--quiet` drops it. */
  note(line: string): void;
  warn(line: string): void;
}

/** Without a terminal: room for a row of five pictures. */
const NO_TERMINAL = 160;

/** Columns of a stream; where it is no terminal, the variable COLUMNS may say. */
export function columnsOf(stream: { readonly columns?: number }): number {
  const asked = Number(process.env.COLUMNS);
  return stream.columns ?? (Number.isSafeInteger(asked) && asked >= 40 ? asked : NO_TERMINAL);
}

/** The output of one command; `--json` leaves stdout to machines, `--quiet` leaves stderr to warnings and errors. */
export function openContext({ isJson, isQuiet }: { readonly isJson: boolean; readonly isQuiet: boolean }): Context {
  const err = paletteFor(process.stderr);
  const progress = progressOn(process.stderr, err, isQuiet);
  return {
    out: paletteFor(process.stdout),
    err,
    progress,
    isJson,
    columns: columnsOf(process.stdout),
    print: (line) => {
      progress.clear();
      process.stdout.write(`${line}\n`);
    },
    note: (line) => {
      if (!isQuiet) progress.note(line);
    },
    warn: (line) => progress.note(`${err.warn("warning:")} ${line}`),
  };
}
