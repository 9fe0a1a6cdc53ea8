/** Elements moved, chosen or repeated: shapes, parts, orders and sizes. */
import { FormatError } from "../../../core/errors.ts";
import { formatShape, isSameShape, type Shape, size } from "../../../core/shape.ts";
import type { Value } from "../../../ir/graph.ts";
import { concat } from "../../../ops/concat.ts";
import { resample } from "../../../ops/resample.ts";
import { padChannels, slice } from "../../../ops/slice.ts";
import type { Padding } from "../../../ops/window.ts";
import { INT64 } from "../elements.ts";
import { permuted, reshaped, scaled } from "./constructors.ts";
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
} from "./fold.ts";
import { constantAt, constantsOf, isValue, made, needRank, optionalAt, type Place, type Reader, valueAt } from "./importing.ts";
import { Unsupported } from "./node.ts";
import { zeroPadded } from "./padding.ts";

/** Refuses what would tell one image of a run from another. */
function needOwnAxis(axis: number): void {
  if (axis === 0) throw new Unsupported("axis 0, which counts the images of a run");
}

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

/** Rows and columns of images at whole or fractional places; undefined keeps an axis as it is. */
function atPlaces(place: Place, x: Value, rows: Float32Array | undefined, columns: Float32Array | undefined): Value {
  const { model, node, g } = place;
  needRank(x, 4);
  const every = (extent: number): Float32Array => Float32Array.from({ length: extent }, (_, at) => at);
  const lists = [rows ?? every(x.shape[2]), columns ?? every(x.shape[3])].map((list, axis) =>
    model.store(made([list.length], list), `${node.name}.${axis === 0 ? "rows" : "columns"}`),
  );
  return resample(g, [x, ...lists], {});
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

/** Places along an axis with more before and after it: the edge repeated, or mirrored in it. */
function extended(extent: number, before: number, after: number, mode: string): Float32Array {
  const mirrored = (at: number): number => {
    const period = Math.max(1, 2 * (extent - 1));
    const phase = ((at % period) + period) % period;
    return phase < extent ? phase : period - phase;
  };
  const clamped = (at: number): number => Math.min(Math.max(at, 0), extent - 1);
  return Float32Array.from({ length: before + extent + after }, (_, i) => (mode === "edge" ? clamped(i - before) : mirrored(i - before)));
}

/** What Pad adds before and after each axis. */
function padsOf(place: Place, rank: number): readonly (readonly [number, number])[] {
  const { attributes } = place;
  const given = listOf(constantsOf(place), 1, "pads");
  if (!given) throw new FormatError("pads are missing");
  const named = optionalAt(place, 3, "axes");
  const axes = named ? wholes(named).map((axis) => axisOf(axis, rank)) : Array.from({ length: rank }, (_, axis) => axis);
  attributes.ignore("pads");
  if (given.length !== 2 * axes.length) throw new FormatError(`${given.length} pads for ${axes.length} axes`);
  const pads = Array.from({ length: rank }, () => [0, 0] as readonly [number, number]);
  for (const [i, axis] of axes.entries()) pads[axis] = [given[i], given[axes.length + i]];
  if (pads.flat().some((extent) => extent < 0 || extent >= 2 ** 16)) throw new Unsupported(`pads [${given}]`);
  return pads;
}

const padded: Reader = (place) => {
  const { g, attributes } = place;
  const x = valueAt(place, 0);
  const mode = attributes.text("mode") ?? "constant";
  const value = optionalAt(place, 2, "a value")?.data[0] ?? attributes.number("value") ?? 0;
  const [images, channels = [0, 0], rows = [0, 0], columns = [0, 0]] = padsOf(place, x.shape.length);
  if (images.some((extent) => extent > 0)) needOwnAxis(0);
  const isSpatial = [...rows, ...columns].some((extent) => extent > 0);
  if (isSpatial) needRank(x, 4);
  if (mode === "edge" || mode === "reflect") {
    if (channels.some((extent) => extent > 0)) throw new Unsupported(`mode=${mode} along the channels`);
    return isSpatial ? atPlaces(place, x, extended(x.shape[2], ...rows, mode), extended(x.shape[3], ...columns, mode)) : x;
  }
  if (mode !== "constant") throw new Unsupported(`mode=${mode}`);
  if (!Number.isFinite(value)) throw new Unsupported(`a padding of ${value}`);
  const shifted = scaled(g, x, 1, -value);
  const wide = channels.some((extent) => extent > 0) ? padChannels(g, [shifted], { before: channels[0], after: channels[1] }) : shifted;
  return scaled(g, zeroPadded(place, wide, [...rows, ...columns] as unknown as Padding), 1, value);
};

type Transform = (at: number, scale: number, from: number, to: number) => number;

/** Where pixel `at` of the result lies in the operand. */
const transforms: Readonly<Record<string, Transform>> = {
  half_pixel: (at, scale) => (at + 0.5) / scale - 0.5,
  pytorch_half_pixel: (at, scale, _from, to) => (to > 1 ? (at + 0.5) / scale - 0.5 : 0),
  half_pixel_symmetric: (at, scale, from, to) => (from / 2) * (1 - to / (from * scale)) + (at + 0.5) / scale - 0.5,
  align_corners: (at, _scale, from, to) => (to > 1 ? (at * (from - 1)) / (to - 1) : 0),
  asymmetric: (at, scale) => at / scale,
};

const roundings: Readonly<Record<string, (place: number) => number>> = {
  round_prefer_floor: (place) => Math.ceil(place - 0.5),
  round_prefer_ceil: (place) => Math.floor(place + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

function chosen<T>(table: Readonly<Record<string, T>>, name: string, attribute: string): T {
  if (!Object.hasOwn(table, name)) throw new Unsupported(`attribute ${attribute}=${name}`);
  return table[name];
}

/** Sizes and scales of a resized value, for each axis. */
function resizedSides(place: Place, x: Value): { readonly sides: readonly number[]; readonly scales: readonly number[] } {
  const { model, inputs, attributes } = place;
  const isOld = model.opset < 11 || place.node.type === "Upsample";
  const scaleTensor = optionalAt(place, isOld ? 1 : 2, "scales");
  const sizeTensor = isOld ? undefined : optionalAt(place, 3, "sizes");
  const axes = attributes.list("axes")?.map((axis) => axisOf(axis, x.shape.length)) ?? x.shape.map((_, axis) => axis);
  if (inputs.length > 4) throw new FormatError(`${inputs.length} operands`);
  const hasSizes = sizeTensor !== undefined && sizeTensor.data.length > 0;
  const list = hasSizes ? wholes(sizeTensor) : [...(scaleTensor?.data ?? attributes.list("scales") ?? [])];
  if (list.length !== axes.length) throw new FormatError(`${list.length} sizes or scales for ${axes.length} axes`);
  const sides = [...x.shape];
  const scales = x.shape.map(() => 1);
  for (const [i, axis] of axes.entries()) {
    sides[axis] = hasSizes ? list[i] : Math.floor(x.shape[axis] * list[i]);
    scales[axis] = hasSizes ? list[i] / x.shape[axis] : list[i];
  }
  if (!sides.every((side) => Number.isInteger(side) && side > 0 && side < 2 ** 16))
    throw new FormatError(`a size of ${formatShape(sides)}`);
  return { sides, scales };
}

const resized: Reader = (place) => {
  const { attributes, model, node } = place;
  const x = valueAt(place, 0);
  needRank(x, 4);
  const isOld = model.opset < 11 || node.type === "Upsample";
  const mode = attributes.text("mode") ?? "nearest";
  if (mode !== "nearest" && mode !== "linear") throw new Unsupported(`attribute mode=${mode}`);
  const transform = chosen(
    transforms,
    attributes.text("coordinate_transformation_mode") ?? (isOld ? "asymmetric" : "half_pixel"),
    "coordinate_transformation_mode",
  );
  const round = chosen(roundings, attributes.text("nearest_mode") ?? (isOld ? "floor" : "round_prefer_floor"), "nearest_mode");
  attributes.ignore("cubic_coeff_a", "exclude_outside", "extrapolation_value");
  attributes.only("antialias", 0);
  attributes.only("keep_aspect_ratio_policy", "stretch");
  const { sides, scales } = resizedSides(place, x);
  if (sides[0] !== x.shape[0] || sides[1] !== x.shape[1])
    throw new Unsupported(`a size of ${formatShape(sides)} for ${formatShape(x.shape)}`);
  if (isSameShape(sides, x.shape)) return x;
  const along = (axis: 2 | 3): Float32Array => {
    const from = x.shape[axis];
    return Float32Array.from({ length: sides[axis] }, (_, at) => {
      const exact = transform(at, scales[axis], from, sides[axis]);
      return Math.min(Math.max(mode === "nearest" ? round(exact) : exact, 0), from - 1);
    });
  };
  return atPlaces(place, x, along(2), along(3));
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
  Pad: padded,
  Reshape: viewed((place, x) => reshapeTarget(x, wholes(constantAt(place, 1, "a shape")), place.attributes.number("allowzero") === 1)),
  Resize: resized,
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
  Upsample: resized,
};
