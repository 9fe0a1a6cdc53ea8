/**
 * Convolutions without multiplication beside our own implicit matrix product with multiplications and additions (not fused), on the same
 * shapes, one thread: time over time. Turns alternate in short bursts; the least time of each counts.
 */

import type { Shape } from "../src/core/shape.ts";
import type { AnyOp } from "../src/ir/op.ts";
import { type Convolution, convolvedShape } from "../src/ops/convolution.ts";
import { ops } from "../src/ops/index.ts";
import { type Similar, similarityGradient } from "../src/ops/similarity.ts";
import { burst, type Contest, contest, repeatsOf } from "./kernels.ts";

/** One line of the result: `ratio` is the time over the product's. */
export interface ArithmeticRow {
  readonly layer: string;
  readonly pass: string;
  readonly similarity: string;
  readonly milliseconds: number;
  readonly ratio: number;
}

interface Layer {
  readonly batch?: number;
  readonly side: number;
  readonly channels: number;
  readonly out: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly groups?: number;
}

/** Layers of ResNets on large and small pictures, pointwise ones, grouped ones with 8 channels and more, depthwise ones. */
const layers: readonly Layer[] = [
  { side: 56, channels: 64, out: 64, kernel: 3 },
  { side: 28, channels: 128, out: 128, kernel: 3 },
  { side: 14, channels: 256, out: 256, kernel: 3 },
  { batch: 8, side: 32, channels: 16, out: 16, kernel: 3 },
  { batch: 8, side: 16, channels: 32, out: 32, kernel: 3, stride: 2 },
  { side: 56, channels: 24, out: 144, kernel: 1 },
  { side: 28, channels: 256, out: 64, kernel: 1 },
  { side: 28, channels: 128, out: 128, kernel: 3, groups: 16 },
  { side: 28, channels: 240, out: 240, kernel: 1, groups: 3 },
  { side: 56, channels: 144, out: 144, kernel: 3, groups: 144 },
  { side: 28, channels: 240, out: 240, kernel: 5, groups: 240 },
];

const similarities: readonly Similar[] = [{ similarity: "l1" }, { similarity: "mitchell" }, { similarity: "mitchell", gradient: "exact" }];

interface Pass {
  readonly name: string;
  readonly op: AnyOp;
  readonly shapes: readonly Shape[];
  readonly attrs: object;
}

function passesOf({ batch = 1, side, channels, out, kernel, stride = 1, groups = 1 }: Layer, similar: Similar): Pass[] {
  const half = kernel >> 1;
  const attrs: Convolution = { stride: [stride, stride], padding: [half, half, half, half], groups, ...similar };
  const [x, w] = [
    [batch, channels, side, side],
    [out, channels / groups, kernel, kernel],
  ];
  const y = convolvedShape(x, w, attrs);
  const own = (shape: Shape): Shape[] => (similarityGradient(attrs).isBilinear ? [] : [shape]);
  return [
    { name: "forward", op: ops.conv2d, shapes: [x, w], attrs },
    { name: "dX", op: ops.conv2dInputGradient, shapes: [y, w, ...own(x)], attrs: { ...attrs, inputShape: x } },
    { name: "dW", op: ops.conv2dWeightGradient, shapes: [x, y, ...own(w)], attrs: { ...attrs, weightShape: w } },
  ];
}

function describe({ batch = 1, side, channels, out, kernel, stride = 1, groups = 1 }: Layer): string {
  const kind = groups === channels ? "depthwise" : groups > 1 ? `${groups} groups` : kernel > 1 ? "dense" : "pointwise";
  return `${kind} ${kernel}×${kernel} s${stride} ${batch > 1 ? `${batch}×` : ""}${side}² ${channels}→${out}`;
}

async function compare(name: string, passes: readonly Pass[], bursts: number): Promise<number[]> {
  const contests: Contest[] = [];
  // The first, the product, without fused multiply–adds.
  for (const [i, { op, shapes, attrs }] of passes.entries()) contests.push(await contest(name, op, shapes, attrs, i > 0));
  const repeats = contests.map(repeatsOf);
  const best = contests.map(() => Number.POSITIVE_INFINITY);
  for (let turn = 0; turn < bursts; turn++) {
    for (const [i, each] of contests.entries()) best[i] = Math.min(best[i], burst(each, repeats[i]));
  }
  return best;
}

/** Times every layer whose name contains `part`. */
export async function arithmeticRows(part = "", bursts = 40): Promise<ArithmeticRow[]> {
  const rows: ArithmeticRow[] = [];
  for (const layer of layers.filter((each) => describe(each).includes(part))) {
    const products = passesOf(layer, { similarity: "product" });
    for (const [i, product] of products.entries()) {
      const others = similarities.filter(({ gradient }) => i > 0 || !gradient);
      const times = await compare(describe(layer), [product, ...others.map((similar) => passesOf(layer, similar)[i])], bursts);
      for (const [j, similar] of others.entries()) {
        const similarity = `${similar.similarity}${similar.gradient ? ` (${similar.gradient})` : ""}`;
        const row = { layer: describe(layer), pass: product.name, similarity, milliseconds: times[j + 1], ratio: times[j + 1] / times[0] };
        rows.push(row);
        console.error(`${row.ratio.toFixed(2).padStart(6)} × ${row.pass.padEnd(8)} ${similarity.padEnd(17)} ${row.layer}`);
      }
    }
  }
  return rows;
}
