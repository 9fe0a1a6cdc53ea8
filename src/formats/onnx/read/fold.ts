/** Arithmetic on constants: shapes that a file computes, weights that it derives. Numbers are float64; whole numbers divide to whole ones. */
import { FormatError } from "../../../core/errors.ts";
import { formatShape, isSameShape, type Shape, size } from "../../../core/shape.ts";
import { broadcastIndex } from "../../../ops/broadcast.ts";
import { BOOL, boundsOf, FLOAT, type HostTensor, INT64, isInteger } from "../elements.ts";
import type { Attributes } from "./node.ts";
import { Unsupported } from "./node.ts";

/** Elements that all constants made here may have together, beside some for each that is stored. */
const MOST_MADE = 2 ** 24;
const FOR_EACH_STORED = 4;

/** Numbers of one shape, list of places and such. */
const MOST_LISTED = 2 ** 20;

/** What a folding may look at. */
export interface Folding {
  readonly inputs: readonly (HostTensor | undefined)[];
  readonly attributes: Attributes;
  readonly outputs: number;
  /** Counts elements before they are made; refuses more than any network needs. */
  readonly spend: (elements: number) => void;
}

/** A budget of elements, for a file that stores so many. */
export function elementBudget(stored: number): (elements: number) => void {
  const most = MOST_MADE + FOR_EACH_STORED * stored;
  let left = most;
  return (elements) => {
    left -= elements;
    if (!(left >= 0)) throw new FormatError(`constants of more than ${most} computed elements`);
  };
}

