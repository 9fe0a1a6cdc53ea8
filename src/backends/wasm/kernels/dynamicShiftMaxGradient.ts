/**
 * The gradient of Dynamic Shift-Max in one pass. The sums are computed again; where sum k is the greatest, dy · a_k goes to the pixel's own channel and
 * dy · b_k to the one it meets, the latter by way of a few rows of scratch memory, read rolled back while they are in the nearest cache. The gates'
 * gradients are sums over pixels: a unit is a chunk of the rows of one image, whose partial sums lie as [chunk][sum][a, b][channel]. Chunks depend on
 * the shape alone, so the result does not depend on the number of threads.
 */
import type { DynamicShiftMax } from "../../../ops/dynamicShiftMax.ts";
import { type Code, f32, f32x4, i32, type Local, type V128, v128 } from "../assembler.ts";
import { type Lower, step } from "../kernel.ts";
import { type Fields, type KernelSource, wasmKernel } from "../module.ts";
import { hasActivations } from "./activations.ts";
import { ROWS } from "./channelReduction.ts";
import { coefficientsOf, eachRows, loadCoefficients, type Names, rowStarts, sizesOf, sumsOf } from "./dynamicShiftMax.ts";
import { eachRolledVector, type Roll, rollOf } from "./rolledChannels.ts";

/** Chunks of all images together, about: enough for any number of threads. */
const CHUNKS = 32;

/** For each sum dy where it is the greatest, the first of equals, and 0 elsewhere. */
function sharesOf(k: Code, [first, ...others]: readonly Local<"v128">[], dy: V128): readonly V128[] {
  const [most, shares] = [k.local(first), [k.local(dy)]];
  for (const sum of others) {
    const isGreater = k.local(f32x4.gt(sum, most));
    const share = k.local(v128.and(dy, isGreater));
    for (const before of shares) before.set(v128.andNot(before, isGreater));
    shares.push(share);
    most.set(f32x4.pmax(most, sum));
  }
  return shares;
}

/** Each share times its coefficient, summed up. */
function weighed(k: Code, shares: readonly V128[], coefficients: readonly V128[]): V128 {
  return shares.slice(1).reduce((sum, share, i) => k.madd(share, coefficients[i + 1], sum), f32x4.mul(shares[0], coefficients[0]));
}

const passFields = {
  ...({ dx: "i32", x: "i32", dy: "i32", coefficients: "i32", partial: "i32", rows: "i32" } as const),
  ...({ count: "i32", rowBytes: "i32", chunkRows: "i32", chunks: "i32" } as const),
};

function passKernel(parts: number, forward: Roll, backward: Roll): KernelSource<Fields> {
  const fields = { ...passFields, ...forward.fields, ...backward.fields };
  return wasmKernel<Fields>(`shift-max gradient ${parts} ${forward.key}`, fields, (given, k) => {
    const a = given as unknown as Names;
    const bytes = k.local(a.rowBytes.times(parts));
    k.for({ from: a.begin, to: a.end }, (unit) => {
      const image = k.local(i32.divU(unit, a.chunks));
      const sums = k.local(a.partial.plus(unit.times(bytes)));
      k.for({ to: bytes, step: 16 }, (lane) => k.store(sums.plus(lane), f32x4.const(0)));
      const first = k.local(unit.minus(image.times(a.chunks)).times(a.chunkRows));
      const last = k.local(i32.min(first.plus(a.chunkRows), a.count));
      const held = k.local(a.rows.plus(unit.times(a.rowBytes).times(ROWS)));
      const own = k.local(a.coefficients.plus(image.times(bytes)));
      eachRows(k, first, last, (row, count) => {
        const starts = rowStarts(k, k.local(image.times(a.count).plus(row).times(a.rowBytes)), a.rowBytes, count);
        const others = rowStarts(k, held, a.rowBytes, count);
        slopesOfRows(k, a, forward, parts, { starts, others, sums, image: own });
        addRolledBack(k, a, backward, starts, others);
      });
    });
  });
}

interface Addresses {
  /** Of the rows, relative to each tensor. */
  readonly starts: readonly Local<"i32">[];
  /** Of the rows in scratch memory. */
  readonly others: readonly Local<"i32">[];
  readonly sums: Local<"i32">;
  /** Of the image's coefficients. */
  readonly image: Local<"i32">;
}

