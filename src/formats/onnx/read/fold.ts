/** Arithmetic on constants: shapes that a file computes, weights that it derives. Numbers are float64; whole numbers divide to whole ones. */
import { FormatError } from "../../../core/errors.ts";
import { formatShape, isSameShape, type Shape, size } from "../../../core/shape.ts";
import { broadcastIndex } from "../../../ops/broadcast.ts";
import { BOOL, boundsOf, FLOAT, type HostTensor, INT64, isInteger } from "../elements.ts";
import { Unsupported } from "./node.ts";
import {
  axisOf,
  broadcastShape,
  type Cut,
  cutsOf,
  gatheredPlaces,
  listOf,
  needed,
  type Operands,
  padded,
  partsOf,
  permutation,
  reshapeTarget,
  squeezedShape,
  unsqueezedShape,
  wholes,
} from "./shapes.ts";
import { concatenated, taken, transposed } from "./tensors.ts";

/** Elements that all constants made here may have together, beside some for each that is stored. */
const MOST_MADE = 2 ** 24;

const FOR_EACH_STORED = 4;

/** What a folding may look at. */
export interface Folding extends Operands {
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
