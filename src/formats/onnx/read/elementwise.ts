/** Activations and arithmetic. */
import { isSameShape, type Shape, size } from "../../../core/shape.ts";
import type { Value } from "../../../ir/graph.ts";
import { add } from "../../../ops/add.ts";
import { divide } from "../../../ops/divide.ts";
import { hardSwish } from "../../../ops/hardSwish.ts";
import { maximum } from "../../../ops/maximum.ts";
import { multiply } from "../../../ops/multiply.ts";
import { sigmoid } from "../../../ops/sigmoid.ts";
import { softmax } from "../../../ops/softmax.ts";
import type { HostTensor } from "../elements.ts";
import { asImages, channelAffine, clipped, permuted, product, reshaped, scaled } from "./constructors.ts";
import { constantAt, isValue, optionalAt, type Place, type Reader, valueAt } from "./importing.ts";
import { Unsupported } from "./node.ts";
import { axisOf, broadcastShape, padded } from "./shapes.ts";

/** scale · x + shift for constants of any shape that broadcasts to x's; undefined where one does not. */
function withConstants(place: Place, x: Value, scale: HostTensor | number, shift: HostTensor | number): Value {
  const { g } = place;
  const of = (part: HostTensor | number): HostTensor =>
    typeof part === "number" ? { shape: [], data: Float64Array.of(part), type: 1 } : part;
  const parts = [of(scale), of(shift)];
  if (parts.every(({ data }) => data.length === 1)) return scaled(g, x, parts[0].data[0], parts[1].data[0]);
  const shapes = parts.map(({ shape }) => padded(shape, x.shape.length));
  for (const shape of shapes)
    if (!isSameShape(broadcastShape(shape, x.shape), x.shape))
      throw new Unsupported(`a constant [${shape}] that x [${x.shape}] is broadcast to`);
  const axis = varyingAxis(shapes);
  if (axis === undefined) return withImages(place, x, parts, shapes);
  const vectors = parts.map(({ data }) => (data.length === 1 ? new Float64Array(x.shape[axis]).fill(data[0]) : data));
  const apply = (value: Value): Value => channelAffine(place, value, vectors[0], vectors[1]);
  if (axis === 1) return x.shape.length === 2 ? apply(x) : asImages(g, x, apply);
  if (axis !== x.shape.length - 1) return withImages(place, x, parts, shapes);
  const rows = reshaped(g, x, [size(x.shape.slice(0, -1)), x.shape[axis]]);
  return reshaped(g, apply(rows), x.shape);
}

/** The one axis along which constants vary. */
function varyingAxis(shapes: readonly Shape[]): number | undefined {
  const axes = new Set(shapes.flatMap((shape) => shape.flatMap((extent, axis) => (extent > 1 ? [axis] : []))));
  return axes.size === 1 && !axes.has(0) ? [...axes][0] : undefined;
}

/** Constants that vary along several axes: multiplied and added as stored images. */
function withImages({ g, model, node }: Place, x: Value, [scale, shift]: readonly HostTensor[], shapes: readonly Shape[]): Value {
  const stored = ({ data }: HostTensor, shape: Shape, name: string): Value =>
    model.store({ shape, data: Float32Array.from(data), type: 1 }, `${node.name}.${name}`);
  if (shapes.some((shape) => shape[0] !== 1)) throw new Unsupported("constants that differ from image to image");
  const isOne = scale.data.length === 1 && scale.data[0] === 1;
  const isZero = shift.data.length === 1 && shift.data[0] === 0;
  const multiplied = isOne ? x : multiply(g, [x, stored(scale, shapes[0], "scale")], {});
  return isZero ? multiplied : add(g, [multiplied, stored(shift, shapes[1], "shift")], {});
}

const over = ({ shape, type, data }: HostTensor, apply: (x: number) => number): HostTensor => ({
  shape,
  type,
  data: Float64Array.from(data, apply),
});

/** Two values, the second of which broadcasts to the first, and whether they have changed places. */
interface Pair {
  readonly operands: readonly [a: Value, b: Value];
  readonly isSwapped: boolean;
}

