import type { CommandRule, OptionRule } from "./commandRule.ts";
import type { Palette } from "./terminal/colour.ts";
import { padded, widthOf } from "./terminal/text.ts";

/** `goldcrest classify <model> <images…>`. */
export function usageOf({ name, operands }: CommandRule): string {
  const parts = operands.map(({ name: operand, isRequired, isMany }) => {
    const text = isMany ? `${operand}…` : operand;
    return isRequired ? `<${text}>` : `[${text}]`;
  });
  return ["goldcrest", name, ...parts, "[options]"].join(" ");
}

function optionName(name: string, { value, isNegatable, short }: OptionRule): string {
  return `${short ? `-${short}, ` : ""}--${isNegatable ? "[no-]" : ""}${name}${value ? ` <${value}>` : ""}`;
}

/** Words broken into lines of a width. */
function wrapped(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines[lines.length - 1];
    if (last !== "" && widthOf(last) + 1 + widthOf(word) > width) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines;
}

/** Terms with their explanations beside them, wrapped. */
function definitions(rows: readonly (readonly [string, string])[], columns: number): string[] {
  const left = Math.max(...rows.map(([term]) => widthOf(term)));
  return rows.flatMap(([term, about]) => {
    const [first, ...rest] = wrapped(about, Math.max(20, columns - left - 4));
    return [`  ${padded(term, left)}  ${first}`, ...rest.map((line) => `${" ".repeat(left + 4)}${line}`)];
  });
}

/** Help of one command. */
export function commandHelp(command: CommandRule, { bold }: Palette, columns: number): string {
  const operands = command.operands.map(({ name, about }) => [name, about] as const);
  const groups = command.groups.flatMap(({ title, options }) => [
    "",
    bold(title),
    ...definitions(
      Object.entries(options).map(([name, rule]) => [
        optionName(name, rule),
        rule.default === undefined ? rule.about : `${rule.about} (default ${rule.default})`,
      ]),
      columns,
    ),
  ]);
  return [
    ...wrapped(command.about, columns),
    "",
    `${bold("Usage")}  ${usageOf(command)}`,
    ...(operands.length > 0 ? ["", ...definitions(operands, columns)] : []),
    ...groups,
    ...(command.examples.length > 0 ? ["", bold("Examples"), ...command.examples.map((example) => `  ${example}`)] : []),
  ].join("\n");
}

/** Help of the whole program. */
export function programHelp(commands: readonly CommandRule[], version: string, { bold }: Palette, columns: number): string {
  return [
    `goldcrest ${version}: trains, measures and runs lightweight convolutional networks`,
    "",
    `${bold("Usage")}  goldcrest <command> [options]`,
    "",
    ...definitions(
      commands.map(({ name, about }) => [name, about]),
      columns,
    ),
    "",
    ...definitions(
      [
        ["<command> --help", "what a command takes"],
        ["--version", "the version of Goldcrest and of Node.js"],
      ],
      columns,
    ),
    "",
    bold("Exit codes"),
    ...definitions(
      [
        ["0", "done"],
        ["1", "a mistake in Goldcrest"],
        ["2", "a command, an option or its value that cannot be used"],
        ["3", "data, files or training that failed, or images that were left out by classify"],
        ["130", "interrupted, with the work saved"],
      ],
      columns,
    ),
    "",
    bold("Examples"),
    "  goldcrest fit photos --out birds.safetensors",
    "  goldcrest classify birds.safetensors photo.jpg",
  ].join("\n");
}
