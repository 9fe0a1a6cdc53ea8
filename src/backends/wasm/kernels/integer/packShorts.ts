/** Depthwise filters, biases and factors in 16 bits, eight channels a vector. */
import { i16x8, i32, i32x4, v128 } from "../../assembler.ts";
import { type Pointer, type Step, step } from "../../kernel.ts";
import { wasmKernel } from "../../module.ts";

const filterFields = { y: "i32", source: "i32", channels: "i32", taps: "i32", zero: "i32", filterBytes: "i32", lanes: "i32" } as const;

/** [C][taps] → [C/8][taps][8], lanes without a channel 0; behind them as many zero points as a pixel has bytes, and a vector more. */
const packShortFilters = wasmKernel("pack short filters", filterFields, (args, k) => {
  const { y, source, channels, taps, zero, filterBytes, lanes, begin, end } = args;
  const filterEnd = k.local(y.plus(filterBytes));
  const empty = k.local(v128.const32(0, 0, 0, 0));
  k.for({ from: begin, to: end }, () => {
    k.for({ from: y, to: filterEnd, step: 16 }, (at) => k.store(at, empty));
    const from = k.local(source);
    k.for({ to: channels }, (channel) => {
      const vector = i32.shrU(channel, 3);
      const to = k.local(y.plus(vector.times(taps).times(16)).plus(i32.and(channel, 7).times(2)));
      k.for({ to: taps }, () => {
        const weight = k.local(i32.load8U(from));
        k.store8(to, weight);
        // The sign, as the high byte.
        k.store8(to, i32.sub(0, i32.shrU(weight, 7)), 1);
        from.add(1);
        to.add(16);
      });
    });
    const word = k.local(zero.times(0x0101_0101));
    k.for({ from: filterEnd, to: k.local(filterEnd.plus(lanes).plus(16)), step: 4 }, (at) => k.store(at, word));
  });
});

/** The step that packs filters of bytes. */
export function packFilters(
  y: Pointer,
  source: Pointer,
  sizes: { channels: number; taps: number; zero: number; filterBytes: number; lanes: number },
): readonly Step[] {
  return [step(packShortFilters, 1, { y, source, ...sizes })];
}

/** Integers among floats in 16 bits, saturated. */
const shortenFloats = wasmKernel("shorten", { y: "i32", x: "i32", vectors: "i32" }, ({ y, x, vectors, begin, end }, k) => {
  k.for({ from: begin, to: end }, () => {
    k.for({ to: vectors }, (vector) => {
      const from = k.local(x.plus(vector.times(32)));
      const halves = [0, 16].map((half) => i32x4.truncate(v128.load(from, half)));
      k.store(y.plus(vector.times(16)), i16x8.narrow(halves[0], halves[1]));
    });
  });
});

/** The step that shortens `vectors` times eight floats. */
export function packShorts(y: Pointer, x: Pointer, vectors: number): readonly Step[] {
  return [step(shortenFloats, 1, { y, x, vectors })];
}
