/**
 * Constructors that see what they build on: the compositions in which exporters write activations, shuffles and scales become the op
 * that they mean, so that an imported network runs as one that was built here.
 */
import { isSameShape, type Shape, size } from "../../../core/shape.ts";
import type { Node, Value } from "../../../ir/graph.ts";
import type { AnyOp, Op } from "../../../ir/op.ts";
import type { Scope } from "../../../ir/scope.ts";
import { type Affine, affine } from "../../../ops/affine.ts";
import { batchNorm } from "../../../ops/batchNorm.ts";
import { channelShuffle } from "../../../ops/channelShuffle.ts";
import { type Clip, clip } from "../../../ops/clip.ts";
import { hardSigmoid } from "../../../ops/hardSigmoid.ts";
import { hardSwish } from "../../../ops/hardSwish.ts";
import { multiply } from "../../../ops/multiply.ts";
import { permute } from "../../../ops/permute.ts";
import { relu } from "../../../ops/relu.ts";
import { relu6 } from "../../../ops/relu6.ts";
import { reshape } from "../../../ops/reshape.ts";
import { sigmoid } from "../../../ops/sigmoid.ts";
import { silu } from "../../../ops/silu.ts";
import { made, type Place } from "./importing.ts";

/** The node that computes a value, if it is an application of `op`. */
function madeBy<A extends object>(op: Op<A>, value: Value): { readonly inputs: readonly Value[]; readonly attrs: A } | undefined {
  const node: Node | undefined = value.producer;
  return node && (node.op as AnyOp) === (op as AnyOp) ? { inputs: node.inputs, attrs: node.attrs as A } : undefined;
}

const isNear = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-6 * Math.max(1, Math.abs(b));

/** What a value is scale · x + shift of. */
function affineOf(value: Value): Affine & { readonly x: Value } {
  const { inputs: [x] = [value], attrs = { scale: 1, shift: 0 } } = madeBy(affine, value) ?? {};
  return { x, ...attrs };
}

/** The bounds that a value was clipped to, and what was clipped. */
function clipOf(value: Value): (Clip & { readonly x: Value }) | undefined {
  const clipped = madeBy(clip, value);
  if (clipped) return { x: clipped.inputs[0], ...clipped.attrs };
  const six = madeBy(relu6, value);
  if (six) return { x: six.inputs[0], low: 0, high: 6 };
  const positive = madeBy(relu, value);
  return positive && { x: positive.inputs[0], low: 0, high: Number.POSITIVE_INFINITY };
}

/** What a value is min(max(x + 3, 0), 6) of. */
function shiftedSix(value: Value): Value | undefined {
  const clipped = clipOf(value);
  if (clipped?.low !== 0 || clipped.high !== 6) return undefined;
  const { x, scale, shift } = affineOf(clipped.x);
  return scale === 1 && shift === 3 ? x : undefined;
}

/** The other factor, where a product of two is x · f(x) for the factor f(x) that `inner` finds x in. */
function productOf(value: Value, inner: (factor: Value) => Value | undefined): Value | undefined {
  const [a, b] = madeBy(multiply, value)?.inputs ?? [];
  if (!a) return undefined;
  if (inner(b) === a) return a;
  return inner(a) === b ? b : undefined;
}

/** scale · x + shift. */
export function scaled(g: Scope, value: Value, scale: number, shift: number): Value {
  if (shift === 0 && isNear(scale, 1 / 6)) {
    const gate = shiftedSix(value);
    if (gate) return hardSigmoid(g, [gate], {});
    const swish = productOf(value, shiftedSix);
    if (swish) return hardSwish(g, [swish], {});
  }
  const { x, scale: first, shift: offset } = affineOf(value);
  const merged = { scale: first * scale, shift: offset * scale + shift };
  return merged.scale === 1 && merged.shift === 0 ? x : affine(g, [x], merged);
}

const MOST_FLOAT = 3.4028234663852886e38;

/** min(max(x, low), high); bounds may be infinite. */
export function clipped(g: Scope, value: Value, low: number, high: number): Value {
  const inner = clipOf(value);
  if (inner && low <= inner.low && high >= inner.high) return value;
  if (inner && inner.low <= high && low <= inner.high) return clipped(g, inner.x, Math.max(low, inner.low), Math.min(high, inner.high));
  if (low === 0 && high === Number.POSITIVE_INFINITY) return relu(g, [value], {});
  if (low === 0 && high === 6) return relu6(g, [value], {});
  const { x, scale, shift } = affineOf(value);
  if (low === 0 && high === 1 && isNear(scale, 1 / 6) && isNear(shift, 0.5)) return hardSigmoid(g, [x], {});
  const bound = (limit: number): number => Math.min(Math.max(limit, -MOST_FLOAT), MOST_FLOAT);
  return clip(g, [value], { low: bound(low), high: bound(high) });
}

