/** Scales and zero points: from ranges, through functions of one operand, and shared by values that ops only move. */
import { mostOfType } from "../core/dtype.ts";
import type { Graph, Node, Value } from "../ir/graph.ts";
import type { Quantised, Range } from "../ir/integer.ts";
import type { NarrowPlace } from "../ops/filterScales.ts";
import { integerRuleOf } from "../ops/integerRules.ts";

/** The type of an activation's integers. */
export type Unsigned = keyof typeof mostOfType;

/** What a value's integers stand for, and how many there are. */
export interface Rounding extends Quantised {
  readonly to: Unsigned;
}

/** The scale and the zero point that spread a range, widened to hold 0, over the integers of a type. 0 is met exactly: padding is. */
export function quantisedRange({ low, high }: Range, to: Unsigned): Quantised {
  const most = mostOfType[to];
  const [least, largest] = [Math.min(low, 0), Math.max(high, 0)];
  const scale = Math.fround((largest - least) / most) || 1;
  return { scale, zero: Math.min(most, Math.max(0, Math.round(-least / scale))) };
}

/** The least factor from which on a saturated sum of 16 bits is beyond every result. */
const leastFactor = { u7: 130, u8: 260 } as const;

/** Where the sums of a layer's products come from and go to; sums that stay floats are in units of 1. */
export function scalePlace(layer: { readonly input: Quantised; readonly output?: Quantised; readonly to: Unsigned | "f32" }): NarrowPlace {
  const { input, output = { scale: 1, zero: 0 }, to } = layer;
  return { input, output, least: leastFactor[to === "u8" ? "u8" : "u7"] };
}

/** The nearest integer of a type. */
export function nearestInteger(x: number, { scale, zero }: Quantised, to: Unsigned): number {
  return Math.min(Math.max(Math.floor(x / scale + zero + 0.5), 0), mostOfType[to]);
}

/** An elementwise op of one operand, as a function. */
export function functionOf({ op, attrs }: Pick<Node, "op" | "attrs">): (xs: readonly number[]) => Float64Array {
  return (xs) => {
    const x = { shape: [xs.length], data: Float64Array.from(xs) };
    const y = { shape: x.shape, data: new Float64Array(xs.length) };
    op.reference(y, [x], attrs, [y]);
    return y.data;
  };
}

/** True for nodes that are functions of one operand, element by element. */
export function isFunction({ op, inputs, outputs, epilogue }: Node): boolean {
  return op.isElementwise === true && inputs.length === 1 && outputs.length === 1 && epilogue.length === 0;
}

/** Points at which a function is looked at. */
const SAMPLES = 1024;

const grid = ({ low, high }: Range, count: number): number[] =>
  Array.from({ length: count }, (_, i) => low + ((high - low) * i) / (count - 1));

/** The bounds of a function that, over a range, only clamps; undefined for others. */
export function clampOf(evaluate: (xs: readonly number[]) => Float64Array, range: Range): Range | undefined {
  const xs = grid(range, SAMPLES);
  const [low, high] = evaluate([-1e9, 1e9]);
  const ys = evaluate(xs);
  const isClamp = low <= high && xs.every((x, i) => Math.abs(ys[i] - Math.min(Math.max(x, low), high)) <= 1e-9 * Math.abs(x));
  return isClamp ? { low, high } : undefined;
}

/** The part of a range outside of which a function stays within half a step of what it is at the ends. */
export function activeRange(evaluate: (xs: readonly number[]) => Float64Array, range: Range, step: number): Range {
  const xs = grid(range, SAMPLES);
  const ys = evaluate(xs);
  const last = SAMPLES - 1;
  let [first, end] = [0, last];
  while (first < last && Math.abs(ys[first + 1] - ys[0]) < step / 2) first++;
  while (end > first && Math.abs(ys[end - 1] - ys[last]) < step / 2) end--;
  return { low: xs[first], high: xs[end] };
}

/** The table of a function from integers of one type to those of u7, 256 entries. */
export function tableOf(evaluate: (xs: readonly number[]) => Float64Array, from: Quantised, to: Quantised): Float32Array {
  const ys = evaluate(Array.from({ length: 256 }, (_, q) => (q - from.zero) * from.scale));
  return Float32Array.from(ys, (y) => nearestInteger(y, to, "u7"));
}

/** The range of each value, widened over all values that share their integers because ops only move them. */
export function sharedRanges(graph: Graph, ranges: ReadonlyMap<Value, Range>): (value: Value) => Range | undefined {
  const parents = new Map<Value, Value>();
  const rootOf = (value: Value): Value => {
    const parent = parents.get(value);
    return parent ? rootOf(parent) : value;
  };
  for (const { op, inputs, outputs } of graph.nodes) {
    if (!integerRuleOf(op)?.isKept) continue;
    for (const value of inputs) if (rootOf(value) !== rootOf(outputs[0])) parents.set(rootOf(value), rootOf(outputs[0]));
  }
  const widest = new Map<Value, Range>();
  for (const [value, { low, high }] of ranges) {
    const root = rootOf(value);
    const held = widest.get(root) ?? { low, high };
    widest.set(root, { low: Math.min(held.low, low), high: Math.max(held.high, high) });
  }
  return (value) => widest.get(rootOf(value));
}
