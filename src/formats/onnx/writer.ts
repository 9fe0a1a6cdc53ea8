import type { Shape } from "../../core/shape.ts";
import type { ElementArray } from "./elements.ts";
import type { Attribute } from "./messages.ts";

/** What a translation writes with: it emits operators and constants and gets back their names. */
export interface OnnxWriter {
  emit(type: string, inputs: readonly string[], attributes?: Readonly<Record<string, Attribute>>): string;
  constant(shape: Shape, data: ElementArray): string;
}

/** Operands of one application: names and shapes, in order. */
export interface Operands {
  readonly names: readonly string[];
  readonly shapes: readonly Shape[];
}

/** A float constant. */
export function scalar(writer: OnnxWriter, value: number): string {
  return writer.constant([], Float32Array.of(value));
}

/** A list of 64-bit integers. */
export function integers(writer: OnnxWriter, values: readonly number[]): string {
  return writer.constant([values.length], BigInt64Array.from(values, BigInt));
}