type Fold = (folding: Folding) => readonly HostTensor[];

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
export function listOf({ inputs, attributes }: Pick<Folding, "inputs" | "attributes">, index: number, name: string): number[] | undefined {
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

function expand(tensor: HostTensor, shape: Shape, spend: Folding["spend"]): HostTensor {
  if (isSameShape(tensor.shape, shape)) return tensor;
  spend(size(shape));
  const index = broadcastIndex(padded(tensor.shape, shape.length), shape);
  return { shape, type: tensor.type, data: Float64Array.from(index, (from) => tensor.data[from]) };
}

function binary(apply: (a: number, b: number) => number, result?: number): Fold {
  return ({ inputs, spend }) => {
    const [x, y] = [needed(inputs, 0), needed(inputs, 1)];
    const shape = broadcastShape(x.shape, y.shape);
    const [a, b] = [expand(x, shape, spend), expand(y, shape, spend)];
    spend(a.data.length);
    const isWhole = isInteger(x.type) && x.type !== BOOL;
    const data = Float64Array.from(a.data, (each, i) => (isWhole ? Math.trunc(apply(each, b.data[i])) : apply(each, b.data[i])));
    return [{ shape, type: result ?? x.type, data }];
  };
}

function unary(apply: (x: number) => number): Fold {
  return ({ inputs, spend }) => {
    const { shape, type, data } = needed(inputs, 0);
    spend(data.length);
    return [{ shape, type, data: Float64Array.from(data, apply) }];
  };
}

/** Axes in another order. */
export function transposed(tensor: HostTensor, axes: readonly number[]): HostTensor {
  const { shape, data } = tensor;
  const strides = shape.map((_, axis) => size(shape.slice(axis + 1)));
  const target = axes.map((axis) => shape[axis]);
  const steps = axes.map((axis) => strides[axis]);
  const moved = data instanceof Float32Array ? new Float32Array(data.length) : new Float64Array(data.length);
  const at = target.map(() => 0);
  let from = 0;
  for (let i = 0; i < moved.length; i++) {
    moved[i] = data[from];
    for (let axis = target.length - 1; axis >= 0; axis--) {
      from += steps[axis];
      if (++at[axis] < target[axis]) break;
      from -= steps[axis] * target[axis];
      at[axis] = 0;
    }
  }
  return { ...tensor, shape: target, data: moved };
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
export function cutsOf(folding: Pick<Folding, "inputs" | "attributes">, shape: Shape): readonly Cut[] {
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

/** Elements at given places of one axis. */
export function taken(tensor: HostTensor, axis: number, places: readonly number[], spend: Folding["spend"]): HostTensor {
  const { shape, type, data } = tensor;
  const inner = size(shape.slice(axis + 1));
  const outer = size(shape.slice(0, axis));
  spend(outer * places.length * inner);
  const found = new Float64Array(outer * places.length * inner);
  for (let o = 0; o < outer; o++) {
    for (const [i, place] of places.entries()) {
      const from = (o * shape[axis] + place) * inner;
      found.set(data.subarray(from, from + inner), (o * places.length + i) * inner);
    }
  }
  return { type, shape: shape.map((extent, at) => (at === axis ? places.length : extent)), data: found };
}

/** The places that Gather reads, counted from the front. */
export function gatheredPlaces(indices: HostTensor, extent: number): number[] {
  return wholes(indices).map((place) => axisOf(place, extent));
}

function concatenated(parts: readonly HostTensor[], axis: number, spend: Folding["spend"]): HostTensor {
  const [first] = parts;
  const at = axisOf(axis, first.shape.length);
  const isFit = parts.every(
    ({ shape }) => shape.length === first.shape.length && shape.every((extent, i) => i === at || extent === first.shape[i]),
  );
  if (!isFit) throw new FormatError(`parts of ${parts.map(({ shape }) => formatShape(shape)).join(", ")} along axis ${at}`);
  const shape = first.shape.map((extent, i) => (i === at ? parts.reduce((sum, part) => sum + part.shape[at], 0) : extent));
  spend(size(shape));
  const data = new Float64Array(size(shape));
  const outer = size(first.shape.slice(0, at));
  let to = 0;
  for (let o = 0; o < outer; o++) {
    for (const part of parts) {
      const length = part.data.length / outer;
      data.set(part.data.subarray(o * length, (o + 1) * length), to);
      to += length;
    }
  }
  return { shape, type: first.type, data };
}

/** The lengths of Split's parts. */
export function partsOf(folding: Pick<Folding, "inputs" | "attributes" | "outputs">, extent: number): readonly number[] {
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

/** x as integers of a type, which are what (q − zero) · scale stands for: DequantizeLinear on stored numbers. */
function dequantised({ inputs, attributes, spend }: Folding): readonly HostTensor[] {
  const [x, scale, zero] = [needed(inputs, 0), needed(inputs, 1), inputs[2]];
  attributes.only("block_size", 0);
  const axis = axisOf(attributes.number("axis") ?? 1, Math.max(x.shape.length, 2));
  const isWhole = scale.data.length === 1;
  if (!isWhole && scale.data.length !== x.shape[axis])
    throw new FormatError(`${scale.data.length} scales for axis ${axis} of ${formatShape(x.shape)}`);
  spend(x.data.length);
  const run = isWhole ? x.data.length : size(x.shape.slice(axis + 1));
  const data = new Float64Array(x.data.length);
  for (let i = 0; i < data.length; i++) {
    const channel = isWhole ? 0 : Math.floor(i / run) % scale.data.length;
    data[i] = (x.data[i] - (zero?.data[channel] ?? 0)) * scale.data[channel];
  }
  return [{ shape: x.shape, type: FLOAT, data, ...(x.name === undefined ? {} : { name: x.name }) }];
}

function quantised({ inputs, attributes, spend }: Folding): readonly HostTensor[] {
  const [x, scale, zero] = [needed(inputs, 0), needed(inputs, 1), inputs[2]];
  attributes.ignore("axis", "saturate");
  if (scale.data.length !== 1) throw new Unsupported("constants of one scale a channel");
  spend(x.data.length);
  const type = zero?.type ?? 2;
  const [least, most] = boundsOf(type);
  const nearest = (a: number): number => {
    const floor = Math.floor(a);
    return a - floor === 0.5 ? floor + (floor % 2 === 0 ? 0 : 1) : Math.round(a);
  };
  const data = Float64Array.from(x.data, (a) => Math.min(Math.max(nearest(a / scale.data[0]) + (zero?.data[0] ?? 0), least), most));
  return [{ shape: x.shape, type, data }];
}

function cast({ inputs, attributes, spend }: Folding): readonly HostTensor[] {
  const x = needed(inputs, 0);
  const type = attributes.number("to") ?? FLOAT;
  attributes.ignore("saturate");
  if (!isInteger(type)) return [{ ...x, type }];
  spend(x.data.length);
  return [{ shape: x.shape, type, data: Float64Array.from(x.data, type === BOOL ? (a) => Number(a !== 0) : Math.trunc) }];
}

function reduced(apply: (list: readonly number[]) => number): Fold {
  return (folding) => {
    const x = needed(folding.inputs, 0);
    const axes = new Set((listOf(folding, 1, "axes") ?? x.shape.map((_, axis) => axis)).map((axis) => axisOf(axis, x.shape.length)));
    const keeps = (folding.attributes.number("keepdims") ?? 1) === 1;
    const order = [...x.shape.keys()].sort((a, b) => Number(axes.has(a)) - Number(axes.has(b)) || a - b);
    const moved = transposed(x, order).data;
    const shape = x.shape.flatMap((extent, axis) => (axes.has(axis) ? (keeps ? [1] : []) : [extent]));
    const count = x.data.length / size(shape);
    const data = Float64Array.from({ length: size(shape) }, (_, i) => apply([...moved.subarray(i * count, (i + 1) * count)]));
    return [{ shape, type: x.type, data }];
  };
}

const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);

/** What each operator gives of constants, by type. */
export const folds: Readonly<Record<string, Fold>> = {
  Abs: unary(Math.abs),
  Add: binary((a, b) => a + b),
  And: binary((a, b) => Number(a !== 0 && b !== 0), BOOL),
  Cast: cast,
  Ceil: unary(Math.ceil),
  Concat: ({ inputs, attributes, spend }) => [
    concatenated(
      inputs.map((_, i) => needed(inputs, i)),
      attributes.number("axis") ?? 0,
      spend,
    ),
  ],
  Constant({ attributes }) {
    const [tensor, single, whole] = [attributes.tensor("value"), attributes.number("value_float"), attributes.number("value_int")];
    const [singles, integers] = [attributes.list("value_floats"), attributes.list("value_ints")];
    if (tensor) return [tensor];
    if (single !== undefined || whole !== undefined)
      return [{ shape: [], type: whole === undefined ? FLOAT : INT64, data: Float64Array.of(single ?? whole ?? 0) }];
    const list = singles ?? integers;
    if (!list) throw new Unsupported("a constant that is no number");
    return [{ shape: [list.length], type: integers ? INT64 : FLOAT, data: Float64Array.from(list) }];
  },
  ConstantOfShape({ inputs, attributes, spend }) {
    const shape = wholes(needed(inputs, 0));
    const value = attributes.tensor("value");
    if (shape.some((extent) => extent < 0)) throw new FormatError(`a shape of ${formatShape(shape)}`);
    spend(size(shape));
    return [{ shape, type: value?.type ?? FLOAT, data: new Float64Array(size(shape)).fill(value?.data[0] ?? 0) }];
  },
  DequantizeLinear: dequantised,
  Div: binary((a, b) => a / b),
  Equal: binary((a, b) => Number(a === b), BOOL),
  Exp: unary(Math.exp),
  Expand({ inputs, spend }) {
    const x = needed(inputs, 0);
    return [expand(x, broadcastShape(x.shape, wholes(needed(inputs, 1))), spend)];
  },
  Floor: unary(Math.floor),
  Gather({ inputs, attributes, spend }) {
    const [x, indices] = [needed(inputs, 0), needed(inputs, 1)];
    const axis = axisOf(attributes.number("axis") ?? 0, x.shape.length);
    const found = taken(x, axis, gatheredPlaces(indices, x.shape[axis]), spend);
    return [{ ...found, shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)] }];
  },
  Greater: binary((a, b) => Number(a > b), BOOL),
  Identity: ({ inputs }) => [needed(inputs, 0)],
  Less: binary((a, b) => Number(a < b), BOOL),
  Log: unary(Math.log),
  Max: binary(Math.max),
  Min: binary(Math.min),
  Mod: binary((a, b) => a - b * Math.floor(a / b)),
  Mul: binary((a, b) => a * b),
  Neg: unary((x) => -x),
  Not: unary((x) => Number(x === 0)),
  Pow: binary((a, b) => a ** b),
  QuantizeLinear: quantised,
  Range({ inputs, spend }) {
    const [start, limit, delta] = [0, 1, 2].map((i) => needed(inputs, i).data[0]);
    const count = Math.max(0, Math.ceil((limit - start) / delta));
    spend(count);
    return [{ shape: [count], type: needed(inputs, 0).type, data: Float64Array.from({ length: count }, (_, i) => start + i * delta) }];
  },
  Reciprocal: unary((x) => 1 / x),
  ReduceMax: reduced((list) => list.reduce((a, b) => Math.max(a, b))),
  ReduceMean: reduced((list) => sum(list) / list.length),
  ReduceProd: reduced((list) => list.reduce((a, b) => a * b, 1)),
  ReduceSum: reduced(sum),
  Reshape({ inputs, attributes }) {
    const x = needed(inputs, 0);
    const keepsZero = attributes.number("allowzero") === 1;
    return [{ ...x, shape: reshapeTarget(x.shape, wholes(needed(inputs, 1)), keepsZero) }];
  },
  Slice(folding) {
    const x = needed(folding.inputs, 0);
    const places = ({ start, step, length }: Cut): number[] => Array.from({ length }, (_, i) => start + i * step);
    return [cutsOf(folding, x.shape).reduce((held, cut) => taken(held, cut.axis, places(cut), folding.spend), x)];
  },
  Split(folding) {
    const x = needed(folding.inputs, 0);
    const axis = axisOf(folding.attributes.number("axis") ?? 0, x.shape.length);
    let from = 0;
    return partsOf(folding, x.shape[axis]).map((length) => {
      from += length;
      return taken(
        x,
        axis,
        Array.from({ length }, (_, i) => from - length + i),
        folding.spend,
      );
    });
  },
  Sqrt: unary(Math.sqrt),
  Squeeze(folding) {
    const x = needed(folding.inputs, 0);
    return [{ ...x, shape: squeezedShape(x.shape, listOf(folding, 1, "axes")) }];
  },
  Sub: binary((a, b) => a - b),
  Transpose({ inputs, attributes, spend }) {
    const x = needed(inputs, 0);
    spend(x.data.length);
    return [transposed(x, permutation(attributes, x.shape.length))];
  },
  Unsqueeze(folding) {
    const x = needed(folding.inputs, 0);
    return [{ ...x, shape: unsqueezedShape(x.shape, listOf(folding, 1, "axes") ?? []) }];
  },
  Where({ inputs, spend }) {
    const [truth, x, y] = [0, 1, 2].map((i) => needed(inputs, i));
    const shape = broadcastShape(truth.shape, broadcastShape(x.shape, y.shape));
    const [t, a, b] = [truth, x, y].map((each) => expand(each, shape, spend));
    spend(t.data.length);
    return [{ shape, type: x.type, data: Float64Array.from(t.data, (each, i) => (each ? a.data[i] : b.data[i])) }];
  },
};

/** Transpose's order of axes. */
export function permutation(attributes: Attributes, rank: number): readonly number[] {
  const axes = attributes.list("perm") ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  if (axes.length !== rank || new Set(axes.map((axis) => axisOf(axis, rank))).size !== rank)
    throw new FormatError(`perm [${axes}] for ${rank} axes`);
  return axes;
}
