/**
 * The unit of each output's weights, and weights rounded to it. An output's weights lie in a row without gaps; units of work are outputs. The
 * search for the unit of sums of 16 bits goes by float64, so that it takes the same turns as the definition.
 */
import { size } from "../../../core/shape.ts";
import { MOST, MOST_SHORT, type NarrowPlace, type ScalePlace, UNIT } from "../../../ops/filterScales.ts";
import { BLOCK_CHANNELS, MOST_WEIGHT } from "../../../ops/integerSums.ts";
import type { RoundToScales } from "../../../ops/roundToScales.ts";
import { type Code, type Expr, f32, f64, i32, type Local } from "../assembler.ts";
import { type Lower, step } from "../kernel.ts";
import { wasmKernel } from "../module.ts";

/** The place of an output's weights. */
const rowOf = (x: Local<"i32">, unit: Local<"i32">, row: Local<"i32">): Expr<"i32"> => x.plus(unit.times(row));

function largest(k: Code, from: Local<"i32">, bytes: Local<"i32">): Local<"f32"> {
  const most = k.local(f32.const(0));
  k.for({ to: bytes, step: 4 }, (at) => most.set(f32.max(most, f32.abs(f32.load(from.plus(at))))));
  return most;
}

const wide = f64.fromF32;
const rounded = (x: Expr<"f64">): Expr<"f64"> => f64.floor(f64.add(x, f64.const(0.5)));

/** A weight in units, within 8 bits. */
function heldWeight(weight: Expr<"f32">, scale: Expr<"f64">): Expr<"f64"> {
  return f64.max(f64.min(rounded(f64.div(wide(weight), scale)), f64.const(MOST)), f64.const(-MOST));
}

/** Sums of integers, those of each sign apart. */
interface Totals {
  readonly above: Local<"f64">;
  readonly below: Local<"f64">;
}

const zero = f64.const(0);

function emptyTotals(k: Code): Totals {
  return { above: k.local(zero), below: k.local(zero) };
}

function addTo({ above, below }: Totals, weight: Local<"f64">): void {
  above.set(f64.add(above, f64.max(weight, zero)));
  below.set(f64.sub(below, f64.min(weight, zero)));
}

const wideFields = { y: "i32", x: "i32", row: "i32", tap: "i32", spare: "f32" } as const;

/** The most in a short sum of any block; rows hold the channels of one tap after those of another. */
function blockTotal(
  k: Code,
  { from, row, tap, scale }: Readonly<Record<"from" | "row" | "tap", Local<"i32">>> & { scale: Local<"f64"> },
): Local<"f64"> {
  const most = k.local(zero);
  k.for({ to: row, step: tap }, (start) => {
    const end = k.local(start.plus(tap));
    k.for({ from: start, to: end, step: 4 * BLOCK_CHANNELS }, (first) => {
      const shorts = [emptyTotals(k), emptyTotals(k)];
      k.for({ from: first, to: k.local(i32.min(first.plus(4 * BLOCK_CHANNELS), end)), step: 4 }, (at) => {
        const weight = k.local(heldWeight(f32.load(from.plus(at)), scale));
        const isSecond = i32.and(at.minus(start), 8);
        k.if(
          isSecond,
          () => addTo(shorts[1], weight),
          () => addTo(shorts[0], weight),
        );
      });
      for (const { above, below } of shorts) most.set(f64.max(most, f64.max(above, below)));
    });
  });
  return most;
}

const wideKernel = wasmKernel("wideScales", wideFields, ({ y, x, row, tap, spare, begin, end }, k) => {
  k.for({ from: begin, to: end }, (unit) => {
    const from = k.local(rowOf(x, unit, row));
    const most = largest(k, from, row);
    const scale = k.local(f64.div(wide(most), f64.const(MOST)));
    k.if(f32.le(most, f32.const(0)), () => scale.set(wide(spare)));
    const isSearched = k.local(i32.const(1));
    k.while(
      () => isSearched,
      () => {
        const excess = k.local(f64.div(blockTotal(k, { from, row, tap, scale }), f64.const(MOST_WEIGHT)));
        isSearched.set(f64.gt(excess, f64.const(1)));
        k.if(isSearched, () => scale.set(f64.mul(scale, f64.max(excess, f64.const(1.001)))));
      },
    );
    k.store(y.plus(unit.times(4)), f32.fromF64(scale));
  });
});