/** Both operands in the order in which the second broadcasts; axes of one element are put before the shorter shape. */
function pairOf(place: Place): Pair {
  const { g } = place;
  const [x, y] = [valueAt(place, 0), valueAt(place, 1)];
  const shape = broadcastShape(x.shape, y.shape);
  const full = (value: Value): Value => reshaped(g, value, padded(value.shape, shape.length));
  const [a, b] = [full(x), full(y)];
  if (isSameShape(a.shape, shape)) return { operands: [a, b], isSwapped: false };
  if (isSameShape(b.shape, shape)) return { operands: [b, a], isSwapped: true };
  throw new Unsupported(`[${x.shape}] and [${y.shape}], each broadcast to the other`);
}

/** Which operand is a constant, and the other; undefined where both are values. */
function constantOperand({
  inputs: [a, b],
}: Place): { readonly constant: HostTensor; readonly x: Value; readonly isFirst: boolean } | undefined {
  if (isValue(a) && b && !isValue(b)) return { constant: b, x: a, isFirst: false };
  return a && !isValue(a) && isValue(b) ? { constant: a, x: b, isFirst: true } : undefined;
}

const addition: Reader = (place) => {
  const held = constantOperand(place);
  return held ? withConstants(place, held.x, 1, held.constant) : add(place.g, pairOf(place).operands, {});
};

const multiplication: Reader = (place) => {
  const held = constantOperand(place);
  if (held) return withConstants(place, held.x, held.constant, 0);
  return product(place.g, ...pairOf(place).operands);
};

const subtraction: Reader = (place) => {
  const { g } = place;
  const held = constantOperand(place);
  if (held?.isFirst) return withConstants(place, held.x, -1, held.constant);
  if (held)
    return withConstants(
      place,
      held.x,
      1,
      over(held.constant, (x) => -x),
    );
  const {
    operands: [a, b],
    isSwapped,
  } = pairOf(place);
  return isSwapped ? add(g, [scaled(g, a, -1, 0), b], {}) : add(g, [a, scaled(g, b, -1, 0)], {});
};

const division: Reader = (place) => {
  const { g } = place;
  const held = constantOperand(place);
  if (held?.isFirst) return divide(g, [withConstants(place, scaled(g, held.x, 0, 0), 1, held.constant), held.x], {});
  if (held)
    return withConstants(
      place,
      held.x,
      over(held.constant, (x) => 1 / x),
      0,
    );
  const { operands, isSwapped } = pairOf(place);
  if (isSwapped) throw new Unsupported("a quotient whose dividend is broadcast");
  return divide(g, operands, {});
};

/** slope · x below 0. */
function leaky({ g }: Place, x: Value, slope: number): Value {
  if (slope >= 0 && slope <= 1) return maximum(g, [x, scaled(g, x, slope, 0)], {});
  const [above, below] = [clipped(g, x, 0, Number.POSITIVE_INFINITY), clipped(g, scaled(g, x, -1, 0), 0, Number.POSITIVE_INFINITY)];
  return add(g, [above, scaled(g, below, -slope, 0)], {});
}

const parametric: Reader = (place) => {
  const { g } = place;
  const x = valueAt(place, 0);
  const slope = constantAt(place, 1, "slopes");
  if (slope.data.length === 1) return leaky(place, x, slope.data[0]);
  const above = clipped(g, x, 0, Number.POSITIVE_INFINITY);
  const below = clipped(g, scaled(g, x, -1, 0), 0, Number.POSITIVE_INFINITY);
  return add(
    g,
    [
      above,
      withConstants(
        place,
        below,
        over(slope, (each) => -each),
        0,
      ),
    ],
    {},
  );
};

/** The bounds of Clip: operands from operator set 11 on, attributes before. */
const clipping: Reader = (place) => {
  const { attributes, g } = place;
  const bound = (index: number, name: string, open: number): number => {
    const given = optionalAt(place, index, "a bound");
    const old = attributes.number(name);
    if (given && given.data.length !== 1) throw new Unsupported("bounds of more than one number");
    return given ? given.data[0] : (old ?? open);
  };
  return clipped(g, valueAt(place, 0), bound(1, "min", Number.NEGATIVE_INFINITY), bound(2, "max", Number.POSITIVE_INFINITY));
};

