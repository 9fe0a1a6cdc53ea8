import { size } from "../../src/core/shape.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import { withBatchCounts } from "../../src/formats/names/index.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { buildNetwork } from "../../src/networks/index.ts";
import { expect, expectNear } from "./compare.ts";
import { type Counterpart, counterpartOf } from "./networks.ts";
import { type Drawn, drawState, type Recipe, type StateEntry, stateChecksum } from "./recipe.ts";
import type { Tensors } from "./run.ts";

/** A tensor told by its moments and first elements. */
export interface Digest {
  readonly shape: readonly number[];
  readonly mean: number;
  readonly std: number;
  readonly l2: number;
  readonly first: readonly number[];
}

/** Loss and gradients of one pass, all labels given, dropout off. */
export interface GradientSet {
  readonly mode: "train" | "eval";
  readonly input: Drawn;
  readonly labels: readonly number[];
  readonly loss: number;
  readonly logits: readonly number[];
  readonly grad: Readonly<Record<string, readonly [l2: number, dot: number, first: number, last: number]>>;
  readonly grad_input?: Digest;
  readonly after?: Readonly<Record<string, readonly [l2: number, dot: number]>>;
  readonly torch_float32?: Readonly<Record<string, number>>;
}

/** A network fixture, as far as it is read. */
export interface NetworkFixture {
  readonly format: string;
  readonly family: string;
  readonly id: string;
  readonly constructor: Readonly<Record<string, unknown>>;
  readonly input: Drawn;
  readonly recipe: Recipe;
  readonly params: number;
  readonly state: readonly StateEntry[];
  readonly state_crc32: string;
  readonly bn: readonly { readonly eps: number; readonly momentum: number }[];
  readonly macs: { readonly per_image: { readonly total: number; readonly adder?: number } };
  readonly logits_shape: readonly number[];
  readonly logits: readonly number[];
  readonly stages: readonly (Digest & { readonly name: string })[];
  readonly train?: GradientSet;
  readonly grad_eval?: GradientSet;
}

/** Moments and first elements of a tensor. */
export function digest({ shape, data }: Tensor): Digest {
  let [sum, squares] = [0, 0];
  for (const x of data) {
    sum += x;
    squares += x * x;
  }
  const mean = sum / data.length;
  return {
    shape,
    mean,
    std: Math.sqrt(Math.max(0, squares / data.length - mean * mean)),
    l2: Math.sqrt(squares),
    first: [...data.subarray(0, 8)],
  };
}

/** Moments and first elements must agree. */
export function expectDigest(what: string, tensor: Tensor, needed: Digest, tolerance: number): void {
  const found = digest(tensor);
  expect(size(found.shape) === size(needed.shape), () => `${what}: ${size(found.shape)} elements, needed ${size(needed.shape)}`);
  // Means may vanish, so the size of an element (root mean square) sets the scale of all but the norm.
  const scale = needed.l2 / Math.sqrt(size(needed.shape));
  expectNear(what, [found.l2], [needed.l2], { tolerance });
  for (const moment of ["mean", "std"] as const) expectNear(`${what} (${moment})`, [found[moment]], [needed[moment]], { tolerance, scale });
  expectNear(`${what} (first elements)`, found.first.slice(0, needed.first.length), needed.first, { tolerance: 10 * tolerance, scale });
}

/** A fixture, our network for it, and its weights under our names. */
export interface Prepared {
  readonly fixture: NetworkFixture;
  readonly counterpart: Counterpart;
  readonly weights: Tensors;
}

/** Draws the weights and checks their sum. */
export function prepare(fixture: NetworkFixture): Prepared {
  const counterpart = counterpartOf(fixture.family, fixture.constructor, fixture.id);
  const tensors = fixture.state.map((entry) => drawState(entry, fixture.recipe));
  const checksum = stateChecksum(fixture.state, tensors);
  expect(checksum === fixture.state_crc32, () => `state_crc32: ${checksum}, needed ${fixture.state_crc32}`);
  const weights = new Map<string, Tensor>();
  for (const [i, [name]] of fixture.state.entries()) {
    const ours = counterpart.names.fromReference({ name, shape: tensors[i].shape });
    expect(!weights.has(ours.name), () => `state: two tensors of the fixture are our "${ours.name}"`);
    weights.set(ours.name, { shape: ours.shape, data: tensors[i].data });
  }
  return { fixture, counterpart, weights: withBatchCounts(weights) };
}

/** Our network for an input of the fixture. */
export function build({ counterpart }: Prepared, { shape }: Drawn, isTraining: boolean): Graph {
  const [batch, channels, height, width] = shape;
  return buildNetwork(counterpart.network, { ...counterpart.options, batch, channels, size: [height, width], dropout: 0, isTraining });
}
