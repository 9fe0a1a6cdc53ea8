/** Which parts become classes, what the classes are called, and what their parameters are. */
import type { Shape } from "../../core/shape.ts";
import type { Dimension, Slot } from "./call.ts";
import { type Block, keyOf, type Part, type Sequence, slotsOf } from "./parts.ts";

/** A part that is written as a class: every block, and sequences that are wanted in more than one place. */
export type Kind = Block | Sequence;

/** One parameter of a class. */
export interface Parameter {
  readonly name: string;
  readonly dimension: Dimension;
  /** A slot whose value it is, by its place among the class's slots. */
  readonly slot: number;
  /** What it is unless given. */
  readonly fallback?: string;
}

/** A class of the module. */
export interface ClassOf {
  readonly name: string;
  readonly part: Kind;
  readonly places: readonly Kind[];
  readonly parameters: readonly Parameter[];
  /** For each slot what the class's own text has there: a literal, or an expression of parameters. */
  readonly texts: readonly string[];
}

/** Classes by the key of their parts, those that others need first. */
export type Classes = ReadonlyMap<string, ClassOf>;

function childrenOf(part: Part): readonly Part[] {
  if (part.kind === "layer") return [];
  if (part.kind === "sequence") return part.items;
  return (part.kind === "list" ? part.entries : part.children).map((child) => child.part);
}

function isKind(part: Part): part is Kind {
  return part.kind === "block" || part.kind === "sequence";
}

/** Keys in the order of definition, and in how many places of different classes each part stands. */
function countSites(root: Part): { readonly order: readonly string[]; readonly sites: ReadonlyMap<string, number> } {
  const sites = new Map<string, number>();
  const order: string[] = [];
  const visit = (part: Part): void => {
    const key = isKind(part) ? keyOf(part) : "";
    if (key) sites.set(key, (sites.get(key) ?? 0) + 1);
    if ((sites.get(key) ?? 1) > 1) return;
    for (const child of childrenOf(part)) visit(child);
    if (key) order.push(key);
  };
  visit(root);
  return { order, sites };
}

/** Every place of every part that may be a class, by key. */
function placesByKey(root: Part): ReadonlyMap<string, readonly Kind[]> {
  const places = new Map<string, Kind[]>();
  const visit = (part: Part): void => {
    if (isKind(part)) places.set(keyOf(part), [...(places.get(keyOf(part)) ?? []), part]);
    for (const child of childrenOf(part)) visit(child);
  };
  visit(root);
  return places;
}

/** The classes of a network; the last is the network itself. */
export function classesOf(root: Block, rootName: string, reserved: readonly string[]): Classes {
  const { order, sites } = countSites(root);
  const places = placesByKey(root);
  const taken = new Set([rootName, ...reserved]);
  const classes = new Map<string, ClassOf>();
  for (const key of order) {
    const held = places.get(key) as readonly Kind[];
    const [part] = held;
    const isClass = part.kind === "block" || ((sites.get(key) ?? 0) > 1 && part.items.length > 1);
    if (!isClass) continue;
    const name = part === root ? rootName : free(nameOf(part), taken);
    classes.set(key, { name, part, places: held, ...parametersOf(held) });
  }
  return classes;
}

/** mobilenet-v2 → MobilenetV2. */
export function pascalCase(text: string): string {
  return text
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join("");
}

function free(name: string, taken: Set<string>): string {
  let found = name;
  for (let i = 2; taken.has(found); i++) found = `${name}${i}`;
  taken.add(found);
  return found;
}

/** A sequence of layers is called by them; anything else by its place and by what joins its branches. */
function nameOf(part: Kind): string {
  if (part.kind === "sequence" && part.items.every(({ kind }) => kind === "layer")) {
    return part.items.map((item) => (item.kind === "layer" ? item.word : "")).join("");
  }
  const segments = part.path.split(".").filter((segment) => !/^\d+$/.test(segment));
  const place = pascalCase((segments.at(-1) ?? "layer").replace(/s$/, "").replace(/_?\d+$/, ""));
  const word = part.kind === "block" ? part.word : "Sequence";
  return place.endsWith(word) ? place : place + word;
}

/** Channels of an activation: what an input or an output of a block is called by. */
function channelsText(shape: Shape): string {
  return String(shape[1]);
}

/** Names that a class's own attributes have, or those of the layer that it extends. */
function namesIn(part: Kind): readonly string[] {
  if (part.kind === "sequence") return ["self"];
  return ["self", ...part.children.map(({ name }) => name), ...(part.base?.args ?? []).map(({ slot }) => slot.role)];
}

/** Slots that are equal in all places are literals; those that move together are one parameter. */
function parametersOf(places: readonly Kind[]): Pick<ClassOf, "parameters" | "texts"> {
  const columns = transpose(places.map(slotsOf));
  const vectorOf = (texts: readonly string[]): string => texts.join("\n");
  const [from, to] = [vectorOf(places.map((part) => channelsText(part.from))), vectorOf(places.map((part) => channelsText(part.to)))];
  const ends = new Map([
    [to, "outputs"],
    [from, from === to ? "channels" : "inputs"],
  ]);
  const found = new Map<string, Parameter>();
  const taken = new Set(namesIn(places[0]));
  const keys = columns.map((slots) => `${slots[0].dimension} ${vectorOf(slots.map(({ text }) => text))}`);
  for (const [i, slots] of columns.entries()) {
    const [{ role, dimension, text, fallback }] = slots;
    if (slots.every((each) => each.text === text) || found.has(keys[i]) || halved(slots, columns) !== undefined) continue;
    const end = dimension === "channels" ? ends.get(vectorOf(slots.map((each) => each.text))) : undefined;
    const isWidth = role === "inputs" || role === "outputs" || role === "channels";
    const name = free(end ?? (isWidth ? "hidden" : role), taken);
    const isOptional = name === role && slots.some((each) => each.text === fallback);
    found.set(keys[i], { name, dimension, slot: i, ...(isOptional ? { fallback } : {}) });
  }
  const rank = ({ name, fallback }: Parameter): number =>
    ["inputs", "channels", "outputs"].indexOf(name) + 1 || (fallback === undefined ? 8 : 9);
  const parameters = [...found.values()].sort((a, b) => rank(a) - rank(b) || a.slot - b.slot);
  const texts = columns.map((slots, i) => {
    if (slots.every((each) => each.text === slots[0].text)) return slots[0].text;
    const half = halved(slots, columns);
    if (half !== undefined) return `${(found.get(keys[half]) as Parameter).name} // 2`;
    return (found.get(keys[i]) as Parameter).name;
  });
  return { parameters, texts };
}

function transpose(rows: readonly (readonly Slot[])[]): readonly (readonly Slot[])[] {
  return rows[0].map((_, i) => rows.map((row) => row[i]));
}

/** The column of kernels whose halves a column of paddings is. */
function halved(slots: readonly Slot[], columns: readonly (readonly Slot[])[]): number | undefined {
  if (slots[0].dimension !== "padding") return undefined;
  const isHalf = (kernels: readonly Slot[]): boolean =>
    kernels.every(({ text }, i) => /^\d+$/.test(text) && String(Number(text) >> 1) === slots[i].text);
  const at = columns.findIndex((kernels) => kernels[0].dimension === "kernel" && isHalf(kernels));
  return at < 0 ? undefined : at;
}
