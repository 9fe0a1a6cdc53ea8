/** Zeros around images. A 1 × 1 convolution with ones puts them there; a layer that pads by itself takes them over. */
import type { Value } from "../../../ir/graph.ts";
import { conv2d } from "../../../ops/conv2d.ts";
import type { Padding } from "../../../ops/window.ts";
import { made, type Place } from "./importing.ts";

interface Padded {
  readonly x: Value;
  readonly padding: Padding;
}

const paddedImages = new WeakMap<Value, Padded>();

/** Images with zeros around them. */
export function zeroPadded(place: Place, x: Value, padding: Padding): Value {
  if (padding.every((extent) => extent === 0)) return x;
  const channels = x.shape[1];
  const ones = place.model.store(made([channels, 1, 1, 1], new Float32Array(channels).fill(1)), `${place.node.name}.ones`);
  const y = conv2d(place.g, [x, ones], { stride: [1, 1], padding, groups: channels, similarity: "product" });
  paddedImages.set(y, { x, padding });
  return y;
}

/** What a layer with this padding reads, where zeros put before it are its own padding too. */
export function paddingBefore(x: Value, padding: Padding): Padded {
  const held = paddedImages.get(x);
  if (!held) return { x, padding };
  return { x: held.x, padding: padding.map((extent, side) => extent + held.padding[side]) as unknown as Padding };
}
