import { GoldcrestError } from "../index.ts";
import { InterruptedError } from "../train.ts";
import type { Palette } from "./terminal/colour.ts";
import { printable } from "./terminal/text.ts";

/** Names that the library gives to what is typed as an option here. */
const typed: readonly (readonly [RegExp, string])[] = [
  [/^learningRate\b/, "--lr"],
  [/^preprocessing\.size\b/, "--size"],
  [/^(epochs|batch|accumulate)(?= is )/, "--$1"],
  [/\bisSmallImage\b/, "--small-image"],
  [/\bdroppedStrides\b/, "--dropped-strides"],
];

/** Text without control characters but for line breaks: file names and labels must not steer the terminal. */
function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

/** What is printed of an error, and the exit code. */
export function describeError(error: unknown, { bad, warn }: Palette): { readonly text: string; readonly code: number } {
  if (error instanceof InterruptedError)
    return { text: `${warn("stopped:")} ${printableLines(error.message)}\n  the same command with --resume goes on`, code: error.exitCode };
  if (error instanceof GoldcrestError) {
    const message = typed.reduce((text, [name, option]) => text.replace(name, option), error.message);
    return { text: `${bad("error:")} ${printableLines(message)}`, code: error.exitCode };
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const plea = "This is a mistake in Goldcrest, not yours: please report it with the lines above.";
  return { text: `${bad("error:")} ${printableLines(stack)}\n${plea}`, code: 1 };
}
