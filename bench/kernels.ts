/**
 * The forward kernels one by one, beside the peak of one core: what a loop of nothing but multiply–adds in registers reaches here. Each
 * figure is the best of many short bursts, peak and kernel in turn, so that neither other programs nor the clock decide it.
 */
import { f32x4, i32 } from "../src/backends/wasm/assembler.ts";
import { wasmBackend } from "../src/backends/wasm/index.ts";
import { control, type KernelSource, wasmKernel, writeModule } from "../src/backends/wasm/module.ts";
import { random } from "../src/core/random.ts";
import { type Shape, size } from "../src/core/shape.ts";
import type { Tensor } from "../src/core/tensor.ts";
import type { OpenOptions } from "../src/engine/session.ts";
import { type AnyOp, costOf } from "../src/ir/op.ts";
import { graphScope } from "../src/ir/scope.ts";
import { ops } from "../src/ops/index.ts";

/** One line of the result. */
export interface KernelRow {
  readonly name: string;
  readonly milliseconds: number;
  /** Two operations a multiply–add. */
  readonly gflops: number;
  /** Over the rate of multiply–adds in registers, taken in the same minute. */
  readonly shareOfPeak: number;
}

interface Layer {
  readonly side: number;
  readonly channels: number;
  readonly out: number;
  readonly kernel?: number;
  readonly stride?: number;
  readonly groups?: number;
}

const depthwise = (side: number, channels: number, kernel: number, stride = 1): Layer => {
  return { side, channels, out: channels, kernel, stride, groups: channels };
};

/** Layers of the networks at 224², batch 1. */
const layers: readonly Layer[] = [
  { side: 56, channels: 24, out: 144 },
  { side: 56, channels: 144, out: 24 },
  { side: 14, channels: 96, out: 576 },
  { side: 14, channels: 576, out: 96 },
  { side: 7, channels: 960, out: 160 },
  { side: 7, channels: 320, out: 1280 },
  { side: 112, channels: 16, out: 96 },
  { side: 14, channels: 512, out: 512 },
  depthwise(112, 32, 3),
  depthwise(56, 144, 3, 2),
  depthwise(14, 576, 3),
  depthwise(7, 960, 3),
  depthwise(14, 512, 3),
  depthwise(28, 240, 5),
  depthwise(14, 672, 5, 2),
  { side: 224, channels: 3, out: 32, kernel: 3, stride: 2 },
  { side: 56, channels: 64, out: 64, kernel: 3 },
  { side: 28, channels: 128, out: 128, kernel: 3 },
  { side: 28, channels: 240, out: 240, groups: 3 },
  { side: 1, channels: 960, out: 240 },
];

/** One node to time. */
export interface Contest {
  readonly name: string;
  readonly macs: number;
  readonly run: () => void;
}

/** An op on random operands, on one thread; the engine's own buffers hold them. */
export async function contest(name: string, op: AnyOp, shapes: readonly Shape[], attrs: object, options: OpenOptions): Promise<Contest> {
  const g = graphScope();
  const weights = new Map<string, Tensor>();
  const leaves = shapes.map((shape, i) => {
    const { uniform } = random(1, `${name} ${i}`);
    weights.set(`x${i}`, { shape, data: Float32Array.from({ length: size(shape) }, (_, at) => uniform(at) - 0.5) });
    const isStored = op.weightInputs?.includes(i) || shape.length === 1;
    return isStored ? g.parameter(`x${i}`, shape, { kind: "constant", value: 0 }) : g.input(`x${i}`, shape);
  });
  g.output("y", op(g, leaves, attrs));
  const graph = g.finish();
  const session = await wasmBackend.open(graph, weights, options);
  session.run(Object.fromEntries(weights));
  return { name, macs: costOf(graph.nodes[0]).macs, run: () => session.runInPlace() };
}

