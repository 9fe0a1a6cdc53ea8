/** The text of the classes. */
import { InternalError } from "../../core/errors.ts";
import { formatShape } from "../../core/shape.ts";
import type { Call } from "./call.ts";
import type { Classes, ClassOf } from "./classes.ts";
import { forwardLines, inputNames } from "./forward.ts";
import { type Block, type Child, isNumber, keyOf, type Part, slotsOf } from "./parts.ts";

const WIDTH = 100;
const SHOWN_PLACES = 3;

/** The texts of a class's slots, read in order. */
interface Texts {
  readonly texts: readonly string[];
  at: number;
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, "    ");
}

/** `head(a, b)` on one line or, where that is too long, one argument a line. */
function callText(head: string, args: readonly string[], [open, close] = ["(", ")"]): string {
  const line = `${head}${open}${args.join(", ")}${close}`;
  if (line.length <= WIDTH - 8 && !line.includes("\n")) return line;
  return `${head}${open}\n${args.map((argument) => `${indent(argument)},`).join("\n")}\n${close}`;
}

function argumentsText({ args }: Call, texts: Texts): readonly string[] {
  return args.flatMap(({ keyword, slot }) => {
    const text = texts.texts[texts.at++];
    if (text === slot.fallback) return [];
    return [keyword === undefined ? text : `${keyword}=${text}`];
  });
}

/** Arguments that everybody knows the order of. */
const positionalNames: ReadonlySet<string> = new Set(["inputs", "channels", "outputs"]);

/** What a constructor writes to get a part. */
function partText(part: Part, classes: Classes, texts: Texts): string {
  if (part.kind === "layer") return callText(part.call.callee, argumentsText(part.call, texts));
  if (part.kind === "list") return listText(part.entries, classes, texts);
  const held = classes.get(keyOf(part));
  if (held) return instanceText(held, texts);
  if (part.kind === "block") throw new InternalError(`no class for the block at "${part.path}"`);
  return sequenceText("nn.Sequential", part.items, classes, texts);
}

function sequenceText(head: string, items: readonly Part[], classes: Classes, texts: Texts): string {
  const args = items.map((item) => partText(item, classes, texts));
  return callText(head, args);
}

/** A class called with the values that its parameters have here. */
function instanceText({ name, part, parameters }: ClassOf, texts: Texts): string {
  const firstNamed = parameters.findIndex((parameter) => !positionalNames.has(parameter.name));
  const args = parameters.flatMap(({ name: parameter, slot, fallback }, i) => {
    const text = texts.texts[texts.at + slot];
    if (text === fallback) return [];
    return [firstNamed < 0 || i < firstNamed ? text : `${parameter}=${text}`];
  });
  texts.at += slotsOf(part).length;
  return callText(name, args);
}

/** A ModuleList where names are numbers, a ModuleDict elsewhere. */
function listText(entries: readonly Child[], classes: Classes, texts: Texts): string {
  const parts = entries.map(({ name, part }) => ({ name, text: partText(part, classes, texts) }));
  if (entries.every(isNumber)) return callText("nn.ModuleList", [bracketed(numbered(parts))]);
  const members = parts.map(({ name, text }) => `${JSON.stringify(name)}: ${text}`);
  return callText("nn.ModuleDict", [callText("", members, ["{", "}"])]);
}

function bracketed(texts: readonly string[]): string {
  return callText("", texts, ["[", "]"]);
}

/** Texts at their numbers, nothing (which has no weights) in the gaps. */
function numbered(parts: readonly { readonly name: string; readonly text: string }[]): readonly string[] {
  const byNumber = new Map(parts.map(({ name, text }) => [Number(name), text]));
  const length = Math.max(...byNumber.keys()) + 1;
  return Array.from({ length }, (_, i) => byNumber.get(i) ?? "nn.Identity()");
}

/** One class: what it is and where, its constructor, its forward. */
export function classText(held: ClassOf, classes: Classes): string {
  const { name, part, parameters } = held;
  const texts: Texts = { texts: held.texts, at: 0 };
  const [parent, body] =
    part.kind === "sequence"
      ? ["nn.Sequential", sequenceText("super().__init__", part.items, classes, texts)]
      : [parentOf(part), blockBody(part, classes, texts)];
  const signature = parameters.map((each) => (each.fallback === undefined ? each.name : `${each.name}=${each.fallback}`));
  const forward = part.kind === "sequence" ? "" : `\n\n${forwardText(part, texts, parameters)}`;
  const start = `def __init__(${["self", ...signature].join(", ")}):\n${indent(body)}`;
  return `class ${name}(${parent}):\n${indent(`${docText(held)}\n\n${start}${forward}`)}\n`;
}

/** Where the class stands, and the shapes that go in and out at the first place. */
function docText({ part: { path, from, to }, places }: ClassOf): string {
  const flow = `${formatShape(from.slice(1))} -> ${formatShape(to.slice(1))}`;
  if (path === "") return `"""Images ${flow}: one logit a label."""`;
  const shown = places.slice(0, SHOWN_PLACES).map((place) => place.path);
  const more = places.length > SHOWN_PLACES ? ` and ${places.length - SHOWN_PLACES} more` : "";
  return `"""${shown.join(", ")}${more}: ${flow}${places.length > 1 ? " in the first" : ""}."""`;
}

/** Children with numbers for names need a list around them; weights of the block's own, a layer. */
function parentOf({ base, children }: Block): string {
  return base?.callee ?? (children.some(isNumber) ? "nn.ModuleList" : "nn.Module");
}

function blockBody(part: Block, classes: Classes, texts: Texts): string {
  const base = part.base ? argumentsText(part.base, texts) : [];
  const parts = part.children.map((child) => ({ name: child.name, text: partText(child.part, classes, texts) }));
  const numbers = parts.filter(isNumber);
  const start = callText("super().__init__", numbers.length > 0 ? [bracketed(numbered(numbers))] : base);
  const kept = [...new Set(texts.texts.slice(texts.at).filter((text) => /^[a-z]/.test(text)))].map((name) => `self.${name} = ${name}`);
  const lines = parts.filter((child) => !isNumber(child)).map(({ name, text }) => `self.${name} = ${text}`);
  return [start, ...kept, ...lines].join("\n");
}

/** The texts that are left are the forward's; parameters among them were kept by the constructor. */
function forwardText(part: Block, { texts, at }: Texts, parameters: ClassOf["parameters"]): string {
  const names = new Set(parameters.map(({ name }) => name));
  const slots = texts.slice(at).map((text) => (names.has(text) ? `self.${text}` : text));
  return `def forward(self, ${inputNames(part)}):\n${indent(forwardLines(part, slots).join("\n"))}`;
}
