/** Constants with their elements in other places. */
import { FormatError } from "../../../core/errors.ts";
import { formatShape, size } from "../../../core/shape.ts";
import type { HostTensor } from "../elements.ts";
import { axisOf } from "./shapes.ts";

type Spend = (elements: number) => void;

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

/** Elements at given places of one axis. */
export function taken(tensor: HostTensor, axis: number, places: readonly number[], spend: Spend): HostTensor {
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

/** Constants behind each other along an axis. */
export function concatenated(parts: readonly HostTensor[], axis: number, spend: Spend): HostTensor {
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