/** The greater or lesser of two; of a value and one number, a clip. */
function extreme(sign: 1 | -1): Reader {
  return (place) => {
    const { g, inputs } = place;
    if (inputs.length !== 2) throw new Unsupported(`${inputs.length} operands`);
    const held = constantOperand(place);
    if (held?.constant.data.length === 1) {
      const [bound] = held.constant.data;
      return sign > 0 ? clipped(g, held.x, bound, Number.POSITIVE_INFINITY) : clipped(g, held.x, Number.NEGATIVE_INFINITY, bound);
    }
    const [a, b] = [valueAt(place, 0), valueAt(place, 1)];
    if (!isSameShape(a.shape, b.shape)) throw new Unsupported(`[${a.shape}] and [${b.shape}] of different shape`);
    return scaled(g, maximum(g, [scaled(g, a, sign, 0), scaled(g, b, sign, 0)], {}), sign, 0);
  };
}

/** Softmax along any axis but the images'; before operator set 13, over all axes from the one named on. */
const softmaxReader: Reader = (place) => {
  const { g, model, attributes } = place;
  const x = valueAt(place, 0);
  const rank = x.shape.length;
  const isWhole = model.opset < 13;
  const axis = axisOf(attributes.number("axis") ?? (isWhole ? 1 : -1), rank);
  if (axis === 0) throw new Unsupported("softmax over the images");
  if (isWhole || axis === rank - 1) {
    const length = isWhole ? size(x.shape.slice(axis)) : x.shape[axis];
    return reshaped(g, softmax(g, [reshaped(g, x, [size(x.shape) / length, length])], {}), x.shape);
  }
  const order = [...x.shape.keys()].filter((each) => each !== axis).concat(axis);
  const last = permuted(g, x, order);
  const rows = reshaped(g, last, [size(x.shape) / x.shape[axis], x.shape[axis]]);
  return permuted(
    g,
    reshaped(g, softmax(g, [rows], {}), last.shape),
    order.map((_, at) => order.indexOf(at)),
  );
};

const power: Reader = (place) => {
  const x = valueAt(place, 0);
  const exponent = constantAt(place, 1, "an exponent");
  if (exponent.data.length !== 1 || exponent.data[0] !== 2) throw new Unsupported(`the power ${exponent.data.slice(0, 4)}; only 2 is read`);
  return multiply(place.g, [x, x], {});
};

const sum: Reader = ({ g, inputs }) => {
  if (!inputs.every(isValue)) throw new Unsupported("a sum with constants");
  return (inputs as readonly Value[]).reduce((total, x) => add(g, [total, x], {}));
};

/** Readers of operators that look at one element at a time, and of Softmax, by type. */
export const elementwiseReaders: Readonly<Record<string, Reader>> = {
  Abs: (place) => maximum(place.g, [valueAt(place, 0), scaled(place.g, valueAt(place, 0), -1, 0)], {}),
  Add: addition,
  Clip: clipping,
  Div: division,
  HardSigmoid(place) {
    const [alpha, beta] = [place.attributes.number("alpha") ?? 0.2, place.attributes.number("beta") ?? 0.5];
    return clipped(place.g, scaled(place.g, valueAt(place, 0), alpha, beta), 0, 1);
  },
  HardSwish: (place) => hardSwish(place.g, [valueAt(place, 0)], {}),
  LeakyRelu: (place) => leaky(place, valueAt(place, 0), place.attributes.number("alpha") ?? 0.01),
  Max: extreme(1),
  Min: extreme(-1),
  Mul: multiplication,
  Neg: (place) => scaled(place.g, valueAt(place, 0), -1, 0),
  PRelu: parametric,
  Pow: power,
  Relu: (place) => clipped(place.g, valueAt(place, 0), 0, Number.POSITIVE_INFINITY),
  Sigmoid: (place) => sigmoid(place.g, [valueAt(place, 0)], {}),
  Softmax: softmaxReader,
  Sub: subtraction,
  Sum: sum,
  // Twice the logistic function of 2x, less 1.
  Tanh: ({ g, ...place }) => scaled(g, sigmoid(g, [scaled(g, valueAt({ g, ...place }, 0), 2, 0)], {}), 2, -1),
};
