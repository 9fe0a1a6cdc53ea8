/** Elements moved, chosen or repeated: shapes, parts and orders. */
import { FormatError } from "../../../core/errors.ts";
import { formatShape, type Shape, size } from "../../../core/shape.ts";
import type { Value } from "../../../ir/graph.ts";
import { concat } from "../../../ops/concat.ts";
import { slice } from "../../../ops/slice.ts";
import { INT64 } from "../elements.ts";
import { permuted, reshaped } from "./constructors.ts";
import { constantAt, constantsOf, isValue, needOwnAxis, needRank, type Place, type Reader, valueAt } from "./importing.ts";
import { Unsupported } from "./node.ts";
import {
  axisOf,
  type Cut,
  cutsOf,
  gatheredPlaces,
  listOf,
  partsOf,
  permutation,
  reshapeTarget,
  squeezedShape,
  unsqueezedShape,
  wholes,
} from "./shapes.ts";
import { atPlaces } from "./sizes.ts";

/** A view of the same elements. */
function viewed(shapeOf: (place: Place, x: Shape) => Shape): Reader {
  return (place) => {
    const x = valueAt(place, 0);
    return reshaped(place.g, x, shapeOf(place, x.shape));
  };
}

const flattened = ({ attributes }: Place, x: Shape): Shape => {
  const given = attributes.number("axis") ?? 1;
  const axis = given === x.length ? given : axisOf(given, x.length);
  needOwnAxis(axis);
  return [size(x.slice(0, axis)), size(x.slice(axis))];
};

/** Works along channels on a value whose axis `axis` has been put there. */
function alongChannels({ g }: Place, x: Value, axis: number, build: (swapped: Value) => Value): Value {
  needOwnAxis(axis);
  const order = [...x.shape.keys()].map((each) => (each === 1 ? axis : each === axis ? 1 : each));
  return permuted(g, build(permuted(g, x, order)), order);
}

/** Runs of channels, so many pieces at most. */
const MOST_PIECES = 4096;

/** Channels at given places: runs of neighbours are cut out whole. */
function channelsAt({ g }: Place, x: Value, places: readonly number[]): Value {
  const runs: { start: number; length: number }[] = [];
  for (const at of places) {
    const last = runs.at(-1);
    if (last && last.start + last.length === at) last.length++;
    else runs.push({ start: at, length: 1 });
  }
  if (runs.length > MOST_PIECES || runs.length === 0) throw new Unsupported(`channels taken in ${runs.length} pieces`);
  const isWhole = ({ start, length }: { start: number; length: number }): boolean => start === 0 && length === x.shape[1];
  const pieces = runs.map((run) => (isWhole(run) ? x : slice(g, [x], { ...run, axis: 1 })));
  return pieces.length === 1 ? pieces[0] : concat(g, pieces, { axis: 1 });
}

/** Elements at whole places along one axis. */
function taken(place: Place, x: Value, axis: number, places: readonly number[]): Value {
  if (places.length === x.shape[axis] && places.every((at, i) => at === i)) return x;
  if (places.length === 0) throw new Unsupported("nothing of an axis");
  needOwnAxis(axis);
  if (x.shape.length === 4 && axis === 2) return atPlaces(place, x, Float32Array.from(places), undefined);
  if (x.shape.length === 4 && axis === 3) return atPlaces(place, x, undefined, Float32Array.from(places));
  return alongChannels(place, x, axis, (swapped) => channelsAt(place, swapped, places));
}

const placesOf = ({ start, step, length }: Cut): number[] => Array.from({ length }, (_, i) => start + i * step);

const sliced: Reader = (place) => {
  const x = valueAt(place, 0);
  const cuts = cutsOf(constantsOf(place), x.shape);
  const spatial = (axis: number): Float32Array | undefined => {
    const cut = cuts.find((each) => each.axis === axis);
    return cut && Float32Array.from(placesOf(cut));
  };
  const isSpatial = x.shape.length === 4 && cuts.length === 2 && cuts.every(({ axis, length }) => axis >= 2 && length > 0);
  if (isSpatial) return atPlaces(place, x, spatial(2), spatial(3));
  return cuts.reduce((held, cut) => taken(place, held, cut.axis, placesOf(cut)), x);
};

const gathered: Reader = (place) => {
  const x = valueAt(place, 0);
  const indices = constantAt(place, 1, "places");
  const axis = axisOf(place.attributes.number("axis") ?? 0, x.shape.length);
  const y = taken(place, x, axis, gatheredPlaces(indices, x.shape[axis]));
  return reshaped(place.g, y, [...y.shape.slice(0, axis), ...indices.shape, ...y.shape.slice(axis + 1)]);
};

