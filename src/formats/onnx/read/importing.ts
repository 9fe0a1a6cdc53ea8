/** The graph under construction while a file is read: what each name of the file stands for, and where constants are stored. */

import { FormatError } from "../../../core/errors.ts";
import { size } from "../../../core/shape.ts";
import type { Tensor } from "../../../core/tensor.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Scope } from "../../../ir/scope.ts";
import type { HostTensor } from "../elements.ts";
import { type Attributes, type ImportedNode, Unsupported } from "./node.ts";
import { needed } from "./shapes.ts";

/** What a name of the file stands for: a constant, or a value of the graph. */
export type Held = HostTensor | Value;

/** True for a value of the graph. */
export function isValue(held: Held | undefined): held is Value {
  return held !== undefined && "id" in held;
}

/** What all nodes of one file share. */
export interface Importing {
  readonly root: Scope;
  readonly weights: Map<string, Tensor>;
  readonly opset: number;
  /** Counts elements before they are made. */
  readonly spend: (elements: number) => void;
  /** A constant as a stored weight, once for each; `name` where the file has none for it. */
  store(tensor: HostTensor, name: string): Value;
}

/** One node while it is read. */
export interface Place {
  readonly model: Importing;
  readonly node: ImportedNode;
  readonly attributes: Attributes;
  readonly inputs: readonly (Held | undefined)[];
  /** Builds where the node stands. */
  readonly g: Scope;
}

/** Reads one node: what its outputs stand for. */
export type Reader = (place: Place) => Held | readonly Held[];

/** Names that a tensor of a safetensors file may not have. */
const RESERVED = "__metadata__";

/** An empty graph's importing. */
export function beginImporting(root: Scope, opset: number, spend: (elements: number) => void): Importing {
  const weights = new Map<string, Tensor>();
  const stored = new Map<HostTensor, Value>();
  return {
    root,
    weights,
    opset,
    spend,
    store(tensor, fallback) {
      const held = stored.get(tensor);
      if (held) return held;
      const wanted = tensor.name ?? fallback;
      let name = wanted;
      for (let i = 2; weights.has(name) || name === RESERVED || name === ""; i++) name = `${wanted}.${i}`;
      const { shape, data } = tensor;
      weights.set(name, { shape, data: data instanceof Float32Array ? data : new Float32Array(data) });
      const value = root.parameter(name, shape, { kind: "constant", value: 0 });
      stored.set(tensor, value);
      return value;
    },
  };
}

/** Operand `index` as a value of the graph; a constant is stored. */
export function valueAt({ inputs, model, node }: Place, index: number): Value {
  const held = needed(inputs, index);
  return isValue(held) ? held : model.store(held, `${node.name}.${index}`);
}

/** Operand `index`, which has to be a constant; `what` says what it is. */
export function constantAt({ inputs }: Place, index: number, what: string): HostTensor {
  const held = needed(inputs, index);
  if (isValue(held)) throw new Unsupported(`${what} that is computed`);
  return held;
}

/** The same where the operand may be absent. */
export function optionalAt(place: Place, index: number, what: string): HostTensor | undefined {
  return place.inputs[index] === undefined ? undefined : constantAt(place, index, what);
}

/** Operands as `listOf` and its like take them: constants only. */
export function constantsOf(place: Place): { readonly inputs: readonly (HostTensor | undefined)[]; readonly attributes: Attributes } {
  const inputs = place.inputs.map((held, index) =>
    index === 0 || held === undefined ? undefined : constantAt(place, index, `operand ${index}`),
  );
  return { inputs, attributes: place.attributes };
}

/** Refuses images of another rank than four axes. */
export function needRank(x: Value, rank: number): void {
  if (x.shape.length !== rank) throw new Unsupported(`an operand of ${x.shape.length} axes, [${x.shape.join(", ")}]`);
}

/** A constant made here. */
export function made(shape: readonly number[], data: Float32Array): HostTensor {
  if (data.length !== size(shape)) throw new FormatError(`${data.length} elements for [${shape.join(", ")}]`);
  return { shape, data, type: 1 };
}

/** Refuses what would tell one image of a run from another. */
export function needOwnAxis(axis: number): void {
  if (axis === 0) throw new Unsupported("axis 0, which counts the images of a run");
}