function contestOf({ side, channels, out, kernel = 1, stride = 1, groups = 1 }: Layer, isRelaxedAllowed: boolean): Promise<Contest> {
  const half = kernel >> 1;
  const attrs = { stride: [stride, stride], padding: [half, half, half, half], groups, similarity: "product" };
  const kind = groups === channels ? "depthwise" : groups > 1 ? `${groups} groups` : kernel > 1 ? "dense" : "pointwise";
  const name = `${kind} ${kernel}×${kernel} s${stride} ${side}² ${channels}→${out}`;
  const shapes = [[1, channels, side, side], [out, channels / groups, kernel, kernel], [out]];
  return contest(name, ops.conv2d, shapes, attrs, { isRelaxedAllowed });
}

/** Ten independent chains of multiply–adds on four lanes. */
function peak(isRelaxed: boolean): Contest {
  const rounds = 20_000;
  const kernel = wasmKernel("peak", { y: "i32" }, ({ y, begin, end }, k) => {
    const sums = Array.from({ length: 10 }, () => k.variable("v128"));
    const a = k.local(f32x4.loadSplat(y));
    const b = k.local(f32x4.loadSplat(y, 4));
    k.for({ from: begin, to: i32.mul(end, rounds) }, () => {
      for (const sum of sums) sum.set(k.madd(a, b, sum));
    });
    for (const [i, sum] of sums.entries()) k.store(y, sum, i * 16);
  });
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const module = new WebAssembly.Module(writeModule([kernel as unknown as KernelSource], { pages: 1, isShared: false, isRelaxed }));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const words = new Int32Array(memory.buffer);
  const [steps, args, y] = [1024, 2048, 4096];
  words[control.steps / 4] = steps;
  words.set([1, args, 1], steps / 4);
  words[args / 4] = y;
  const run = exports.run as (first: number, last: number, part: number, parts: number, control: number) => void;
  return { name: "peak", macs: rounds * 10 * 4, run: () => run(0, 1, 0, 1, 0) };
}

function burst({ run }: Contest, repeats: number): number {
  const start = performance.now();
  for (let i = 0; i < repeats; i++) run();
  return (performance.now() - start) / repeats;
}

/** Runs of a contest that make a burst of about half a millisecond. */
function repeatsOf(each: Contest): number {
  for (let i = 0; i < 50; i++) each.run();
  return Math.max(1, Math.ceil(0.5 / Math.max(burst(each, 5), 1e-4)));
}

/** Least milliseconds of one run of each, in short bursts that take turns. */
export function leastTimes(contests: readonly Contest[], bursts: number): number[] {
  const repeats = contests.map(repeatsOf);
  const least = contests.map(() => Number.POSITIVE_INFINITY);
  for (let turn = 0; turn < bursts; turn++) {
    for (const [i, each] of contests.entries()) least[i] = Math.min(least[i], burst(each, repeats[i]));
  }
  return least;
}

/** Times every layer whose name contains `part`. */
export async function kernelRows(part = "", isRelaxedAllowed = true, bursts = 60): Promise<KernelRow[]> {
  const contests = await Promise.all(layers.map((layer) => contestOf(layer, isRelaxedAllowed)));
  const top = peak(isRelaxedAllowed);
  const rows: KernelRow[] = [];
  for (const each of contests.filter(({ name }) => name.includes(part))) {
    const [best, bestPeak] = leastTimes([each, top], bursts);
    const gflops = (2 * each.macs) / best / 1e6;
    const shareOfPeak = gflops / ((2 * top.macs) / bestPeak / 1e6);
    rows.push({ name: each.name, milliseconds: best, gflops, shareOfPeak });
    const share = `${(100 * shareOfPeak).toFixed(0)} %`;
    console.error(
      `${(best * 1000).toFixed(0).padStart(6)} µs ${gflops.toFixed(1).padStart(6)} GFLOP/s ${share.padStart(6)} of peak  ${each.name}`,
    );
  }
  return rows;
}
