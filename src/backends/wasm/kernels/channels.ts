/** Moving channels between buffers: concat, slice and padChannels are one kernel; the shuffle has its own. */
import type { Value } from "../../../ir/graph.ts";
import type { PadChannels } from "../../../ops/slice.ts";
import { f32, i32, type Local, lanes32, v128 } from "../assembler.ts";
import { type Lower, type LowerContext, type Pointer, type Step, shifted, step } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { type KernelSource, wasmKernel } from "../module.ts";

/** For each pixel: `before` zeros, `count` floats of x, `after` zeros. All in bytes; a unit is `block` pixels. */
const moveChannels = wasmKernel(
  "move channels",
  { y: "i32", x: "i32", yPixel: "i32", xPixel: "i32", before: "i32", count: "i32", after: "i32", pixels: "i32", block: "i32" },
  ({ y, x, yPixel, xPixel, before, count, after, pixels, block, begin, end }, k) => {
    const zero = k.local(f32.const(0));
    const whole = k.local(i32.and(count, -16));
    k.for({ from: begin.times(block), to: i32.min(end.times(block), pixels) }, (pixel) => {
      const to = k.local(y.plus(pixel.times(yPixel)));
      const from = k.local(x.plus(pixel.times(xPixel)));
      k.for({ to: before, step: 4 }, (at) => k.store(to.plus(at), zero));
      to.add(before);
      k.for({ to: whole, step: 16 }, (at) => k.store(to.plus(at), v128.load(from.plus(at))));
      k.for({ from: whole, to: count, step: 4 }, (at) => k.store(to.plus(at), f32.load(from.plus(at))));
      to.add(count);
      k.for({ to: after, step: 4 }, (at) => k.store(to.plus(at), zero));
    });
  },
);

function pixelsOf({ shape: [n, , h = 1, w = 1] }: Value): number {
  return n * h * w;
}

function blocks(pixels: number, channels: number): { units: number; block: number } {
  const block = Math.max(1, Math.min(pixels, Math.floor(4096 / channels)));
  return { units: Math.ceil(pixels / block), block };
}

interface Move {
  readonly y: Pointer;
  readonly x: Pointer;
  readonly yChannels: number;
  readonly xChannels: number;
  readonly before: number;
  readonly count: number;
  readonly after: number;
  readonly pixels: number;
}

function move({ y, x, yChannels, xChannels, before, count, after, pixels }: Move): Step {
  const { units, block } = blocks(pixels, yChannels);
  const bytes = { yPixel: pad4(yChannels) * 4, xPixel: pad4(xChannels) * 4, before: before * 4, count: count * 4, after: after * 4 };
  return step(moveChannels, units, { y, x, ...bytes, pixels, block });
}

/** Each input goes to its own channels of y; the last one also clears the padding lanes. */
export const concat: Lower = (node, context) => {
  const [y] = node.outputs;
  if (node.epilogue.length > 0) return undefined;
  const yChannels = y.shape[1];
  let offset = 0;
  return node.inputs.map((x, i) => {
    const count = x.shape[1];
    const target = shifted(context.at(y), offset * 4);
    offset += count;
    const after = i === node.inputs.length - 1 ? pad4(yChannels) - yChannels : 0;
    return move({ y: target, x: context.at(x), yChannels, xChannels: count, before: 0, count, after, pixels: pixelsOf(y) });
  });
};

/** Channels start … start + length − 1 of x. */
export const slice: Lower = (node, context) => {
  const { start, length } = node.attrs as { start: number; length: number };
  const [x] = node.inputs;
  const [y] = node.outputs;
  const source = shifted(context.at(x), start * 4);
  const after = pad4(length) - length;
  return [
    move({ y: context.at(y), x: source, yChannels: length, xChannels: x.shape[1], before: 0, count: length, after, pixels: pixelsOf(y) }),
  ];
};

/** Zeros around the channels of x: the gradient of slice. */
export const padChannels: Lower = (node, context) => {
  const { before, after, fill = 0 } = node.attrs as PadChannels;
  if (fill !== 0) return undefined;
  const [x] = node.inputs;
  const [y] = node.outputs;
  const [, count] = x.shape;
  const yChannels = y.shape[1];
  const cleared = after + pad4(yChannels) - yChannels;
  return [move({ y: context.at(y), x: context.at(x), yChannels, xChannels: count, before, count, after: cleared, pixels: pixelsOf(y) })];
};

const shuffleFields = { y: "i32", x: "i32", pixel: "i32", groups: "i32", perGroup: "i32", pixels: "i32", block: "i32" } as const;

