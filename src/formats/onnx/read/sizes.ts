/** Images of another size: padded, resized, or made of chosen rows and columns. */
import { FormatError } from "../../../core/errors.ts";
import { formatShape, isSameShape } from "../../../core/shape.ts";
import type { Value } from "../../../ir/graph.ts";
import { resample } from "../../../ops/resample.ts";
import { padChannels } from "../../../ops/slice.ts";
import type { Padding } from "../../../ops/window.ts";
import { scaled } from "./constructors.ts";
import { constantsOf, made, needOwnAxis, needRank, optionalAt, type Place, type Reader, valueAt } from "./importing.ts";
import { Unsupported } from "./node.ts";
import { zeroPadded } from "./padding.ts";
import { axisOf, listOf, wholes } from "./shapes.ts";

/** Rows and columns of images at whole or fractional places; undefined keeps an axis as it is. */
export function atPlaces(place: Place, x: Value, rows: Float32Array | undefined, columns: Float32Array | undefined): Value {
  const { model, node, g } = place;
  needRank(x, 4);
  const every = (extent: number): Float32Array => Float32Array.from({ length: extent }, (_, at) => at);
  const lists = [rows ?? every(x.shape[2]), columns ?? every(x.shape[3])].map((list, axis) =>
    model.store(made([list.length], list), `${node.name}.${axis === 0 ? "rows" : "columns"}`),
  );
  return resample(g, [x, ...lists], {});
}

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

/** Readers of operators that change the size of images, by type. */
export const sizeReaders: Readonly<Record<string, Reader>> = { Pad: padded, Resize: resized, Upsample: resized };