export const wideScales: Lower = ({ inputs: [x], outputs: [y], attrs }, context) => {
  const { input, output } = attrs as ScalePlace;
  const pointers = { y: context.at(y), x: context.at(x) };
  const [, channels, ...kernel] = x.shape;
  const spare = output.scale / input.scale / UNIT;
  return [step(wideKernel, x.shape[0], { ...pointers, row: 4 * channels * size(kernel), tap: 4 * channels, spare })];
};

const narrowFields = {
  y: "i32",
  x: "i32",
  bias: "i32",
  row: "i32",
  least: "i32",
  inputScale: "f32",
  inputZero: "f32",
  outputScale: "f32",
  outputZero: "f32",
} as const;

const narrowKernel = wasmKernel("narrowScales", narrowFields, (args, k) => {
  const { y, x, bias, row, least, begin, end } = args;
  const [inputZero, outputScale, outputZero] = [args.inputZero, args.outputScale, args.outputZero].map((each) => k.local(wide(each)));
  const perFactor = k.local(f64.div(f64.div(outputScale, wide(args.inputScale)), f64.const(UNIT)));
  const most = f64.const(MOST_SHORT);
  k.for({ from: begin, to: end }, (unit) => {
    const from = k.local(rowOf(x, unit, row));
    const start = k.local(f64.add(f64.div(wide(f32.load(bias.plus(unit.times(4)))), outputScale), outputZero));
    const needed = f64.ceil(f64.div(f64.div(wide(largest(k, from, row)), f64.const(MOST)), perFactor));
    const factor = k.local(f64.min(f64.max(needed, f64.fromI32(least)), most));
    const scale = k.local(f64.mul(factor, perFactor));
    const isSearched = k.local(i32.const(1));
    k.while(
      () => isSearched,
      () => {
        const totals = emptyTotals(k);
        const { above, below } = totals;
        k.for({ to: row, step: 4 }, (at) => addTo(totals, k.local(heldWeight(f32.load(from.plus(at)), scale))));
        const offset = f64.div(f64.mul(start, f64.const(UNIT)), factor);
        const begins = f64.abs(rounded(f64.sub(offset, f64.mul(inputZero, f64.sub(above, below)))));
        const weights = f64.div(f64.max(above, below), f64.const(MOST_WEIGHT));
        const excess = k.local(f64.max(weights, f64.div(begins, most)));
        isSearched.set(i32.and(f64.gt(excess, f64.const(1)), f64.gt(most, factor)));
        k.if(isSearched, () => {
          factor.set(f64.min(f64.ceil(f64.mul(factor, f64.max(excess, f64.const(1.001)))), most));
          scale.set(f64.mul(factor, perFactor));
        });
      },
    );
    k.store(y.plus(unit.times(4)), f32.fromF64(scale));
  });
});

export const narrowScales: Lower = ({ inputs: [x, bias], outputs: [y], attrs }, context) => {
  const { input, output, least } = attrs as NarrowPlace;
  const pointers = { y: context.at(y), x: context.at(x), bias: context.at(bias) };
  const scales = { inputScale: input.scale, inputZero: input.zero, outputScale: output.scale, outputZero: output.zero };
  return [step(narrowKernel, x.shape[0], { ...pointers, ...scales, least, row: 4 * size(x.shape.slice(1)) })];
};

const roundFields = { y: "i32", x: "i32", scales: "i32", row: "i32", unitStep: "f32", shift: "f32" } as const;

const roundKernel = wasmKernel("roundToScales", roundFields, ({ y, x, scales, row, unitStep, shift, begin, end }, k) => {
  k.for({ from: begin, to: end }, (unit) => {
    const grid = k.local(f32.mul(f32.load(scales.plus(unit.times(4))), unitStep));
    const first = k.local(unit.times(row));
    k.for({ from: first, to: k.local(first.plus(row)), step: 4 }, (at) => {
      const place = f32.floor(f32.add(f32.div(f32.add(f32.load(x.plus(at)), shift), grid), f32.const(0.5)));
      k.store(y.plus(at), f32.sub(f32.mul(place, grid), shift));
    });
  });
});

export const roundToScales: Lower = ({ inputs: [x, scales], outputs: [y], attrs }, context) => {
  const { unit, shift } = attrs as RoundToScales;
  if (x.shape.length > 1 && !context.isWeight(x)) return undefined;
  const pointers = { y: context.at(y), x: context.at(x), scales: context.at(scales) };
  return [step(roundKernel, x.shape[0], { ...pointers, unitStep: unit, shift, row: 4 * size(x.shape.slice(1)) })];
};
