/** The text of a forward: results take the name of an operand that is not read again; a result that only the next line reads is written there. */
import type { Piece } from "./call.ts";
import type { Block, Step } from "./parts.ts";

const NAMES = ["x", "y", "z", "u", "v", "w"];
/** Longest expression that is written inside another. */
const MOST_INNER = 40;

/** How a result is written: a variable, or an expression that reads others. */
interface Written {
  readonly text: string;
  readonly reads: readonly number[];
}

/** The variable of the i-th value where all before it are held. */
function nameAt(i: number): string {
  return NAMES[i] ?? `v${i}`;
}

function moduleText(path: readonly string[]): string {
  if (path.length === 0) return "super().forward";
  return path.reduce((text, name, i) => {
    if (/^\d+$/.test(name)) return `${text}[${name}]`;
    return i === 0 ? `${text}.${name}` : `${text}[${JSON.stringify(name)}]`;
  }, "self");
}

function stepText({ path, pieces = [], operands }: Step, textOf: (ref: number) => string, slotText: () => string): string {
  if (path) return `${moduleText(path)}(${operands.map(textOf).join(", ")})`;
  const say = (piece: Piece): string => {
    if (typeof piece === "string") return piece;
    return typeof piece === "number" ? textOf(operands[piece]) : slotText();
  };
  return pieces.map(say).join("");
}

/** An expression that would need brackets inside another. */
function isInfix({ pieces = [] }: Step): boolean {
  return typeof pieces[0] === "number" && typeof pieces[1] === "string" && /^ \S /.test(pieces[1]);
}

/** The names of a forward's inputs. */
export function inputNames({ inputs }: Block): string {
  return Array.from({ length: inputs }, (_, i) => nameAt(i)).join(", ");
}

/** The lines of a forward; `slots` are the texts of its own expressions' slots, in order. */
export function forwardLines({ inputs, steps }: Block, slots: readonly string[]): readonly string[] {
  const lastRead = new Map<number, number>();
  const reads = new Map<number, number>();
  for (const [i, { operands }] of steps.entries()) {
    for (const ref of operands) {
      lastRead.set(ref, i);
      reads.set(ref, (reads.get(ref) ?? 0) + 1);
    }
  }
  const variables = new Map<number, string>(Array.from({ length: inputs }, (_, ref) => [ref, nameAt(ref)]));
  const inner = new Map<number, Written>();
  const left = [...slots];
  const textOf = (ref: number): string => inner.get(ref)?.text ?? (variables.get(ref) as string);
  const nameFor = (read: readonly number[], step: number): string => {
    const live = new Set([...variables].filter(([ref]) => (lastRead.get(ref) ?? -1) > step).map(([, name]) => name));
    const names = [...read.map((ref) => variables.get(ref) as string), ...Array.from({ length: live.size + 1 }, (_, i) => nameAt(i))];
    return names.find((name) => !live.has(name)) as string;
  };
  const lines: string[] = [];
  for (const [i, step] of steps.entries()) {
    const ref = inputs + i;
    const text = stepText(step, textOf, () => left.shift() as string);
    const read = step.operands.flatMap((operand) => inner.get(operand)?.reads ?? [operand]);
    const isInner = reads.get(ref) === 1 && lastRead.get(ref) === i + 1 && !isInfix(step) && text.length < MOST_INNER;
    if (i === steps.length - 1) lines.push(`return ${text}`);
    else if (isInner) inner.set(ref, { text, reads: read });
    else {
      const name = nameFor(read, i);
      lines.push(`${name} = ${text}`);
      variables.set(ref, name);
    }
  }
  return lines;
}
