/** The pieces of Python text that an op becomes; numbers are kept apart, so that places which differ in them alone can share a class. */

/** What a number counts; numbers of one kind may stand for each other where they are equal everywhere. */
export type Dimension = "channels" | "kernel" | "stride" | "padding" | "other";

/** A number (or a tuple, or a name) of the text. */
export interface Slot {
  /** What a class's parameter would be called. */
  readonly role: string;
  readonly dimension: Dimension;
  /** As Python writes it. */
  readonly text: string;
  /** What the callee has by itself; the argument is then left out. */
  readonly fallback?: string;
}

/** One argument, by its place or by name. */
export interface Argument {
  readonly keyword?: string;
  readonly slot: Slot;
}

/** `callee(…)`: what a constructor calls to get a layer. */
export interface Call {
  readonly callee: string;
  readonly args: readonly Argument[];
}

/** Text, a number, or an operand by its place. */
export type Piece = string | Slot | number;

/** A positional argument that counts channels or features. */
export function channelsOf(role: string, count: number): Argument {
  return { slot: { role, dimension: "channels", text: String(count) } };
}

/** A named argument with the callee's own value. */
export function named(keyword: string, dimension: Dimension, text: string, fallback?: string): Argument {
  return { keyword, slot: { role: keyword, dimension, text, ...(fallback === undefined ? {} : { fallback }) } };
}

/** A number inside an expression. */
export function slot(role: string, dimension: Dimension, value: number | string): Slot {
  return { role, dimension, text: String(value) };
}

/** A tuple, or the number alone where both are the same. */
export function pairText([rows, columns]: readonly [number, number]): string {
  return rows === columns ? String(rows) : `(${rows}, ${columns})`;
}

export function tupleText(values: readonly number[]): string {
  return values.length === 1 ? `(${values[0]},)` : `(${values.join(", ")})`;
}