/** dx = dy · a, scratch = dy · b, and the sums. */
function slopesOfRows(k: Code, a: Names, roll: Roll, parts: number, { starts, others, sums, image }: Addresses): void {
  const rows = starts.map((start) => k.local(a.x.plus(start)));
  eachRolledVector(k, roll, a, a.rowBytes, (lane, rolled) => {
    const coefficients = loadCoefficients(k, k.local(image.plus(lane)), a.rowBytes, parts);
    const totals = loadCoefficients(k, k.local(sums.plus(lane)), a.rowBytes, parts);
    for (const [i, start] of starts.entries()) {
      const at = k.local(start.plus(lane));
      const x = k.local(v128.load(a.x.plus(at)));
      const shifted = k.local(rolled(rows[i]));
      const dy = k.local(v128.load(a.dy.plus(at)));
      const shares = sharesOf(k, parts > 2 ? sumsOf(k, coefficients, x, shifted) : [x], dy);
      const [own, other] = [0, 1].map((kind) => coefficients.filter((_, part) => part % 2 === kind));
      k.store(a.dx.plus(at), weighed(k, shares, own));
      k.store(others[i].plus(lane), weighed(k, shares, other));
      for (const [part, total] of totals.entries()) total.set(k.madd(shares[part >> 1], part % 2 === 0 ? x : shifted, total));
    }
    const to = k.local(sums.plus(lane));
    for (const total of totals) {
      k.store(to, total);
      to.add(a.rowBytes);
    }
  });
}

/** dx += the rows in scratch memory, rolled back. */
function addRolledBack(k: Code, a: Names, roll: Roll, starts: readonly Local<"i32">[], others: readonly Local<"i32">[]): void {
  eachRolledVector(k, roll, a, a.rowBytes, (lane, rolled) => {
    for (const [i, start] of starts.entries()) {
      const at = k.local(a.dx.plus(start).plus(lane));
      k.store(at, f32x4.add(v128.load(at), rolled(others[i])));
    }
  });
}

const finishFields = {
  ...({ dgates: "i32", partial: "i32", slope: "f32" } as const),
  ...({ channels: "i32", rowBytes: "i32", gateBytes: "i32", chunks: "i32" } as const),
};

/** dgates = slope · the chunks' sums; a unit is an image. */
function finishKernel(parts: number): KernelSource<typeof finishFields> {
  return wasmKernel(`shift-max gate gradients ${parts}`, finishFields, (a, k) => {
    const slope = k.local(f32x4.splat(a.slope));
    const whole = k.local(i32.and(a.channels, -4).times(4));
    const bytes = k.local(a.channels.times(4));
    const stride = k.local(a.rowBytes.times(parts));
    k.for({ from: a.begin, to: a.end }, (image) => {
      const from = k.local(a.partial.plus(image.times(a.chunks).times(stride)));
      const to = k.local(a.dgates.plus(image.times(a.gateBytes)));
      k.store(to.plus(a.gateBytes).minus(16), f32x4.const(0));
      k.for({ to: parts }, () => {
        k.for({ to: a.rowBytes, step: 16 }, (lane) => {
          const at = k.local(from.plus(lane));
          const total = k.local(f32x4.const(0));
          k.for({ to: a.chunks }, () => {
            total.set(f32x4.add(total, v128.load(at)));
            at.add(stride);
          });
          total.set(f32x4.mul(total, slope));
          k.if(
            i32.lt(lane, whole),
            () => k.store(to.plus(lane), total),
            () => {
              for (const [i, offset] of [0, 4, 8].entries())
                k.if(i32.lt(lane.plus(offset), bytes), () => k.store(to.plus(lane), f32.lane(total, i), offset));
            },
          );
        });
        from.add(a.rowBytes);
        to.add(bytes);
      });
    });
  });
}

export const dynamicShiftMaxGradient: Lower = (node, context) => {
  const [x, , dy] = node.inputs;
  if (!hasActivations(node, context) || context.isWeight(dy)) return undefined;
  const { groups, range, init } = node.attrs as DynamicShiftMax;
  const parts = init.length;
  const sizes = sizesOf(node);
  const { images, channels, count, rowBytes, gateBytes, blockRows } = sizes;
  const chunkRows = Math.ceil(count / Math.max(1, Math.ceil(CHUNKS / images)) / blockRows) * blockRows;
  const chunks = Math.ceil(count / chunkRows);
  const [partial, rows] = [parts, ROWS].map((each) => context.scratch((images * chunks * each * rowBytes) / 4));
  const coefficients = coefficientsOf(node, sizes, context);
  const [forward, backward] = (["forward", "backward"] as const).map((way) => rollOf(way, channels, groups, context));
  const [dx, dgates] = node.outputs.map((value) => context.at(value));
  const pointers = { dx, x: context.at(x), dy: context.at(dy), coefficients: coefficients.at, partial, rows };
  const args = { ...pointers, count, rowBytes, chunkRows, chunks, ...forward.args, ...backward.args };
  return [
    ...[coefficients.step, ...forward.steps, ...backward.steps],
    step(passKernel(parts, forward, backward), images * chunks, args as never),
    step(finishKernel(parts), images, { dgates, partial, slope: 2 * range, channels, rowBytes, gateBytes, chunks }),
  ];
};
