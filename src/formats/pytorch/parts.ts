/** The modules of a network as data, and what makes two of them alike. */
import type { Shape } from "../../core/shape.ts";
import type { Call, Piece, Slot } from "./call.ts";

/** One op as a module of PyTorch's or of ours. */
export interface Layer {
  readonly kind: "layer";
  readonly call: Call;
  readonly word: string;
}

/** Layers "0", "1", … one after the other. */
export interface Sequence extends Placed {
  readonly kind: "sequence";
  readonly items: readonly Part[];
}

/** Modules without an order of their own, by name. */
export interface List {
  readonly kind: "list";
  readonly entries: readonly Child[];
}

/** One line of a forward: a module called, or an expression. Operands are inputs of the block (from 0 on), then results of its steps. */
export interface Step {
  /** Names from the block to the module; empty: the layer that the block itself is. */
  readonly path?: readonly string[];
  readonly pieces?: readonly Piece[];
  readonly operands: readonly number[];
}

/** A class with its own forward, whose result is that of the last step. */
export interface Block extends Placed {
  readonly kind: "block";
  readonly children: readonly Child[];
  /** The layer that the class extends, where weights lie in the scope itself. */
  readonly base?: Call;
  readonly inputs: number;
  readonly steps: readonly Step[];
  /** What the last of its own expressions is called. */
  readonly word: string;
}

/** Where it stands, and what goes in and out there. */
export interface Placed {
  readonly path: string;
  readonly from: Shape;
  readonly to: Shape;
}

/** A module. */
export type Part = Layer | Sequence | List | Block;

/** A module under its name. */
export interface Child {
  readonly name: string;
  readonly part: Part;
}

/** Names that are numbers belong into lists. */
export function isNumber({ name }: Pick<Child, "name">): boolean {
  return /^\d+$/.test(name);
}

/** Every slot of a part, in the order in which its text is written. */
export function slotsOf(part: Part): readonly Slot[] {
  const ofCall = (call?: Call): readonly Slot[] => (call?.args ?? []).map(({ slot }) => slot);
  if (part.kind === "layer") return ofCall(part.call);
  if (part.kind === "sequence") return part.items.flatMap(slotsOf);
  if (part.kind === "list") return part.entries.flatMap((child) => slotsOf(child.part));
  const inSteps = part.steps.flatMap(({ pieces = [] }) => pieces.filter((piece) => typeof piece === "object"));
  return [...ofCall(part.base), ...part.children.flatMap((child) => slotsOf(child.part)), ...inSteps];
}

/** Equal for parts that differ in nothing but slots and places. */
export function keyOf(part: Part): string {
  const blank = (_name: string, value: unknown): unknown => {
    if (typeof value !== "object" || value === null) return value;
    if ("dimension" in value && "role" in value) return value.role;
    if (!("path" in value && "from" in value)) return value;
    const { path: _, from: __, to: ___, ...rest } = value as Block;
    return rest;
  };
  return JSON.stringify(part, blank);
}
