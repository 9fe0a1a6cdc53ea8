/**
 * From sums of integers back to 7 or 8 bits, in float32 and step by step, so that every machine gets the same bits:
 * clamp(sum · ratio + offset, low, high), then cut off; the offset holds the half that makes rounding of it. Never a fused multiply–add.
 */
import { type DType, mostOfType } from "../core/dtype.ts";
import { need } from "../core/errors.ts";
import { type Shape, size } from "../core/shape.ts";
import type { Requantised } from "../ir/integer.ts";
import type { Cost } from "../ir/op.ts";
import { operationsCost } from "./cost.ts";

const { fround } = Math;

/** sum · ratio + offset, each rounded to float32; the sum too. */
export function scaled(sum: number, ratio: number, offset: number): number {
  return fround(fround(fround(sum) * ratio) + offset);
}

/** The nearest integer of a scaled sum whose offset holds the half, within bounds. What is no number becomes the low one. */
export function cut(sum: number, { low, high }: Requantised): number {
  const least = sum > low ? sum : low;
  return Math.trunc(least < high ? least : high);
}

/** A sum as an element of the wanted type. */
export function requantise(sum: number, ratio: number, offset: number, place: Requantised): number {
  const value = scaled(sum, ratio, offset);
  return place.to === "f32" ? value : cut(value, place);
}

/** Cost of going back from sums: a product, an addition and two bounds each. */
export function requantisedCost(y: Shape): Cost {
  return operationsCost(size(y), { multiplications: 1, adds: 1, comparisons: 2 }, [], []);
}

/** The type that a requantisation gives; refuses bounds outside of it. */
export function requantisedType({ to, low, high }: Requantised): DType {
  if (to === "f32") return to;
  const isWithin = Number.isInteger(low) && Number.isInteger(high) && 0 <= low && low <= high && high <= mostOfType[to];
  need(isWithin, () => `bounds ${low} and ${high} are not within the ${to} numbers 0 to ${mostOfType[to]}`);
  return to;
}

/** Refuses an operand of another type than needed. */
export function needType(what: string, found: DType, ...needed: readonly DType[]): void {
  need(needed.includes(found), () => `${what} is ${found}, needed ${needed.join(" or ")}`);
}

/** Refuses a zero point that is no u7 number. */
export function needZero(zero: number): void {
  need(Number.isInteger(zero) && zero >= 0 && zero <= mostOfType.u7, () => `zero must be an integer from 0 to 127, found ${zero}`);
}

/** The type rule of ops that only move or choose elements: that of the first operand, which all must have. */
export function movedType(inputs: readonly DType[]): DType {
  for (const [i, found] of inputs.entries()) needType(`operand ${i}`, found, inputs[0]);
  return inputs[0];
}
