import { createRequire } from "node:module";
import { nearest } from "../index.ts";
import { commandNames, openCli } from "./cli.ts";
import { isUserError } from "./context.ts";
import { paletteFor } from "./terminal/colour.ts";

/** Exit codes: 0 done, 1 our own mistake, 2 usage, 3 bad data or files, 130 interrupted with the work saved. */
const USAGE = 2;

const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };

function fail(message: string, code: number): void {
  const { bad } = paletteFor(process.stderr);
  process.stderr.write(`${bad("error:")} ${message}\n`);
  process.exitCode = code;
}

async function main(argv: readonly string[]): Promise<void> {
  const cli = openCli(version);
  try {
    cli.parse([...argv], { run: false });
    if (cli.matchedCommand) await cli.runMatchedCommand();
    else if (cli.args.length > 0) unknownCommand(String(cli.args[0]));
    else if (!cli.options.help && !cli.options.version) cli.outputHelp();
  } catch (error) {
    if (isUserError(error)) fail(error.message, error.exitCode);
    else if (error instanceof Error && error.name === "CACError")
      fail(`${error.message}\n  see goldcrest ${cli.matchedCommandName ?? ""} --help`, USAGE);
    else {
      fail(error instanceof Error ? (error.stack ?? error.message) : String(error), 1);
      process.stderr.write("This is a mistake in Goldcrest, not yours: please report it with the lines above.\n");
    }
  }
}

function unknownCommand(name: string): void {
  const near = nearest(name, commandNames);
  fail(`unknown command "${name}"\n  ${near ? `did you mean "${near}"?   ` : ""}(commands: ${commandNames.join(", ")})`, USAGE);
}

// A reader that closes the pipe early (head) is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

await main(process.argv);
