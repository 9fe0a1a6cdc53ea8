/** Pooling over windows and over whole axes. */
import { FormatError } from "../../../core/errors.ts";
import { size } from "../../../core/shape.ts";
import type { Value } from "../../../ir/graph.ts";
import type { Scope } from "../../../ir/scope.ts";
import { averagePool } from "../../../ops/averagePool.ts";
import { globalAveragePool } from "../../../ops/globalAveragePool.ts";
import { maxPool } from "../../../ops/maxPool.ts";
import type { Padding } from "../../../ops/window.ts";
import { asImages, permuted, reshaped, scaled } from "./constructors.ts";
import { constantsOf, needRank, type Place, type Reader, valueAt } from "./importing.ts";
import { type ReadWindow, sizeOf, windowOf } from "./layers.ts";
import { Unsupported } from "./node.ts";
import { paddingBefore } from "./padding.ts";
import { axisOf, listOf } from "./shapes.ts";

function pooledWindow(place: Place, x: Value): ReadWindow & { readonly isCeil: boolean } {
  needRank(x, 4);
  const kernel = place.attributes.list("kernel_shape", 2);
  if (!kernel) throw new FormatError("kernel_shape is missing");
  const window = windowOf(place, sizeOf(x), kernel as unknown as readonly [number, number]);
  if (window.dilation.some((step) => step !== 1)) throw new Unsupported(`dilations [${window.dilation}]`);
  return { ...window, isCeil: place.attributes.number("ceil_mode") === 1 };
}

const maxima: Reader = (place) => {
  const x = valueAt(place, 0);
  const { kernel, stride, padding, isCeil } = pooledWindow(place, x);
  place.attributes.ignore("storage_order");
  if (place.node.outputs.length > 1) throw new Unsupported("places of maxima as an output");
  return maxPool(place.g, [x], { kernel, stride, padding, isCeil });
};

/** Zeros behind an axis that make a last, partial window whole, if there is one. */
function completion(extent: number, kernel: number, stride: number, before: number, after: number): number {
  const rest = (extent + before + after - kernel) % stride;
  const start = extent + before + after - kernel - rest + stride;
  return rest === 0 || start >= extent + before ? 0 : stride - rest;
}

const means: Reader = (place) => {
  const given = valueAt(place, 0);
  const { kernel, stride, padding: own, isCeil } = pooledWindow(place, given);
  const countsOwn = place.attributes.number("count_include_pad") === 1;
  // Zeros that a node before has put there are pixels of the image to this one.
  const { x, padding: whole } = own.every((extent) => extent === 0) ? paddingBefore(given, own) : { x: given, padding: own };
  const countsPadding = countsOwn || x !== given;
  if (!isCeil) return averagePool(place.g, [x], { kernel, stride, padding: whole, countsPadding });
  const [h, w] = sizeOf(x);
  const more = [0, completion(h, kernel[0], stride[0], whole[0], whole[1]), 0, completion(w, kernel[1], stride[1], whole[2], whole[3])];
  if (countsPadding && more.some((extent) => extent > 0)) throw new Unsupported("ceil_mode=1 with padding that counts");
  const padding = whole.map((extent, side) => extent + more[side]) as unknown as Padding;
  return averagePool(place.g, [x], { kernel, stride, padding, countsPadding });
};

type Whole = (g: Scope, images: Value) => Value;

const wholeMean: Whole = (g, images) => globalAveragePool(g, [images], {});
const wholeMaximum: Whole = (g, images) =>
  maxPool(g, [images], { kernel: [images.shape[2], images.shape[3]], stride: [1, 1], padding: [0, 0, 0, 0], isCeil: false });
const wholeSum: Whole = (g, images) => scaled(g, wholeMean(g, images), images.shape[2] * images.shape[3], 0);

/** Reduces axes: those of images as they are, others once they have been put last. */
function reduced(whole: Whole): Reader {
  return (place) => {
    const { g, attributes } = place;
    const x = valueAt(place, 0);
    const rank = x.shape.length;
    const axes = new Set((listOf(constantsOf(place), 1, "axes") ?? []).map((axis) => axisOf(axis, rank)));
    const keeps = (attributes.number("keepdims") ?? 1) === 1;
    attributes.only("noop_with_empty_axes", 0);
    if (axes.size === 0 || axes.has(0)) throw new Unsupported("a reduction over the images");
    const kept = [...x.shape.keys()].filter((axis) => !axes.has(axis));
    const shape = keeps ? x.shape.map((extent, axis) => (axes.has(axis) ? 1 : extent)) : kept.map((axis) => x.shape[axis]);
    const isPlane = rank === 4 && axes.size === 2 && axes.has(2) && axes.has(3);
    if (isPlane) return reshaped(g, whole(g, x), shape);
    const last = permuted(g, x, [...kept, ...[...axes].sort((a, b) => a - b)]);
    const [n, ...rest] = kept.map((axis) => x.shape[axis]);
    const images = reshaped(g, last, [n, size(rest), size([...axes].map((axis) => x.shape[axis])), 1]);
    return reshaped(g, whole(g, images), shape);
  };
}

/** A mean or maximum of each channel's whole plane, of any rank. */
function global(whole: Whole): Reader {
  return (place) => {
    const x = valueAt(place, 0);
    if (x.shape.length < 3) throw new Unsupported(`an operand of ${x.shape.length} axes`);
    return asImages(place.g, x, (images) => whole(place.g, images));
  };
}

/** Readers of pooling and reductions, by type. */
export const poolingReaders: Readonly<Record<string, Reader>> = {
  AveragePool: means,
  GlobalAveragePool: global(wholeMean),
  GlobalMaxPool: global(wholeMaximum),
  MaxPool: maxima,
  ReduceMax: reduced(wholeMaximum),
  ReduceMean: reduced(wholeMean),
  ReduceSum: reduced(wholeSum),
};
