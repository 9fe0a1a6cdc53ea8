import type { Context } from "./context.ts";
import type { RawOptions } from "./options.ts";

/** One option of a command: a flag, or one that takes a value. */
export interface OptionRule {
  /** What help calls the value; absent for a flag. */
  readonly value?: string;
  readonly about: string;
  readonly default?: string;
  /** True for a flag that `--no-…` turns off. */
  readonly isNegatable?: true;
  readonly short?: string;
}

/** Options under one heading of the help, by their long names. */
export interface OptionGroup {
  readonly title: string;
  readonly options: Readonly<Record<string, OptionRule>>;
}

/** One operand: what stands after the command's name without dashes. */
export interface Operand {
  readonly name: string;
  readonly about: string;
  readonly isRequired?: true;
  /** Takes all that are left. */
  readonly isMany?: true;
}

/** A command as data: what it takes, what help says of it, and what runs it. */
export interface CommandRule {
  readonly name: string;
  readonly about: string;
  readonly operands: readonly Operand[];
  readonly groups: readonly OptionGroup[];
  readonly examples: readonly string[];
  run(operands: readonly string[], options: RawOptions, context: Context): Promise<void>;
}
