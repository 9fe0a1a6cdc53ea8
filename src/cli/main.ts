import { createRequire } from "node:module";
import type { CommandRule } from "./commandRule.ts";
import { commands } from "./commands.ts";
import { columnsOf, openContext } from "./context.ts";
import { describeError } from "./errors.ts";
import { commandHelp, programHelp } from "./help.ts";
import { hasFlag } from "./options.ts";
import { findCommand, parseCommand } from "./parse.ts";
import { paletteFor } from "./terminal/colour.ts";

const USAGE = 2;

const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };

function help(command?: CommandRule): void {
  const columns = Math.min(100, Math.max(60, columnsOf(process.stdout)));
  const palette = paletteFor(process.stdout);
  process.stdout.write(`${command ? commandHelp(command, palette, columns) : programHelp(commands, version, palette, columns)}\n`);
}

async function main([first, ...rest]: readonly string[]): Promise<void> {
  if (first === undefined || first === "--help" || first === "-h" || first === "help") {
    help(first === "help" && rest[0] !== undefined ? findCommand(rest[0], commands) : undefined);
    // Asked for nothing, it did nothing: no success for a script that forgot the command.
    if (first === undefined) process.exitCode = USAGE;
    return;
  }
  if (first === "--version" || first === "-v") {
    process.stdout.write(`goldcrest ${version} (Node.js ${process.version}, ${process.platform} ${process.arch})\n`);
    return;
  }
  const command = findCommand(first, commands);
  if (isHelpAsked(rest)) return help(command);
  const { operands, options } = parseCommand(command, rest);
  await command.run(operands, options, openContext({ isJson: hasFlag(options, "json"), isQuiet: hasFlag(options, "quiet") }));
}

function isHelpAsked(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? args.length : end).some((argument) => argument === "--help" || argument === "-h");
}

// A reader of the data that closes the pipe early (head) is no error; nobody reading the notes is no reason to stop.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});
process.stderr.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

try {
  await main(process.argv.slice(2));
} catch (error) {
  const { text, code } = describeError(error, paletteFor(process.stderr));
  process.stderr.write(`${text}\n`);
  process.exitCode = code;
}
