/** Random image networks for property tests: described by plain data that fast-check can shrink, and built so that every description is legal. */
import fc from "fast-check";
import {
  type Activation,
  activate,
  convolution,
  fullyConnected,
  maxPool,
  normalisation,
  pooledFeatures,
  shiftMax,
  shuffled,
  squeezeExcitation,
} from "../../src/blocks/index.ts";
import { channels, type Graph, type Value } from "../../src/ir/graph.ts";
import { graphScope, type Scope } from "../../src/ir/scope.ts";
import { ops } from "../../src/ops/index.ts";
import { type Similarity, similarities } from "../../src/ops/similarity.ts";

/** One layer; `kind` names a builder below, all numbers are choices that the builder brings into range. */
export interface RandomLayer {
  readonly kind: keyof typeof builders;
  /** The layers that it reads, counted back from the last one. */
  readonly from: readonly [number, number];
  readonly out: number;
  readonly groups: number;
  readonly kernel: readonly [number, number];
  readonly stride: 1 | 2;
  readonly isPadded: boolean;
  readonly hasBias: boolean;
  readonly hasNorm: boolean;
  readonly similarity: Similarity;
  readonly activation: Activation;
}

/** A network: its images, its layers, and which layer (counted back from the last) is an output too. */
export interface RandomNetwork {
  readonly images: number;
  readonly channels: number;
  readonly size: readonly [number, number];
  readonly layers: readonly RandomLayer[];
  readonly shown?: number;
}

type Build = (g: Scope, x: Value, layer: RandomLayer, other: Value) => Value;

/** The largest number up to `most` that divides all of `counts`. */
function divisor(most: number, ...counts: number[]): number {
  for (let d = most; d > 1; d--) if (counts.every((count) => count % d === 0)) return d;
  return 1;
}

/** A kernel no larger than the image where nothing is padded. */
function fitting(x: Value, { kernel: [rows, columns], isPadded }: RandomLayer): { kernel: [number, number]; padding: [number, number] } {
  const [, , height, width] = x.shape;
  const kernel: [number, number] = isPadded ? [rows, columns] : [Math.min(rows, height), Math.min(columns, width)];
  return { kernel, padding: isPadded ? [kernel[0] >> 1, kernel[1] >> 1] : [0, 0] };
}

const convolved =
  (shapeOf: (x: Value, layer: RandomLayer) => { out: number; groups: number }): Build =>
  (g, x, layer) => {
    const { stride, hasBias, hasNorm, similarity } = layer;
    const y = convolution(g, x, { ...shapeOf(x, layer), ...fitting(x, layer), ...{ stride, hasBias, similarity } });
    return activate(g, hasNorm ? normalisation(g.scope("norm"), y) : y, layer.activation);
  };

const builders = {
  dense: convolved((_, { out }) => ({ out, groups: 1 })),
  grouped: convolved((x, { out, groups: most }) => {
    const groups = divisor(most, channels(x));
    return { groups, out: groups * Math.ceil(out / groups) };
  }),
  depthwise: convolved((x) => ({ out: channels(x), groups: channels(x) })),
  norm: (g, x) => normalisation(g, x),
  activation: (g, x, { activation }) => activate(g, x, activation),
  shuffle: (g, x, { groups }) => shuffled(g, x, divisor(groups, channels(x))),
  gates: (g, x, { out, activation }) => squeezeExcitation(g, x, { squeeze: 1 + (out >> 1), gate: activation }),
  shiftMax: (g, x, { groups }) => shiftMax(g, x, { groups: divisor(groups, channels(x)) }),
  maxPool: (g, x, layer) => {
    const kernel = Math.min(...fitting(x, layer).kernel);
    return maxPool(g, x, { kernel, stride: layer.stride, padding: layer.isPadded ? kernel >> 1 : 0, isCeil: layer.hasBias });
  },
  averagePool: (g, x, layer) => {
    const { kernel, padding } = fitting(x, layer);
    const stride = [layer.stride, layer.stride] as const;
    const attrs = { kernel, stride, countsPadding: layer.hasBias, padding: [padding[0], padding[0], padding[1], padding[1]] } as const;
    return ops.averagePool(g, [x], attrs);
  },
  slice: (g, x, { out, groups }) => {
    const length = 1 + (out % channels(x));
    return ops.slice(g, [x], { axis: 1, start: groups % (channels(x) - length + 1), length });
  },
  concat: (g, x, _, other) => (sameSize(x, other) ? ops.concat(g, [x, other], { axis: 1 }) : x),
  add: (g, x, _, other) => (sameSize(x, other) && channels(x) === channels(other) ? ops.add(g, [x, other], {}) : x),
} satisfies Record<string, Build>;

function sameSize(a: Value, b: Value): boolean {
  return a.shape[2] === b.shape[2] && a.shape[3] === b.shape[3];
}

const small = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max });
const place = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });

const layer: fc.Arbitrary<RandomLayer> = fc.record({
  kind: fc.constantFrom(...(Object.keys(builders) as (keyof typeof builders)[])),
  from: fc.tuple(fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: place(4) }), place(4)),
  out: small(26),
  groups: small(8),
  kernel: fc.oneof(
    small(3).map((k): readonly [number, number] => [2 * k - 1, 2 * k - 1]),
    fc.tuple(small(4), small(4)),
  ),
  stride: fc.constantFrom(1, 1, 2),
  isPadded: fc.boolean(),
  hasBias: fc.boolean(),
  hasNorm: fc.boolean(),
  similarity: fc.oneof(
    { weight: 4, arbitrary: fc.constant("product" as const) },
    { weight: 1, arbitrary: fc.constantFrom(...(Object.keys(similarities) as Similarity[])) },
  ),
  activation: fc.constantFrom("identity", "relu", "relu6", "hardSwish", "hardSigmoid", "sigmoid", "silu"),
});

/** Networks of one to nine layers on images of up to 17 × 17 pixels and 19 channels. */
export const randomNetworks: fc.Arbitrary<RandomNetwork> = fc.record(
  {
    images: small(3),
    channels: small(19),
    size: fc.tuple(small(17), small(17)),
    layers: fc.array(layer, { minLength: 1, maxLength: 9 }),
    shown: place(4),
  },
  { requiredKeys: ["images", "channels", "size", "layers"] },
);

/** Builds a description; "logits" [n, 5] come from the last layer, "shown" is the layer between that is an output too. */
export function buildRandom({ images, channels: count, size, layers, shown }: RandomNetwork): Graph {
  const g = graphScope();
  const values = [g.input("image", [images, count, ...size])];
  const back = (steps: number): Value => values[Math.max(0, values.length - 1 - steps)];
  for (const [i, each] of layers.entries()) {
    const build: Build = builders[each.kind];
    values.push(build(g.scope(`${i}.${each.kind}`), back(each.from[0]), each, back(each.from[1])));
  }
  g.output("logits", fullyConnected(g.scope("classifier"), pooledFeatures(g, back(0)), { out: 5 }));
  if (shown !== undefined && back(shown).producer) g.output("shown", back(shown));
  return g.finish();
}
