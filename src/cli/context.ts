import { GoldcrestError, OptionError } from "../index.ts";
import { type Palette, paletteFor } from "./terminal/colour.ts";
import { type Progress, progressOn } from "./terminal/progress.ts";

/** Where a command prints: data on stdout; progress, notes and errors on stderr. */
export interface Context {
  readonly out: Palette;
  readonly err: Palette;
  readonly progress: Progress;
  readonly isJson: boolean;
  /** A line of data. */
  print(line: string): void;
  /** A line for the person at the terminal. */
  note(line: string): void;
  warn(line: string): void;
}

/** The output of one command; `--json` leaves stdout to machines, `--quiet` leaves stderr to errors. */
export function openContext(options: { readonly json?: boolean; readonly quiet?: boolean }): Context {
  const err = paletteFor(process.stderr);
  const progress = progressOn(process.stderr, err, options.quiet === true);
  return {
    out: paletteFor(process.stdout),
    err,
    progress,
    isJson: options.json === true,
    print: (line) => {
      progress.clear();
      process.stdout.write(`${line}\n`);
    },
    note: (line) => progress.note(line),
    warn: (line) => progress.note(`${err.warn("warning:")} ${line}`),
  };
}

/** Number of an option; text that is no number is refused with the option's name. */
export function numberOption(name: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const number = typeof value === "number" ? value : Number(value);
  if (Array.isArray(value) || value === "" || value === true || Number.isNaN(number))
    throw new OptionError(`--${name} is ${String(value)}; it needs one number`);
  return number;
}

/** Text of an option (the parser turns digits into numbers). */
export function textOption(name: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (Array.isArray(value)) throw new OptionError(`--${name} is given ${value.length} times; it needs one value`);
  if (typeof value === "boolean" || value === "") throw new OptionError(`--${name} needs a value`);
  return String(value);
}

/** One of several words. */
export function choiceOption<T extends string>(name: string, value: unknown, choices: readonly T[]): T | undefined {
  const text = textOption(name, value);
  if (text === undefined) return undefined;
  const found = choices.find((choice) => choice === text);
  if (!found) throw new OptionError(`--${name} is "${text}"; it needs one of ${choices.join(", ")}`);
  return found;
}

/** Drops the undefined fields, so that spreads keep defaults. */
export function given<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** True for errors that are the user's to mend, whose text needs no stack. */
export function isUserError(error: unknown): error is GoldcrestError {
  return error instanceof GoldcrestError;
}
