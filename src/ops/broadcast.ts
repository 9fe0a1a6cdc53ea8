import { need } from "../core/errors.ts";
import { formatShape, type Shape, size } from "../core/shape.ts";

/** Refuses a shape that does not broadcast to another: same rank with extents equal or 1, or a scalar. */
export function needBroadcast(name: string, from: Shape, to: Shape): void {
  const isScalar = from.length === 0;
  const isFit = isScalar || (from.length === to.length && from.every((extent, axis) => extent === 1 || extent === to[axis]));
  need(isFit, () => `${name} ${formatShape(from)} does not broadcast to ${formatShape(to)}; each extent must be 1 or the same`);
}

/** For every element of `to`, in order, the index of the element of `from` that it meets. */
export function broadcastIndex(from: Shape, to: Shape): Uint32Array {
  let index = new Uint32Array(1);
  let step = 1;
  let isZero = true;
  // From the last axis outwards: the indices so far repeat along each new axis, moved on by `step` unless the axis is broadcast.
  for (let axis = to.length - 1; axis >= 0; axis--) {
    if (to[axis] === 1) continue;
    const isHeld = (from[axis] ?? 1) === 1;
    const { length } = index;
    const next = new Uint32Array(length * to[axis]);
    for (let i = 0; i < to[axis] && !(isZero && isHeld); i++) {
      const first = isHeld ? 0 : i * step;
      if (isZero) next.fill(first, i * length, (i + 1) * length);
      else for (let j = 0; j < length; j++) next[i * length + j] = index[j] + first;
    }
    isZero &&= isHeld;
    step *= from[axis] ?? 1;
    index = next;
  }
  return index;
}

/** The same for runs of elements that meet one: so many elements of `to` in a row meet each element of `from` that is listed. */
export function broadcastRuns(from: Shape, to: Shape): { readonly run: number; readonly index: Uint32Array } {
  let rank = to.length;
  while (rank > 0 && (from[rank - 1] ?? 1) === 1) rank--;
  return { run: size(to.slice(rank)), index: broadcastIndex(from.slice(0, rank), to.slice(0, rank)) };
}
