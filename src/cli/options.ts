import { type NetworkOptions, OptionError } from "../index.ts";

/** Options as they were typed, by their long names: text, or whether a flag is on. Defaults are filled in. */
export type RawOptions = Readonly<Record<string, string | boolean>>;

/** Number of an option; text that is no number is refused with the option's name. */
export function numberOption(raw: RawOptions, name: string): number | undefined {
  const text = textOption(raw, name);
  if (text === undefined) return undefined;
  const number = Number(text);
  if (text.trim() === "" || Number.isNaN(number)) throw new OptionError(`--${name} is ${JSON.stringify(text)}; it needs a number`);
  return number;
}

/** Whole number of an option, `least` or more. */
export function wholeOption(raw: RawOptions, name: string, least: number): number | undefined {
  const number = numberOption(raw, name);
  if (number !== undefined && (!Number.isSafeInteger(number) || number < least))
    throw new OptionError(`--${name} is ${raw[name]}; it needs a whole number of ${least} or more`);
  return number;
}

/** A share: 0 or more, below 1. */
export function shareOption(raw: RawOptions, name: string): number | undefined {
  const share = numberOption(raw, name);
  if (share !== undefined && !(share >= 0 && share < 1))
    throw new OptionError(`--${name} is ${raw[name]}; it needs a share from 0 to below 1`);
  return share;
}

/** Text of an option. */
export function textOption(raw: RawOptions, name: string): string | undefined {
  const value = raw[name];
  if (typeof value === "boolean" || value === "") throw new OptionError(`--${name} needs a value`);
  return value;
}

/** One of several words. */
export function choiceOption<T extends string>(raw: RawOptions, name: string, choices: readonly T[]): T | undefined {
  const text = textOption(raw, name);
  if (text === undefined) return undefined;
  const found = choices.find((choice) => choice === text);
  if (!found) throw new OptionError(`--${name} is ${JSON.stringify(text)}; it needs one of ${choices.join(", ")}`);
  return found;
}

/** True where a flag was given. */
export function hasFlag(raw: RawOptions, name: string): boolean {
  return raw[name] === true;
}

/** Drops the undefined fields, so that spreads keep defaults. */
export function given<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** --width, --variant, --conv, --arithmetic, --gradient, --dropped-strides, --small-image. */
export function networkOptions(raw: RawOptions): NetworkOptions {
  return given({
    width: numberOption(raw, "width"),
    variant: textOption(raw, "variant"),
    // Which names there are, the network says.
    conv: textOption(raw, "conv") as NetworkOptions["conv"],
    arithmetic: textOption(raw, "arithmetic") as NetworkOptions["arithmetic"],
    gradient: textOption(raw, "gradient"),
    droppedStrides: wholeOption(raw, "dropped-strides", 0),
    isSmallImage: raw["small-image"] as boolean | undefined,
  });
}

/** --threads: how many share a run; by default both of two cores, at most four. */
export function threadsOption(raw: RawOptions, available: number): number {
  const threads = wholeOption(raw, "threads", 1) ?? Math.max(1, Math.min(4, available));
  if (threads > MOST_THREADS) throw new OptionError(`--threads is ${threads}; it needs at most ${MOST_THREADS}`);
  return threads;
}

const MOST_THREADS = 64;
