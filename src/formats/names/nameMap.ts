import { FormatError } from "../../core/errors.ts";
import { type Shape, size } from "../../core/shape.ts";
import { type Tensor, tensor } from "../../core/tensor.ts";

type Weights = ReadonlyMap<string, Tensor>;

/** A module here and the same module in a reference; "pointwise" where the reference keeps our linear layer as a 1×1 convolution. */
export type NamePair = readonly [ours: string, theirs: string, form?: "pointwise"];

/** A weight's name and shape. */
export interface NamedShape {
  readonly name: string;
  readonly shape: Shape;
}

/** Weight names of one reference for one network, both ways. */
export interface NameMap {
  readonly reference: string;
  toReference(weight: NamedShape): NamedShape;
  fromReference(weight: NamedShape): NamedShape;
  /** Our scope for a module path of the reference, undefined where nothing corresponds. */
  scopeOf(module: string): string | undefined;
}

/** The part of a path that a prefix leaves over, or undefined where the prefix does not end at one of its dots. */
function rest(path: string, prefix: string): string | undefined {
  if (path === prefix) return "";
  return path.startsWith(`${prefix}.`) ? path.slice(prefix.length) : undefined;
}

function longest(pairs: readonly NamePair[], side: 0 | 1, path: string): { pair: NamePair; left: string } | undefined {
  let best: { pair: NamePair; left: string } | undefined;
  for (const pair of pairs) {
    const left = rest(path, pair[side]);
    if (left !== undefined && (best === undefined || pair[side].length > best.pair[side].length)) best = { pair, left };
  }
  return best;
}

function convert(reference: string, pairs: readonly NamePair[], from: 0 | 1, { name, shape }: NamedShape): NamedShape {
  const found = longest(pairs, from, name);
  if (!found) throw new FormatError(`weight "${name}" has no counterpart ${from === 0 ? "in" : "to"} the names of ${reference}`);
  const { pair, left } = found;
  const isReshaped = pair[2] === "pointwise" && left === ".weight";
  const [out, inner] = shape;
  const pointwise = isReshaped && from === 0 ? [out, inner, 1, 1] : isReshaped ? [out, inner] : shape;
  return { name: `${pair[1 - from]}${left}`, shape: pointwise };
}

/** A map from a list of modules; the longest fitting one decides. `stages` are module paths that correspond to other scopes than their weights do. */
export function nameMap(reference: string, pairs: readonly NamePair[], stages: Readonly<Record<string, string>> = {}): NameMap {
  return {
    reference,
    toReference: (weight) => convert(reference, pairs, 0, weight),
    fromReference: (weight) => convert(reference, pairs, 1, weight),
    scopeOf(module) {
      if (Object.hasOwn(stages, module)) return stages[module];
      const found = longest(pairs, 1, module);
      return found && `${found.pair[0]}${found.left}`;
    },
  };
}

/** The map of a reference whose names are ours. */
export function sameNames(reference: string): NameMap {
  return { reference, toReference: (weight) => weight, fromReference: (weight) => weight, scopeOf: (module) => module };
}

function renamed(weights: Weights, convertName: (weight: NamedShape) => NamedShape): Weights {
  const result = new Map<string, Tensor>();
  for (const [name, held] of weights) {
    const target = convertName({ name, shape: held.shape });
    if (result.has(target.name)) throw new FormatError(`two weights become "${target.name}", the second from "${name}"`);
    if (size(target.shape) !== held.data.length)
      throw new FormatError(`weight "${name}" cannot take the shape [${target.shape.join(", ")}]`);
    result.set(target.name, tensor(target.shape, held.data));
  }
  return result;
}

/** The weights with a count of 0 beside running statistics that have none: Caffe and MXNet do not count batches. */
export function withBatchCounts(weights: Weights): Weights {
  const result = new Map(weights);
  for (const name of weights.keys()) {
    const place = /^(.*)running_mean$/.exec(name)?.[1];
    const count = `${place}num_batches_tracked`;
    if (place !== undefined && !weights.has(count)) result.set(count, tensor([], Float32Array.of(0)));
  }
  return result;
}

/** A reference's weights under our names and in our shapes; the data are shared, not copied. */
export function fromReferenceNames(weights: Weights, map: NameMap): Weights {
  return withBatchCounts(renamed(weights, map.fromReference));
}

/** Our weights under a reference's names and in its shapes; the data are shared, not copied. */
export function toReferenceNames(weights: Weights, map: NameMap): Weights {
  return renamed(weights, map.toReference);
}
