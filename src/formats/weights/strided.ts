import type { Shape } from "../../core/shape.ts";

/** How a tensor lies in memory, in elements: of an axis one step is `strides[axis]` further. */
export interface Strided {
  readonly offset: number;
  readonly shape: Shape;
  readonly strides: readonly number[];
}

/** Strides of a tensor without gaps, the last axis fastest. */
export function denseStrides(shape: Shape): number[] {
  const strides: number[] = [];
  let step = 1;
  for (const extent of shape.toReversed()) {
    strides.unshift(step);
    step *= extent;
  }
  return strides;
}

/** True where the elements lie one behind the other, the last axis fastest; the stride of a single element does not matter. */
function isDense({ shape, strides }: Strided): boolean {
  const dense = denseStrides(shape);
  return shape.every((extent, axis) => extent === 1 || strides[axis] === dense[axis]);
}

/** The elements, `bytesEach` bytes wide, one behind the other: a view of the memory where they lie so already. The caller has checked the bounds. */
export function denseBytes(memory: Uint8Array, bytesEach: number, place: Strided): Uint8Array {
  const { offset, shape, strides } = place;
  const count = shape.reduce((product, extent) => product * extent, 1);
  if (count === 0) return new Uint8Array();
  if (isDense(place)) return memory.subarray(offset * bytesEach, (offset + count) * bytesEach);
  const out = new Uint8Array(count * bytesEach);
  const index = shape.map(() => 0);
  let from = offset * bytesEach;
  for (let to = 0; to < out.length; to += bytesEach) {
    for (let byte = 0; byte < bytesEach; byte++) out[to + byte] = memory[from + byte];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis] * bytesEach;
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
      from -= shape[axis] * strides[axis] * bytesEach;
    }
  }
  return out;
}