function shuffleKernel(
  key: string,
  body: (
    at: { to: Local<"i32">; from: Local<"i32">; groups: Local<"i32">; perGroup: Local<"i32"> },
    k: Parameters<KernelSource["emit"]>[1],
  ) => void,
): KernelSource<typeof shuffleFields> {
  return wasmKernel(key, shuffleFields, ({ y, x, pixel, groups, perGroup, pixels, block, begin, end }, k) => {
    const channels = k.local(groups.times(perGroup).times(4));
    k.for({ from: begin.times(block), to: i32.min(end.times(block), pixels) }, (at) => {
      const to = k.local(y.plus(at.times(pixel)));
      body({ to, from: k.local(x.plus(at.times(pixel))), groups, perGroup }, k);
      k.for({ from: channels, to: pixel, step: 4 }, (lane) => k.store(y.plus(at.times(pixel)).plus(lane), f32.const(0)));
    });
  });
}

/** y[j · groups + g] = x[g · perGroup + j], one float at a time. */
const shuffleAny = shuffleKernel("shuffle", ({ to, from, groups, perGroup }, k) => {
  k.for({ to: groups }, (group) => {
    const target = k.local(to.plus(group.times(4)));
    k.for({ to: perGroup }, () => {
      k.store(target, f32.load(from));
      from.add(4);
      target.add(groups.times(4));
    });
  });
});

/** Two groups: the halves are interleaved four by four. */
const shuffleTwo = shuffleKernel("shuffle 2 groups", ({ to, from, perGroup }, k) => {
  const half = k.local(perGroup.times(4));
  const whole = k.local(i32.and(perGroup, -4));
  k.for({ to: whole, step: 4 }, () => {
    const low = k.local(v128.load(from));
    const high = k.local(v128.load(from.plus(half)));
    k.store(to, v128.shuffle(low, high, lanes32(0, 4, 1, 5)));
    k.store(to, v128.shuffle(low, high, lanes32(2, 6, 3, 7)), 16);
    from.add(16);
    to.add(32);
  });
  k.for({ from: whole, to: perGroup }, () => {
    k.store(to, f32.load(from));
    k.store(to, f32.load(from.plus(half)), 4);
    from.add(4);
    to.add(8);
  });
});

/** Groups of two channels, the inverse of the above: even channels first, then odd ones. */
const shufflePairs = shuffleKernel("shuffle pairs", ({ to, from, groups }, k) => {
  const half = k.local(groups.times(4));
  const whole = k.local(i32.and(groups, -4));
  k.for({ to: whole, step: 4 }, () => {
    const first = k.local(v128.load(from));
    const second = k.local(v128.load(from, 16));
    k.store(to, v128.shuffle(first, second, lanes32(0, 2, 4, 6)));
    k.store(to.plus(half), v128.shuffle(first, second, lanes32(1, 3, 5, 7)));
    from.add(32);
    to.add(16);
  });
  k.for({ from: whole, to: groups }, () => {
    k.store(to, f32.load(from));
    k.store(to.plus(half), f32.load(from, 4));
    from.add(8);
    to.add(4);
  });
});

/** The step that interleaves the groups of so many channels of every pixel. */
function shuffleStep(y: Pointer, x: Pointer, channels: number, groups: number, pixels: number): Step {
  const perGroup = channels / groups;
  const kernel = groups === 2 ? shuffleTwo : perGroup === 2 ? shufflePairs : shuffleAny;
  const { units, block } = blocks(pixels, channels);
  return step(kernel, units, { y, x, pixel: pad4(channels) * 4, groups, perGroup, pixels, block });
}

/** Interleaves channel groups. */
export const channelShuffle: Lower = (node, context) => {
  const { groups } = node.attrs as { groups: number };
  const [y] = node.outputs;
  return [shuffleStep(context.at(y), context.at(node.inputs[0]), y.shape[1], groups, pixelsOf(y))];
};

/** y[i] = 4 · i, so many bytes in all. */
const countBytes = wasmKernel("count bytes", { y: "i32", bytes: "i32" }, ({ y, bytes }, k) => {
  k.for({ to: bytes, step: 4 }, (at) => k.store(y.plus(at), at));
});

/** For each of so many channels the byte of a pixel at which it lies that several shuffles would bring to its place. `source` is any stored value. */
export function shuffledPlaces(channels: number, shuffles: readonly number[], source: Value, context: LowerContext): Pointer {
  const length = pad4(channels);
  const listAt = (target: Pointer, i: number): Pointer => shifted(target, i * length * 4);
  const fill = (target: Pointer): readonly Step[] => [
    step(countBytes, 1, { y: target, bytes: channels * 4 }),
    ...shuffles.map((groups, i) => shuffleStep(listAt(target, i + 1), listAt(target, i), channels, groups, 1)),
  ];
  const lists = context.prepared(`places by ${shuffles.join(" ")}`, source, (shuffles.length + 1) * length, fill);
  return listAt(lists, shuffles.length);
}
