import type { DType } from "../core/dtype.ts";
import { need, ShapeError } from "../core/errors.ts";
import { formatShape, type Shape, size } from "../core/shape.ts";
import type { ReferenceTensor } from "../core/tensor.ts";
import type { Node, Value } from "./graph.ts";
import type { Scope } from "./scope.ts";

/** Arithmetic by kind. Papers count the multiply–accumulates of convolutions and linear layers alone. */
export interface Operations {
  readonly macs: number;
  /** Additions and subtractions of floats. */
  readonly adds: number;
  /** Multiplications beside the multiply–accumulates; a division, a root or an exponential counts as one. */
  readonly multiplications?: number;
  /** Of two floats: minima, maxima, clips, thresholds. */
  readonly comparisons?: number;
  /** Additions of integers (Mitchell's products are such). */
  readonly integerAdds?: number;
}

/** Work of one application: its arithmetic, and the elements read and written. */
export interface Cost extends Operations {
  readonly moved: number;
}

/** What a gradient rule may look at beside the inputs: all outputs and the gradients that reached them (undefined = none did). */
export interface GradientContext {
  readonly outputs: readonly Value[];
  readonly dys: readonly (Value | undefined)[];
}

/** Channels of a value (axis 1) that lie in another order than they are meant to. */
export interface ChannelOrder {
  /** Where each channel lies. */
  readonly places: readonly number[];
  /** The groups of the channel shuffles that, one after the other, bring each to its place. */
  readonly shuffles: readonly number[];
}

/** How an op goes on where channels lie in another order. */
export interface Reordering<A> {
  /** The attributes then; default: the same. */
  readonly attrs?: A;
  /** For each operand the shape under which the channels are axis 1, where they have to lie in that order, too; undefined: it stays as it is. */
  readonly operands: readonly (Shape | undefined)[];
  /** The outputs' channels lie in that order, too; otherwise they lie as they are meant to. */
  readonly isKept: boolean;
  /** The attributes make the kernel read in that order. */
  readonly isRead?: true;
}

/** Gradients of the inputs, in order (undefined = none flows), built as graph. `dy` is the gradient of output 0. */
export type GradientRule<A extends object> = (
  g: Scope,
  inputs: readonly Value[],
  dy: Value,
  attrs: A,
  context: GradientContext,
) => readonly (Value | undefined)[];

/**
 * What the project knows of an op by itself. Kernels only imitate `reference`. What becomes of it in terms of other ops, its gradient
 * (ops/gradients.ts) and its integer form (ops/integerRules.ts), stands in tables: a program that only runs graphs carries neither.
 * `A` is the type of the attributes (plain JSON).
 */
export interface OpRecord<A extends object> {
  readonly name: string;
  /** Shapes of the outputs; throws ShapeError through `need`. One shape, or an array of shapes for several outputs. */
  shape(inputs: readonly Shape[], attrs: A): Shape | readonly Shape[];
  /** What the outputs' elements are, refusing operands of the wrong type through `need`. Default: float32, and so all operands. */
  dtype?(inputs: readonly DType[], attrs: A): DType;
  cost(inputs: readonly Shape[], attrs: A, outputs: readonly Shape[]): Cost;
  /** The definition: writes every element of `y` (output 0) and `ys` (all outputs), in float64. */
  reference(y: ReferenceTensor, inputs: readonly ReferenceTensor[], attrs: A, ys: readonly ReferenceTensor[]): void;
  /** Output 0 has input 0's shape and element i depends only on element i of the operands (or on a broadcast one): may be fused, may run in place. */
  readonly isElementwise?: true;
  /** The first two operands may change places. */
  readonly isCommutative?: true;
  /** Output 0 may be followed by elementwise ops at no cost (`Node.epilogue`). */
  readonly takesEpilogue?: true;
  /** Output 0 has the same elements in the same logical order as input 0 (reshape): a plan may alias it. */
  readonly isView?: true;
  /** Output 0 holds elements of the inputs in other places, and zeros: no arithmetic. */
  readonly isRouting?: true;
  /** Gives each channel of output 0 a mean and a variance of its own, whatever input 0's were. */
  readonly isNormalising?: true;
  /** How the op goes on where the channels of its operands lie in another order; undefined: it cannot. Default: elementwise ops can, others cannot. */
  reorder?(order: ChannelOrder, inputs: readonly Shape[], attrs: A): Reordering<A> | undefined;
  /** Inputs whose axis 0 numbers the channels of output 0: where they lie in another order, so does output 0, and nothing else changes. */
  rowInputs?(attrs: A): readonly number[];
  /** Sums similarities of input 0 with the weight, input 1: the attributes `similarity` and `gradient` say which (ops/similarity.ts). */
  readonly takesSimilarity?: true;
  /** Indices of inputs (kept as weights in OIHW) and of outputs that are weight-shaped rather than activations. */
  readonly weightInputs?: readonly number[];
  readonly weightOutputs?: readonly number[];
  /** Output i may be written over input `inPlace[i]`: each element depends only on the same element of the operands (state updates). */
  readonly inPlace?: Readonly<Record<number, number>>;
  /** Where the gradient is deliberately not the derivative: the stated form. */
  surrogate?(attrs: A): string | undefined;
}

