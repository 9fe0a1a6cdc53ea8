import { type Model, OptionError } from "../../index.ts";
import type { Context } from "../context.ts";
import { choiceOption, given, type RawOptions, textOption } from "../options.ts";

/** What was read, and an account of it. */
export interface Imported {
  /** Absent where something does not fit. */
  readonly model?: Model;
  /** What the model is, or why there is none, in words. */
  readonly proof: string;
  /** More for people, in front of it. */
  readonly lines?: readonly string[];
  /** The same for machines. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** What was assumed. */
  readonly notes?: readonly string[];
}

/** A kind of file or folder that `goldcrest import` reads. */
export interface Importer {
  /** What it is, in words. */
  readonly what: string;
  /** The place to read where a path is of this kind; else undefined. */
  find(path: string): Promise<string | undefined>;
  read(place: string, raw: RawOptions, context: Context): Promise<Imported>;
}

function numbersOption(raw: RawOptions, name: string): readonly number[] | undefined {
  const text = textOption(raw, name);
  const numbers = text?.split(",").map(Number);
  if (numbers && !numbers.every(Number.isFinite))
    throw new OptionError(`--${name} is ${JSON.stringify(text)}; it needs numbers with commas between, one a colour channel`);
  return numbers;
}

/** --mean, --std and --fit, as far as they are given. */
export function preprocessingOf(raw: RawOptions): {
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  readonly fit?: "crop" | "squash";
} {
  const [mean, std] = [numbersOption(raw, "mean"), numbersOption(raw, "std")];
  const fit = choiceOption(raw, "fit", ["crop", "squash"] as const);
  return given({ mean, std, fit });
}