const argumentOf =
  (op: Op) =>
  (value: Value): Value | undefined =>
    madeBy(op, value)?.inputs[0];

/** a · b, b broadcast to a's shape. */
export function product(g: Scope, a: Value, b: Value): Value {
  for (const [x, gate] of [
    [a, b],
    [b, a],
  ] as const) {
    if (argumentOf(sigmoid)(gate) === x) return silu(g, [x], {});
    if (argumentOf(hardSigmoid)(gate) === x) return hardSwish(g, [x], {});
  }
  return multiply(g, [a, b], {});
}

/** The same elements under another shape. */
export function reshaped(g: Scope, value: Value, shape: Shape): Value {
  const { inputs: [x] = [value] } = madeBy(reshape, value) ?? {};
  if (isSameShape(x.shape, shape)) return x;
  return shuffled(g, x, shape) ?? reshape(g, [x], { shape });
}

/** A shuffle of channels: groups told apart, put last, and put together again. */
function shuffled(g: Scope, x: Value, shape: Shape): Value | undefined {
  const swapped = madeBy(permute, x);
  if (swapped?.attrs.axes[1] !== 2 || swapped.attrs.axes[2] !== 1) return undefined;
  if (swapped.attrs.axes.slice(3).some((axis, i) => axis !== i + 3)) return undefined;
  const [source] = madeBy(reshape, swapped.inputs[0])?.inputs ?? [];
  const [n, groups, , ...rest] = swapped.inputs[0].shape;
  const isShuffle = source?.shape.length === 4 && n === shape[0] && isSameShape(source.shape, shape) && isSameShape(rest, shape.slice(2));
  return isShuffle ? channelShuffle(g, [source], { groups }) : undefined;
}

/** Axes in another order. */
export function permuted(g: Scope, value: Value, axes: readonly number[]): Value {
  const inner = madeBy(permute, value);
  const [x, order] = inner ? [inner.inputs[0], axes.map((axis) => inner.attrs.axes[axis])] : [value, axes];
  if (order.every((axis, i) => axis === i)) return x;
  return permute(g, [x], { axes: order });
}

/** scale · x + shift with numbers of their own for each channel, of features or images. */
interface ChannelAffine {
  readonly x: Value;
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

const channelAffines = new WeakMap<Value, ChannelAffine>();

/** scale[c] · x + shift[c]: a normalisation, so that the layer before it can carry it. */
export function channelAffine(place: Place, value: Value, scale: ArrayLike<number>, shift: ArrayLike<number>): Value {
  const { g, model, node } = place;
  const held = channelAffines.get(value);
  const channels = value.shape[1];
  const merged: ChannelAffine = held
    ? {
        x: held.x,
        scale: held.scale.map((first, c) => first * scale[c]),
        shift: held.shift.map((first, c) => first * scale[c] + shift[c]),
      }
    : {
        x: value,
        scale: Float64Array.from({ length: channels }, (_, c) => scale[c]),
        shift: Float64Array.from({ length: channels }, (_, c) => shift[c]),
      };
  const vector = (name: string, data: Float64Array | Float32Array): Value =>
    model.store(made([channels], Float32Array.from(data)), `${node.name}.${name}`);
  const [ones, zeros] = [new Float32Array(channels).fill(1), new Float32Array(channels)];
  const vectors = [vector("scale", merged.scale), vector("shift", merged.shift), vector("mean", zeros), vector("var", ones)];
  const y = batchNorm(g, [merged.x, ...vectors], { eps: 0 });
  channelAffines.set(y, merged);
  return y;
}

/** Runs `build` on images [n, c, h, w], whatever the rank: axes are put behind or put together. */
export function asImages(g: Scope, x: Value, build: (images: Value) => Value): Value {
  const { shape } = x;
  if (shape.length === 4) return build(x);
  const [n, c, ...rest] = shape;
  const images = reshaped(g, x, [n, c, size(rest), 1]);
  const y = build(images);
  return reshaped(g, y, [y.shape[0], y.shape[1], ...rest]);
}