/** An op: its record, callable to apply it. */
export interface Op<A extends object = object> extends OpRecord<A> {
  /** Emits one application and returns output 0. */
  (g: Scope, inputs: readonly Value[], attrs: A): Value;
  /** Emits one application and returns every output. */
  all(g: Scope, inputs: readonly Value[], attrs: A): readonly Value[];
  /** The shapes of all outputs, with the place in the error when they do not fit. */
  shapes(inputs: readonly Shape[], attrs: A, where?: string): readonly Shape[];
  /** The type of the outputs' elements, with the place in the error when the operands' do not fit. */
  elements(inputs: readonly DType[], attrs: A, where?: string): DType;
}

/** The registry's element type: an op whose attributes are not known here. */
// biome-ignore lint/suspicious/noExplicitAny: attributes are checked where an op is applied; a table of ops cannot name each type
export type AnyOp = Op<any>;

function isOneShape(shape: Shape | readonly Shape[]): shape is Shape {
  return shape.length === 0 || typeof shape[0] === "number";
}

/** The type rule of ops that know float32 only. */
function floats(inputs: readonly DType[]): DType {
  const at = inputs.findIndex((dtype) => dtype !== "f32");
  need(at < 0, () => `operand ${at} is ${inputs[at]}, needed f32`);
  return "f32";
}

/**
 * Makes an op out of its record.
 * @__NO_SIDE_EFFECTS__
 */
export function defineOp<A extends object>(record: OpRecord<A>): Op<A> {
  const shapes = (inputs: readonly Shape[], attrs: A, where = ""): readonly Shape[] => {
    try {
      const shape = record.shape(inputs, attrs);
      return isOneShape(shape) ? [shape] : shape;
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      const listed = inputs.map((shape, i) => `\n  input ${i}  ${formatShape(shape)}`).join("");
      throw new ShapeError(`${record.name}${where ? ` at "${where}"` : ""}: ${error.message}${listed}`);
    }
  };
  const elements = (inputs: readonly DType[], attrs: A, where = ""): DType => {
    try {
      return (record.dtype ?? floats)(inputs, attrs);
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      throw new ShapeError(`${record.name}${where ? ` at "${where}"` : ""}: ${error.message}`);
    }
  };
  const all = (g: Scope, inputs: readonly Value[], attrs: A): readonly Value[] => g.emit(op as unknown as Op, inputs, attrs);
  const apply = (g: Scope, inputs: readonly Value[], attrs: A): Value => all(g, inputs, attrs)[0];
  const op = Object.defineProperty(apply, "name", { value: record.name }) as unknown as Op<A>;
  const { name: _name, ...facts } = record;
  return Object.assign(op, facts, { all, shapes, elements });
}

/** Arithmetic of several parts, every kind filled in. */
export function sumOperations(parts: readonly Operations[]): Required<Operations> {
  const total = (pick: (part: Operations) => number | undefined): number => parts.reduce((sum, part) => sum + (pick(part) ?? 0), 0);
  return {
    macs: total(({ macs }) => macs),
    adds: total(({ adds }) => adds),
    multiplications: total(({ multiplications }) => multiplications),
    comparisons: total(({ comparisons }) => comparisons),
    integerAdds: total(({ integerAdds }) => integerAdds),
  };
}

/** The cost of one node, its epilogue included: fused ops add their arithmetic, but move only their further operands. */
export function costOf(node: Node): Cost {
  const outputs = node.outputs.map((value) => value.shape);
  const shapes = (values: readonly Value[]): readonly Shape[] => values.map((value) => value.shape);
  const own = node.op.cost(shapes(node.inputs), node.attrs, outputs);
  const fused = node.epilogue.map(({ op, attrs, inputs }) => op.cost([outputs[0], ...shapes(inputs)], attrs, [outputs[0]]));
  const further = node.epilogue.flatMap(({ inputs }) => inputs).reduce((elements, { shape }) => elements + size(shape), 0);
  return { ...sumOperations([own, ...fused]), moved: own.moved + further };
}
