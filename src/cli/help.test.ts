import { test } from "node:test";
import { matchExpected } from "../../test/lib/expected.ts";
import { commands } from "./commands.ts";
import { commandHelp, programHelp } from "./help.ts";
import { paletteFor } from "./terminal/colour.ts";

const palette = paletteFor({ isTTY: false });

test("the help of the program and of each command is the agreed one", () => {
  const texts = commands.map((command) => `$ goldcrest ${command.name} --help\n${commandHelp(command, palette, 100)}`);
  matchExpected("cli/help.txt", [`$ goldcrest --help\n${programHelp(commands, "x.y.z", palette, 100)}`, ...texts].join("\n\n\n"));
});
