import { parseArgs } from "node:util";
import { nearest, OptionError } from "../index.ts";
import type { CommandRule, OptionRule } from "./commandRule.ts";
import { usageOf } from "./help.ts";
import type { RawOptions } from "./options.ts";

/** A command line taken apart. */
export interface Parsed {
  readonly command: CommandRule;
  readonly operands: readonly string[];
  readonly options: RawOptions;
}

/** A value may begin with a dash only as a number: `--lr -1` is refused later for its sign, `--out --resume` here. */
const negativeNumber = /^-(\d|\.\d|Infinity$)/i;

/** The rules of a command's options by long name. */
function rulesOf({ groups }: CommandRule): Readonly<Record<string, OptionRule>> {
  return Object.assign({}, ...groups.map(({ options }) => options));
}

function unknownOption(typed: string, name: string, command: CommandRule): OptionError {
  const known = Object.entries(rulesOf(command)).flatMap(([option, { isNegatable }]) =>
    isNegatable ? [option, `no-${option}`] : [option],
  );
  const near = nearest(name, known);
  const hint = near ? `did you mean "--${near}"?   (list: goldcrest ${command.name} --help)` : `see goldcrest ${command.name} --help`;
  return new OptionError(`unknown option "${typed}" of goldcrest ${command.name}\n  ${hint}`);
}

/** The command of a name; an unknown one is refused with the nearest known one. */
export function findCommand(name: string, commands: readonly CommandRule[]): CommandRule {
  const found = commands.find((command) => command.name === name);
  if (found) return found;
  const names = commands.map((command) => command.name);
  const near = nearest(name, names);
  throw new OptionError(
    `unknown command ${JSON.stringify(name)}\n  ${near ? `did you mean "${near}"?   ` : ""}(commands: ${names.join(", ")})`,
  );
}

/** Takes the arguments of a command apart; refuses what it does not know, what is missing and what is given twice. */
export function parseCommand(command: CommandRule, args: readonly string[]): Parsed {
  const rules = rulesOf(command);
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      Object.entries(rules).map(([name, { value, short }]) => [
        name,
        { type: value ? ("string" as const) : ("boolean" as const), ...(short ? { short } : {}) },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const operands: string[] = [];
  const options = new Map<string, string | boolean>();
  for (const token of tokens) {
    if (token.kind === "positional") operands.push(token.value);
    if (token.kind !== "option") continue;
    const [name, value] = readOption(command, rules, token);
    if (options.has(name)) throw new OptionError(`--${name} is given twice; it needs to be given once`);
    options.set(name, value);
  }
  const defaults = Object.entries(rules).flatMap(([name, rule]) => (rule.default === undefined ? [] : [[name, rule.default] as const]));
  checkOperands(command, operands);
  return { command, operands, options: Object.fromEntries([...defaults, ...options]) };
}

function readOption(
  command: CommandRule,
  rules: Readonly<Record<string, OptionRule>>,
  token: {
    readonly name: string;
    readonly rawName: string;
    readonly value?: string | undefined;
    readonly inlineValue?: boolean | undefined;
  },
): readonly [string, string | boolean] {
  const { name, rawName, value, inlineValue } = token;
  const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
  if (!rule) {
    const positive = name.replace(/^no-/, "");
    if (name !== positive && Object.hasOwn(rules, positive) && rules[positive].isNegatable && value === undefined) return [positive, false];
    throw unknownOption(rawName, name, command);
  }
  if (!rule.value) {
    if (value !== undefined) throw new OptionError(`${rawName} takes no value; found ${JSON.stringify(value)}`);
    return [name, true];
  }
  if (value === undefined || value === "") throw new OptionError(`${rawName} needs a value: ${rawName} <${rule.value}>`);
  if (!inlineValue && value.startsWith("-") && !negativeNumber.test(value))
    throw new OptionError(
      `${rawName} needs a value, found the option ${value}\n  a value that begins with a dash is written ${rawName}=${value}`,
    );
  return [name, value];
}

function checkOperands(command: CommandRule, operands: readonly string[]): void {
  const { operands: rules } = command;
  const missing = rules.find(({ isRequired }, i) => isRequired && operands.length <= i);
  if (missing) throw new OptionError(`goldcrest ${command.name} needs ${missing.about}\n  usage: ${usageOf(command)}`);
  const most = rules.some(({ isMany }) => isMany) ? Number.POSITIVE_INFINITY : rules.length;
  if (operands.length <= most) return;
  const extra = operands.slice(most).map((operand) => JSON.stringify(operand));
  throw new OptionError(
    `goldcrest ${command.name} takes ${most || "no"} operand${most === 1 ? "" : "s"}; found also ${extra.join(", ")}\n  usage: ${usageOf(command)}`,
  );
}
