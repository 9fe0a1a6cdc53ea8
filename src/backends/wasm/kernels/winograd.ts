/**
 * Dense 3 × 3 convolution at stride 1 by Winograd's minimal filtering (winogradTransforms.ts). Tiles of n × n pixels overlap by two; each tile, each
 * filter becomes n² values, and for each of these the sum over channels is a product of matrices:
 *
 *   V[n²][tiles][channels] from the image   ·   U[n²][N/8][channels][8] from the weight   =   M[n²][tiles][outputs]   to the result
 *
 * Tiles go through the three steps block by block, so that V and M stay in the second-level cache. Matrices lie a little more than their size apart:
 * distances that are a power of two would fall into the same few cache sets.
 */
import type { Value } from "../../../ir/graph.ts";
import type { Epilogue } from "../epilogue.ts";
import { type LowerContext, type Pointer, type Step, step } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { gemmSteps, packedFloats } from "./gemm.ts";
import { PANEL } from "./groups.ts";
import { packed } from "./pack.ts";
import { productTap } from "./taps.ts";
import type { Pair } from "./window.ts";
import { inputKernel, outputKernel, weightKernel } from "./winogradKernels.ts";
import { constantsOf, four, type Scheme, transformInput, transformOutput, transformWeight, two } from "./winogradTransforms.ts";

/** What decides between the sizes of the algorithm. */
interface WinogradSizes {
  readonly images: number;
  readonly channels: number;
  readonly outputs: number;
  readonly outSize: Pair;
}

/** One convolution. */
export interface Winograd extends WinogradSizes {
  readonly scheme: Scheme;
  readonly x: Pointer;
  readonly weight: Value;
  readonly bias: Pointer | undefined;
  readonly y: Pointer;
  readonly epilogue: Epilogue;
  readonly size: Pair;
  /** Padding above and to the left. */
  readonly before: Pair;
}

/** Bytes that V and M of one block may take together, and tiles that it has at least: with fewer rows the weights are read too often. */
const BLOCK_BYTES = 800 * 1024;
const LEAST_TILES = 16;

/** Floats between two matrices of V or M. */
const GAP = 16;
/** Distances of rows (bytes) that alias. */
const ALIASED = 2048;

/** Floats from one row of V or M to the next. */
function rowFloats(channels: number): number {
  const lanes = pad4(channels);
  return (lanes * 4) % ALIASED === 0 ? lanes + GAP : lanes;
}

function packedWeight(
  { scheme, weight, channels, outputs }: Winograd,
  context: LowerContext,
): { at: Pointer; steps: readonly Step[]; matrix: number } {
  const run = pad4(channels);
  const matrix = packedFloats(outputs, run);
  const pack = (u: Pointer): readonly Step[] => {
    const sizes = { outputs, channels, run, matrix: matrix * 4 };
    const args = { u, source: context.at(weight), ...sizes, ...constantsOf(scheme, transformWeight).args };
    return [step(weightKernel(scheme), Math.ceil(outputs / PANEL), args)];
  };
  return { ...packed(context, `winograd${scheme.outputs}`, weight, scheme.inputs ** 2 * matrix, pack), matrix };
}

/** The steps of one convolution. */
export function winogradSteps(task: Winograd, context: LowerContext): readonly Step[] {
  const { scheme, x, y, bias, epilogue, images, channels, outputs, size, outSize, before } = task;
  const count = scheme.inputs ** 2;
  const tileRows = Math.ceil(outSize[0] / scheme.outputs);
  const tileColumns = Math.ceil(outSize[1] / scheme.outputs);
  const tiles = images * tileRows * tileColumns;
  const [lda, ldm] = [rowFloats(channels), rowFloats(outputs)];
  const blocks = Math.min(Math.ceil((tiles * count * (lda + ldm) * 4) / BLOCK_BYTES), Math.ceil(tiles / LEAST_TILES));
  const most = Math.ceil(tiles / blocks);
  const [vMatrix, mMatrix] = [most * lda + GAP, most * ldm + GAP];
  const [v, m] = [context.scratch(count * vMatrix), context.scratch(count * mMatrix)];
  const u = packedWeight(task, context);
  const places = { tileRows, tileColumns };
  const steps = [...u.steps];
  for (let first = 0; first < tiles; first += most) {
    const rows = Math.min(most, tiles - first);
    const image = { x, height: size[0], width: size[1], top: before[0], left: before[1], pixel: pad4(channels) * 4 };
    const inputArgs = { ...places, ...image, first, v, matrix: vMatrix * 4, lda: lda * 4, ...constantsOf(scheme, transformInput).args };
    const result = { y, height: outSize[0], width: outSize[1], pixel: pad4(outputs) * 4, ...(bias ? { bias } : {}), ...epilogue.args };
    const outputArgs = { ...places, ...result, first, m, matrix: mMatrix * 4, ldm: ldm * 4, ...constantsOf(scheme, transformOutput).args };
    const batch = { count, aStep: vMatrix, packedStep: u.matrix, yStep: mMatrix };
    const product = { tap: productTap, a: v, rows, lda, k: pad4(channels), packed: u.at, n: outputs, y: m, ldy: ldm, batch };
    steps.push(
      step(inputKernel(scheme), rows, inputArgs),
      ...gemmSteps(product),
      step(outputKernel(scheme, bias !== undefined, epilogue), rows, outputArgs),
    );
  }
  return steps;
}

/** What a value's way through the transforms costs a channel, in multiply–adds. */
const TRANSFORM_WORK = 8;
/** Rows of a matrix below which its time is that of reading the weights. */
const FEW_ROWS = 4;
/** The algorithm must promise at least so much less work. */
const WORTHWHILE = 0.9;
/** U is up to four times the weight; a size whose U is larger than this is left out. */
const MOST_WEIGHT_BYTES = 24 * 2 ** 20;

/** Work of one size of the algorithm, in multiply–adds. */
function workOf({ inputs, outputs: side }: Scheme, { channels, outputs, images, outSize }: WinogradSizes): number {
  const tiles = images * Math.ceil(outSize[0] / side) * Math.ceil(outSize[1] / side);
  const [lanes, outLanes] = [pad4(channels), pad4(outputs)];
  if (inputs ** 2 * lanes * outLanes * 4 > MOST_WEIGHT_BYTES) return Number.POSITIVE_INFINITY;
  return inputs ** 2 * (Math.max(tiles, FEW_ROWS) * lanes * outLanes + tiles * TRANSFORM_WORK * (lanes + outLanes));
}

/** The size of the algorithm that suits a convolution, or undefined where its windows multiplied as they are take hardly more work. */
export function winogradScheme(sizes: WinogradSizes): Scheme | undefined {
  const { channels, outputs, images, outSize } = sizes;
  const direct = WORTHWHILE * images * outSize[0] * outSize[1] * 9 * channels * outputs;
  const [best] = [two, four].filter((scheme) => workOf(scheme, sizes) < direct).sort((a, b) => workOf(a, sizes) - workOf(b, sizes));
  return best;
}
