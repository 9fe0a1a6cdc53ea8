/** What operands and attributes say of shapes: axes, targets, parts. */
import { FormatError } from "../../../core/errors.ts";
import { formatShape, type Shape, size } from "../../../core/shape.ts";
import type { HostTensor } from "../elements.ts";
import type { Attributes } from "./node.ts";

/** What lists are read from. */
export interface Operands {
  readonly inputs: readonly (HostTensor | undefined)[];
  readonly attributes: Attributes;
}

/** Numbers of one shape, list of places and such. */
const MOST_LISTED = 2 ** 20;

/** The operand at an index; refuses its absence. */
export function needed<T>(inputs: readonly (T | undefined)[], index: number): T {
  const held = inputs[index];
  if (held === undefined) throw new FormatError(`operand ${index} is missing`);
  return held;
}

/** A list of whole numbers, from a constant. */
export function wholes(tensor: HostTensor): number[] {
  if (tensor.data.length > MOST_LISTED)
    throw new FormatError(`a list of ${tensor.data.length} whole numbers; at most ${MOST_LISTED} are read`);
  const list = [...tensor.data];
  if (!list.every(Number.isSafeInteger)) throw new FormatError(`[${list.slice(0, 8)}] needs to be whole numbers`);
  return list;
}

/** An axis counted from the front. */
export function axisOf(axis: number, rank: number): number {
  const found = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || found < 0 || found >= rank) throw new FormatError(`axis ${axis} of ${rank} axes`);
  return found;
}

/** The list that newer operator sets give as an operand and older ones as an attribute. */
export function listOf({ inputs, attributes }: Operands, index: number, name: string): number[] | undefined {
  const given = inputs[index];
  const old = attributes.list(name);
  return given ? wholes(given) : old && [...old];
}

/** The shape that two operands meet in: aligned at the end, extents equal or 1. */
export function broadcastShape(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  const [x, y] = [padded(a, rank), padded(b, rank)];
  return x.map((extent, axis) => {
    if (extent !== y[axis] && extent !== 1 && y[axis] !== 1)
      throw new FormatError(`${formatShape(a)} and ${formatShape(b)} do not broadcast to each other`);
    return extent === 1 ? y[axis] : extent;
  });
}

/** A shape with axes of one element put before it. */
export function padded(shape: Shape, rank: number): Shape {
  return [...Array<number>(Math.max(0, rank - shape.length)).fill(1), ...shape];
}

/** The shape that Reshape asks for: 0 keeps an extent, −1 takes what is left. */
export function reshapeTarget(from: Shape, asked: readonly number[], keepsZero: boolean): Shape {
  const known = asked.map((extent, axis) => (extent === 0 && !keepsZero ? (from[axis] ?? 0) : extent));
  const rest = size(known.filter((extent) => extent !== -1));
  const shape = known.map((extent) => (extent === -1 ? size(from) / rest : extent));
  const isFit = shape.every((extent) => Number.isInteger(extent) && extent >= 0) && size(shape) === size(from);
  if (!isFit || known.filter((extent) => extent === -1).length > 1)
    throw new FormatError(`${formatShape(from)} cannot become ${formatShape(asked)}`);
  return shape;
}

/** A shape with axes of one element taken out; all of them where none is named. */
export function squeezedShape(shape: Shape, axes: readonly number[] | undefined): Shape {
  const dropped = new Set(axes?.map((axis) => axisOf(axis, shape.length)) ?? shape.flatMap((extent, axis) => (extent === 1 ? [axis] : [])));
  for (const axis of dropped)
    if (shape[axis] !== 1) throw new FormatError(`axis ${axis} of ${formatShape(shape)} has more than one element`);
  return shape.filter((_, axis) => !dropped.has(axis));
}

/** A shape with axes of one element put in where `axes` says they are afterwards. */
export function unsqueezedShape(shape: Shape, axes: readonly number[]): Shape {
  const rank = shape.length + axes.length;
  const added = new Set(axes.map((axis) => axisOf(axis, rank)));
  if (added.size !== axes.length) throw new FormatError(`axes [${axes}] name one twice`);
  const rest = [...shape];
  return Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : (rest.shift() as number)));
}

/** A run of an axis: from `start`, every `step`th, `length` of them. */
export interface Cut {
  readonly axis: number;
  readonly start: number;
  readonly step: number;
  readonly length: number;
}

/** What Slice takes of each axis that it names. */
export function cutsOf(folding: Operands, shape: Shape): readonly Cut[] {
  const [starts, ends] = [listOf(folding, 1, "starts"), listOf(folding, 2, "ends")];
  if (!starts || !ends || starts.length !== ends.length) throw new FormatError("starts and ends are needed, one for each axis");
  const axes = listOf(folding, 3, "axes") ?? starts.map((_, i) => i);
  const steps = folding.inputs[4] ? wholes(folding.inputs[4]) : starts.map(() => 1);
  return starts.map((start, i) => {
    const axis = axisOf(axes[i], shape.length);
    return { axis, ...runOf(shape[axis], start, ends[i], steps[i]) };
  });
}

function runOf(extent: number, start: number, end: number, step: number): Omit<Cut, "axis"> {
  if (!Number.isSafeInteger(step) || step === 0) throw new FormatError(`a step of ${step}`);
  const clamped = (at: number, low: number, high: number): number => Math.min(Math.max(at < 0 ? at + extent : at, low), high);
  const [from, to] =
    step > 0 ? [clamped(start, 0, extent), clamped(end, 0, extent)] : [clamped(start, 0, extent - 1), clamped(end, -1, extent - 1)];
  return { start: from, step, length: Math.max(0, Math.ceil((to - from) / step)) };
}

/** The places that Gather reads, counted from the front. */
export function gatheredPlaces(indices: HostTensor, extent: number): number[] {
  return wholes(indices).map((place) => axisOf(place, extent));
}

/** The lengths of Split's parts. */
export function partsOf(folding: Operands & { readonly outputs: number }, extent: number): readonly number[] {
  const asked = listOf(folding, 1, "split");
  const count = folding.attributes.number("num_outputs") ?? folding.outputs;
  if (!Number.isSafeInteger(count) || count < 1 || count > folding.outputs)
    throw new FormatError(`${count} parts for ${folding.outputs} outputs`);
  const each = Math.ceil(extent / count);
  const parts = asked ?? Array.from({ length: count }, (_, i) => Math.min(each, extent - i * each));
  const isFit =
    parts.every((part) => part > 0) && parts.reduce((sum, part) => sum + part, 0) === extent && parts.length === folding.outputs;
  if (!isFit) throw new FormatError(`parts of [${parts}] for an axis of ${extent}`);
  return parts;
}

/** Transpose's order of axes. */
export function permutation(attributes: Attributes, rank: number): readonly number[] {
  const axes = attributes.list("perm") ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  if (axes.length !== rank || new Set(axes.map((axis) => axisOf(axis, rank))).size !== rank)
    throw new FormatError(`perm [${axes}] for ${rank} axes`);
  return axes;
}
