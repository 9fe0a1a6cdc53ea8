/** Moving channels of bytes between buffers, and between maps and features. */
import type { Value } from "../../../../ir/graph.ts";
import type { PadChannels } from "../../../../ops/slice.ts";
import { i32, v128 } from "../../assembler.ts";
import { type Lower, type Pointer, type Step, shifted, step } from "../../kernel.ts";
import { lanesOf } from "../../layout.ts";
import { wasmKernel } from "../../module.ts";

const moveFields = { y: "i32", x: "i32", yPixel: "i32", xPixel: "i32", count: "i32", pixels: "i32", block: "i32" } as const;

/** For each pixel `count` bytes of x; a unit is `block` pixels. */
const moveChannels = wasmKernel("move byte channels", moveFields, ({ y, x, yPixel, xPixel, count, pixels, block, begin, end }, k) => {
  const whole = k.local(i32.and(count, -16));
  const words = k.local(i32.and(count, -4));
  const first = k.local(begin.times(block));
  const to = k.local(y.plus(first.times(yPixel)));
  const from = k.local(x.plus(first.times(xPixel)));
  k.for({ from: first, to: k.local(i32.min(end.times(block), pixels)) }, () => {
    k.for({ to: whole, step: 16 }, (at) => k.store(to.plus(at), v128.load(from.plus(at))));
    k.for({ from: whole, to: words, step: 4 }, (at) => k.store(to.plus(at), i32.load(from.plus(at))));
    k.for({ from: words, to: count }, (at) => k.store8(to.plus(at), i32.load8U(from.plus(at))));
    to.add(yPixel);
    from.add(xPixel);
  });
});

function walk({ shape: [n, c, h = 1, w = 1] }: Value): { pixels: number; block: number; units: number } {
  const pixels = n * h * w;
  const block = Math.max(1, Math.min(pixels, Math.floor(16_384 / c)));
  return { pixels, block, units: Math.ceil(pixels / block) };
}

function move(y: Value, x: Value, places: { y: Pointer; x: Pointer; count: number }): Step {
  const { pixels, block, units } = walk(y);
  const [yPixel, xPixel] = [y, x].map(({ shape }) => lanesOf(shape[1], "u7"));
  return step(moveChannels, units, { ...places, yPixel, xPixel, pixels, block });
}

/** Steps that put each input's channels into their place. */
export const concatBytes: Lower = (node, context) => {
  const [y] = node.outputs;
  let done = 0;
  return node.inputs.map((x) => {
    const count = x.shape[1];
    done += count;
    return move(y, x, { y: shifted(context.at(y), done - count), x: context.at(x), count });
  });
};

/** Steps that take a run of channels out. */
export const sliceBytes: Lower = (node, context) => {
  const { start, length } = node.attrs as { start: number; length: number };
  const [x] = node.inputs;
  const [y] = node.outputs;
  return [move(y, x, { y: context.at(y), x: shifted(context.at(x), start), count: length })];
};

const fillFields = { y: "i32", pixel: "i32", count: "i32", pixels: "i32", block: "i32", fill: "i32" } as const;

/** For each pixel `count` bytes that hold the same. */
const fillChannels = wasmKernel("fill byte channels", fillFields, ({ y, pixel, count, pixels, block, fill, begin, end }, k) => {
  k.for({ from: begin.times(block), to: k.local(i32.min(end.times(block), pixels)) }, (at) => {
    const to = k.local(y.plus(at.times(pixel)));
    k.for({ to: count }, (lane) => k.store8(to.plus(lane), fill));
  });
});

/** Steps that put channels of one number around those of x. */
export const padChannelsBytes: Lower = (node, context) => {
  const { before, after, fill = 0 } = node.attrs as PadChannels;
  const [x] = node.inputs;
  const [y] = node.outputs;
  const { pixels, block, units } = walk(y);
  const pixel = lanesOf(y.shape[1], "u7");
  const around = [
    [0, before],
    [before + x.shape[1], after],
  ].filter(([, count]) => count > 0);
  const fills = around.map(([start, count]) =>
    step(fillChannels, units, { y: shifted(context.at(y), start), pixel, count, pixels, block, fill }),
  );
  return [move(y, x, { y: shifted(context.at(y), before), x: context.at(x), count: x.shape[1] }), ...fills];
};