const split: Reader = (place) => {
  const x = valueAt(place, 0);
  const axis = axisOf(place.attributes.number("axis") ?? 0, x.shape.length);
  let from = 0;
  return partsOf({ ...constantsOf(place), outputs: place.node.outputs.length }, x.shape[axis]).map((length) => {
    from += length;
    return taken(
      place,
      x,
      axis,
      Array.from({ length }, (_, i) => from - length + i),
    );
  });
};

const concatenated: Reader = (place) => {
  const { g, inputs, attributes } = place;
  if (!inputs.every(isValue)) throw new Unsupported("a constant beside computed parts");
  const parts = inputs as readonly Value[];
  const axis = axisOf(attributes.number("axis") ?? 1, parts[0].shape.length);
  needOwnAxis(axis);
  if (axis === 1) return concat(g, parts, { axis: 1 });
  const order = [...parts[0].shape.keys()].map((each) => (each === 1 ? axis : each === axis ? 1 : each));
  return permuted(
    g,
    concat(
      g,
      parts.map((part) => permuted(g, part, order)),
      { axis: 1 },
    ),
    order,
  );
};

/** Channels to pixels, or pixels to channels, in squares of `blocksize`. */
const depthToSpace: Reader = (place) => {
  const { g, attributes } = place;
  const x = valueAt(place, 0);
  needRank(x, 4);
  const b = attributes.number("blocksize") ?? 0;
  const isColumnsFirst = attributes.text("mode") === "CRD";
  const [n, c, h, w] = x.shape;
  const inner = c / (b * b);
  if (!(Number.isInteger(b) && b > 0 && Number.isInteger(inner))) throw new FormatError(`blocksize ${b} for ${c} channels`);
  const apart = reshaped(g, x, isColumnsFirst ? [n, inner, b, b, h, w] : [n, b, b, inner, h, w]);
  return reshaped(g, permuted(g, apart, isColumnsFirst ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2]), [n, inner, h * b, w * b]);
};

const spaceToDepth: Reader = (place) => {
  const { g, attributes } = place;
  const x = valueAt(place, 0);
  needRank(x, 4);
  const b = attributes.number("blocksize") ?? 0;
  const [n, c, h, w] = x.shape;
  if (!(Number.isInteger(b) && b > 0 && h % b === 0 && w % b === 0)) throw new FormatError(`blocksize ${b} for ${h} × ${w} pixels`);
  const apart = reshaped(g, x, [n, c, h / b, b, w / b, b]);
  return reshaped(g, permuted(g, apart, [0, 3, 5, 1, 2, 4]), [n, c * b * b, h / b, w / b]);
};

const expanded: Reader = (place) => {
  const x = valueAt(place, 0);
  const shape = wholes(constantAt(place, 1, "a shape"));
  const isSame = shape.every((extent, i) => extent === 1 || extent === x.shape[x.shape.length - shape.length + i]);
  if (shape.length > x.shape.length || !isSame) throw new Unsupported(`${formatShape(x.shape)} repeated to ${formatShape(shape)}`);
  return x;
};

/** Readers of operators that only move elements, by type. */
export const moveReaders: Readonly<Record<string, Reader>> = {
  Concat: concatenated,
  DepthToSpace: depthToSpace,
  Expand: expanded,
  Flatten: viewed(flattened),
  Gather: gathered,
  Identity: (place) => valueAt(place, 0),
  Reshape: viewed((place, x) => reshapeTarget(x, wholes(constantAt(place, 1, "a shape")), place.attributes.number("allowzero") === 1)),
  Shape(place) {
    const { shape } = valueAt(place, 0);
    const [start, end] = [place.attributes.number("start") ?? 0, place.attributes.number("end") ?? shape.length];
    const extents = shape.slice(start, end);
    return { shape: [extents.length], type: INT64, data: Float64Array.from(extents) };
  },
  Slice: sliced,
  SpaceToDepth: spaceToDepth,
  Split: split,
  Squeeze: viewed((place, x) => squeezedShape(x, listOf(constantsOf(place), 1, "axes"))),
  Transpose(place) {
    const x = valueAt(place, 0);
    const axes = permutation(place.attributes, x.shape.length);
    if (axes[0] !== 0) needOwnAxis(0);
    return permuted(place.g, x, axes);
  },
  Unsqueeze: viewed((place, x) => unsqueezedShape(x, listOf(constantsOf(place), 1, "axes") ?? [])),
};
