/** The extent of each axis; activations are logical [n, c, h, w], features [n, c], weights [out, in / groups, kh, kw]. */
export type Shape = readonly number[];

/** Number of elements of a shape (1 for a scalar). */
export function size(shape: Shape): number {
  let product = 1;
  for (const extent of shape) product *= extent;
  return product;
}

/** True where two shapes have the same rank and extents. */
export function isSameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

/** `[1, 24, 56, 56]`, as errors and printed graphs show it. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}
