/**
 * Convolutions without multiplication, and grouped ones, beside our own implicit matrix product with multiplications and additions (not fused), on
 * the same shapes, one thread: time over time, for grouped ones time a multiply–accumulate. Turns alternate in short bursts; the least time of each
 * counts. L1 layers also beside onnxruntime-web, which runs them composed of standard operators.
 */
import * as ort from "onnxruntime-web";
import { wasmBackend } from "../src/backends/wasm/index.ts";
import { random } from "../src/core/random.ts";
import type { Shape } from "../src/core/shape.ts";
import { size } from "../src/core/shape.ts";
import type { Tensor } from "../src/core/tensor.ts";
import { encodeGraphAsOnnx } from "../src/formats/onnx/encode.ts";
import type { AnyOp } from "../src/ir/op.ts";
import { graphScope } from "../src/ir/scope.ts";
import { type Convolution, convolvedShape } from "../src/ops/convolution.ts";
import { ops } from "../src/ops/index.ts";
import { type Similar, similarityGradient } from "../src/ops/similarity.ts";
import { interleave, timed } from "./interleave.ts";
import { type Contest, contest, leastTimes } from "./kernels.ts";

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
  // The first, the product, without fused multiply–adds and as its windows are.
  for (const [i, { op, shapes, attrs }] of passes.entries())
    contests.push(await contest(name, op, shapes, attrs, { isRelaxedAllowed: i > 0, exact: true }));
  return leastTimes(contests, bursts);
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

/** One line of the result: `ratio` is the time of a multiply–accumulate over that of the dense layer. */
export interface GroupedRow {
  readonly layer: string;
  readonly pass: string;
  readonly milliseconds: number;
  readonly ratio: number;
}

/** Grouped layers of the zoo: with 8 channels a group and more, then with fewer. */
const groupedLayers: readonly Layer[] = [
  { side: 28, channels: 128, out: 128, kernel: 3, groups: 16 },
  { side: 14, channels: 256, out: 256, kernel: 3, groups: 8 },
  { side: 56, channels: 64, out: 64, kernel: 3, groups: 2 },
  { side: 28, channels: 240, out: 240, kernel: 1, groups: 3 },
  { side: 14, channels: 384, out: 384, kernel: 1, groups: 8 },
  { side: 14, channels: 576, out: 576, kernel: 1, groups: 72 },
  { side: 7, channels: 960, out: 960, kernel: 1, groups: 3 },
  { side: 28, channels: 32, out: 32, kernel: 3, groups: 16 },
  { side: 28, channels: 32, out: 64, kernel: 3, stride: 2, groups: 16 },
  { side: 14, channels: 64, out: 64, kernel: 3, groups: 16 },
  { side: 14, channels: 16, out: 24, kernel: 3, groups: 8 },
];

/** Times every grouped layer whose name contains `part` beside the dense layer of the same channels. */
export async function groupedRows(part = "", bursts = 40): Promise<GroupedRow[]> {
  const rows: GroupedRow[] = [];
  const product: Similar = { similarity: "product" };
  for (const layer of groupedLayers.filter((each) => describe(each).includes(part))) {
    const dense = passesOf({ ...layer, groups: 1 }, product);
    for (const [i, pass] of passesOf(layer, product).entries()) {
      const contests = [dense[i], pass].map(({ op, shapes, attrs }) =>
        contest(describe(layer), op, shapes, attrs, { isRelaxedAllowed: false, exact: true }),
      );
      const [whole, grouped] = await Promise.all(contests);
      const best = leastTimes([whole, grouped], bursts);
      const row = {
        layer: describe(layer),
        pass: pass.name,
        milliseconds: best[1],
        ratio: best[1] / grouped.macs / (best[0] / whole.macs),
      };
      rows.push(row);
      console.error(`${row.ratio.toFixed(2).padStart(6)} × ${row.pass.padEnd(8)} a MAC of the dense layer  ${row.layer}`);
    }
  }
  return rows;
}

/** One line of the result: `ratio` is our time over onnxruntime-web's. */
export interface ComposedRow {
  readonly layer: string;
  readonly oursMs: number;
  readonly peerMs: number;
  readonly ratio: number;
  /** Largest difference of the outputs, over the largest output. */
  readonly maxError: number;
}

/** Times L1 layers beside the same layers composed of ONNX operators in onnxruntime-web; outputs are compared first. */
export async function composedRows(part = "", rounds = 5): Promise<ComposedRow[]> {
  ort.env.wasm.numThreads = 1;
  const rows: ComposedRow[] = [];
  for (const layer of layers.filter((each) => describe(each).includes(part))) {
    const [{ op, shapes, attrs }] = passesOf(layer, { similarity: "l1" });
    const tensors = shapes.map((shape, i): Tensor => {
      const { uniform } = random(1, `operand ${i}`);
      return { shape, data: Float32Array.from({ length: size(shape) }, (_, at) => uniform(at) - 0.5) };
    });
    const g = graphScope();
    const weight = g.parameter("weight", shapes[1], { kind: "constant", value: 0 });
    g.output("y", op(g, [g.input("x", shapes[0]), weight], attrs));
    const graph = g.finish();
    const weights = new Map([["weight", tensors[1]]]);
    const peer = await ort.InferenceSession.create(encodeGraphAsOnnx(graph, weights), { executionProviders: ["wasm"] });
    const feeds = { x: new ort.Tensor("float32", tensors[0].data, [...shapes[0]]) };
    const expected = (await peer.run(feeds)).y.data as Float32Array;
    using session = await wasmBackend.open(graph, weights, { isRelaxedAllowed: true });
    const { y } = session.run({ x: tensors[0] });
    const most = expected.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    const maxError = y.data.reduce((max, value, i) => Math.max(max, Math.abs(value - expected[i])), 0) / most;
    const peerTurn = async (): Promise<number> => {
      const start = performance.now();
      for (let i = 0; i < 3; i++) await peer.run(feeds);
      return (performance.now() - start) / 3;
    };
    const times = await interleave({ ours: timed(() => session.runInPlace()), peer: peerTurn }, rounds);
    await peer.release();
    const row = { layer: describe(layer), oursMs: times.ours, peerMs: times.peer, ratio: times.ours / times.peer, maxError };
    rows.push(row);
    console.error(
      `${(1 / row.ratio).toFixed(1).padStart(6)} × faster than composed operators, error ${maxError.toExponential(1)}  ${row.layer}`,
    );
  }
  return rows;
}