const shuffleFields = { y: "i32", x: "i32", pixel: "i32", groups: "i32", perGroup: "i32", pixels: "i32", block: "i32" } as const;

/** y[j · groups + g] = x[g · perGroup + j]. */
const shuffleAny = wasmKernel("shuffle bytes", shuffleFields, ({ y, x, pixel, groups, perGroup, pixels, block, begin, end }, k) => {
  k.for({ from: begin.times(block), to: k.local(i32.min(end.times(block), pixels)) }, (at) => {
    const from = k.local(x.plus(at.times(pixel)));
    const start = k.local(y.plus(at.times(pixel)));
    k.for({ to: groups }, (group) => {
      const to = k.local(start.plus(group));
      k.for({ to: perGroup }, () => {
        k.store8(to, i32.load8U(from));
        from.add(1);
        to.add(groups);
      });
    });
  });
});

const interleaved = (half: 0 | 8): number[] => Array.from({ length: 16 }, (_, i) => half + (i >> 1) + (i % 2) * 16);

/** Two groups: sixteen bytes of each half are interleaved at a time. */
const shuffleTwo = wasmKernel("shuffle bytes 2 groups", shuffleFields, ({ y, x, pixel, perGroup, pixels, block, begin, end }, k) => {
  const whole = k.local(i32.and(perGroup, -16));
  k.for({ from: begin.times(block), to: k.local(i32.min(end.times(block), pixels)) }, (at) => {
    const from = k.local(x.plus(at.times(pixel)));
    const to = k.local(y.plus(at.times(pixel)));
    k.for({ to: whole, step: 16 }, () => {
      const [low, high] = [k.local(v128.load(from)), k.local(v128.load(from.plus(perGroup)))];
      for (const half of [0, 8] as const) k.store(to, v128.shuffle(low, high, interleaved(half)), half * 2);
      from.add(16);
      to.add(32);
    });
    k.for({ from: whole, to: perGroup }, () => {
      k.store8(to, i32.load8U(from));
      k.store8(to, i32.load8U(from.plus(perGroup)), 1);
      from.add(1);
      to.add(2);
    });
  });
});

/** Steps that interleave groups of channels. */
export const channelShuffleBytes: Lower = (node, context) => {
  const { groups } = node.attrs as { groups: number };
  const [y] = node.outputs;
  const channels = y.shape[1];
  const { pixels, block, units } = walk(y);
  const places = { y: context.at(y), x: context.at(node.inputs[0]), pixel: lanesOf(channels, "u7"), pixels, block };
  return [step(groups === 2 ? shuffleTwo : shuffleAny, units, { ...places, groups, perGroup: channels / groups })];
};

const flattenFields = { y: "i32", x: "i32", channels: "i32", pixels: "i32", pixel: "i32", row: "i32", isBack: "i32" } as const;

/** y[n][c · pixels + p] = x[n][p][c], or back; a unit is one channel of one image. */
const flatten = wasmKernel("flatten bytes", flattenFields, ({ y, x, channels, pixels, pixel, row, isBack, begin, end }, k) => {
  k.for({ from: begin, to: end }, (unit) => {
    const image = k.local(i32.divU(unit, channels));
    const channel = k.local(unit.minus(image.times(channels)));
    const map = k.local(image.times(pixels).times(pixel).plus(channel));
    const features = k.local(image.times(row).plus(channel.times(pixels)));
    k.for({ to: pixels }, () => {
      k.if(
        isBack,
        () => k.store8(y.plus(map), i32.load8U(x.plus(features))),
        () => k.store8(y.plus(features), i32.load8U(x.plus(map))),
      );
      map.add(pixel);
      features.add(1);
    });
  });
});

/** Steps of a reshape of maps to features, or back; others have no kernel. */
export const reshapeBytes: Lower = (node, context) => {
  const [x] = node.inputs;
  const [y] = node.outputs;
  const isBack = x.shape.length === 2;
  const [features, map] = isBack ? [x.shape, y.shape] : [y.shape, x.shape];
  if (features.length !== 2 || map.length !== 4 || features[0] !== map[0]) return undefined;
  const [n, channels, h, w] = map;
  const sizes = { channels, pixels: h * w, pixel: lanesOf(channels, "u7"), row: lanesOf(features[1], "u7"), isBack: isBack ? 1 : 0 };
  return [step(flatten, n * channels, { y: context.at(y), x: context.at(x), ...sizes })];
};
