/**
 * MicroNet, arXiv 2108.05894, as released: M0–M3. Any width is legal: groups and expansions stay as published, and each count of channels in the table
 * is scaled and set to the nearest multiple (the larger of two) of what the groups that divide it need, the same count to the same everywhere, so that
 * published shortcuts stay. (A block has one where it keeps resolution and channels, so narrow networks may gain some.) The stem's s1 and the hidden
 * features of the classifier (a multiple of 8) scale likewise.
 */
import { activate, dropout, microBlock, microStem, nearestMultiple, shiftMaxStarts, swishLinear } from "../blocks/index.ts";
import { channels, type Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { globalAveragePool } from "../ops/globalAveragePool.ts";
import { reshape } from "../ops/reshape.ts";
import { type Network, type NetworkSettings, normOf, strideRule } from "./network.ts";

/** A row of the authors' tables: stride, channels, kernel, expansions, groups of both 1×1 convolutions, Dynamic Shift-Max, ratio of its reduction. */
interface Row {
  readonly s: 1 | 2;
  readonly c: number;
  readonly k: 3 | 5;
  readonly c1: number;
  readonly c2: number;
  readonly g1: number;
  readonly g2: number;
  readonly g3: number;
  readonly g4: number;
  readonly y1: number;
  readonly y2: number;
  readonly y3: number;
  readonly r: 1 | 2;
}

/** A network: its stem, its rows, the hidden features of its classifier, and where the coefficients of its shift-max start. */
interface Table {
  readonly stem: { readonly s1: number; readonly s2: number };
  readonly rows: readonly Row[];
  readonly out: number;
  readonly start: readonly number[];
}

const m0: readonly Row[] = [
  { s: 2, c: 8, k: 3, c1: 2, c2: 2, g1: 0, g2: 4, g3: 2, g4: 2, y1: 2, y2: 0, y3: 1, r: 1 },
  { s: 2, c: 12, k: 3, c1: 2, c2: 2, g1: 0, g2: 8, g3: 4, g4: 4, y1: 2, y2: 2, y3: 1, r: 1 },
  { s: 2, c: 16, k: 5, c1: 2, c2: 2, g1: 0, g2: 12, g3: 4, g4: 4, y1: 2, y2: 2, y3: 1, r: 1 },
  { s: 1, c: 32, k: 5, c1: 1, c2: 4, g1: 4, g2: 4, g3: 4, g4: 4, y1: 2, y2: 2, y3: 1, r: 1 },
  { s: 2, c: 64, k: 5, c1: 1, c2: 4, g1: 8, g2: 8, g3: 8, g4: 8, y1: 2, y2: 2, y3: 1, r: 1 },
  { s: 1, c: 96, k: 3, c1: 1, c2: 4, g1: 8, g2: 8, g3: 8, g4: 8, y1: 2, y2: 2, y3: 1, r: 2 },
  { s: 1, c: 384, k: 3, c1: 1, c2: 4, g1: 12, g2: 12, g3: 0, g4: 0, y1: 2, y2: 2, y3: 1, r: 2 },
];

const m1: readonly Row[] = [
  { s: 2, c: 8, k: 3, c1: 2, c2: 2, g1: 0, g2: 6, g3: 2, g4: 2, y1: 2, y2: 0, y3: 1, r: 1 },
  { s: 2, c: 16, k: 3, c1: 2, c2: 2, g1: 0, g2: 8, g3: 4, g4: 4, y1: 2, y2: 2, y3: 1, r: 1 },
  { s: 2, c: 16, k: 5, c1: 2, c2: 2, g1: 0, g2: 16, g3: 4, g4: 4, y1: 2, y2: 2, y3: 1, r: 1 },
  { s: 1, c: 32, k: 5, c1: 1, c2: 6, g1: 4, g2: 4, g3: 4, g4: 4, y1: 2, y2: 2, y3: 1, r: 1 },
  { s: 2, c: 64, k: 5, c1: 1, c2: 6, g1: 8, g2: 8, g3: 8, g4: 8, y1: 2, y2: 2, y3: 1, r: 1 },
  { s: 1, c: 96, k: 3, c1: 1, c2: 6, g1: 8, g2: 8, g3: 8, g4: 8, y1: 2, y2: 2, y3: 1, r: 2 },
  { s: 1, c: 576, k: 3, c1: 1, c2: 6, g1: 12, g2: 12, g3: 0, g4: 0, y1: 2, y2: 2, y3: 1, r: 2 },
];

const m2: readonly Row[] = [
  { s: 2, c: 12, k: 3, c1: 2, c2: 2, g1: 0, g2: 8, g3: 4, g4: 4, y1: 2, y2: 0, y3: 1, r: 1 },
  { s: 2, c: 16, k: 3, c1: 2, c2: 2, g1: 0, g2: 12, g3: 4, g4: 4, y1: 2, y2: 2, y3: 1, r: 1 },
  { s: 1, c: 24, k: 3, c1: 2, c2: 2, g1: 0, g2: 16, g3: 4, g4: 4, y1: 2, y2: 2, y3: 1, r: 1 },
  { s: 2, c: 32, k: 5, c1: 1, c2: 6, g1: 6, g2: 6, g3: 4, g4: 4, y1: 2, y2: 2, y3: 1, r: 1 },
  { s: 1, c: 32, k: 5, c1: 1, c2: 6, g1: 8, g2: 8, g3: 4, g4: 4, y1: 2, y2: 2, y3: 1, r: 2 },
  { s: 1, c: 64, k: 5, c1: 1, c2: 6, g1: 8, g2: 8, g3: 8, g4: 8, y1: 2, y2: 2, y3: 1, r: 2 },
  { s: 2, c: 96, k: 5, c1: 1, c2: 6, g1: 8, g2: 8, g3: 8, g4: 8, y1: 2, y2: 2, y3: 1, r: 2 },
  { s: 1, c: 128, k: 3, c1: 1, c2: 6, g1: 12, g2: 12, g3: 8, g4: 8, y1: 2, y2: 2, y3: 1, r: 2 },
  { s: 1, c: 768, k: 3, c1: 1, c2: 6, g1: 16, g2: 16, g3: 0, g4: 0, y1: 2, y2: 2, y3: 1, r: 2 },
];

const m3: readonly Row[] = [
  { s: 2, c: 16, k: 3, c1: 2, c2: 2, g1: 0, g2: 12, g3: 4, g4: 4, y1: 0, y2: 2, y3: 0, r: 1 },
  { s: 2, c: 24, k: 3, c1: 2, c2: 2, g1: 0, g2: 16, g3: 4, g4: 4, y1: 0, y2: 2, y3: 0, r: 1 },
  { s: 1, c: 24, k: 3, c1: 2, c2: 2, g1: 0, g2: 24, g3: 4, g4: 4, y1: 0, y2: 2, y3: 0, r: 1 },
  { s: 2, c: 32, k: 5, c1: 1, c2: 6, g1: 6, g2: 6, g3: 4, g4: 4, y1: 0, y2: 2, y3: 0, r: 1 },
  { s: 1, c: 32, k: 5, c1: 1, c2: 6, g1: 8, g2: 8, g3: 4, g4: 4, y1: 0, y2: 2, y3: 0, r: 2 },
  { s: 1, c: 64, k: 5, c1: 1, c2: 6, g1: 8, g2: 8, g3: 8, g4: 8, y1: 0, y2: 2, y3: 0, r: 2 },
  { s: 1, c: 80, k: 5, c1: 1, c2: 6, g1: 8, g2: 8, g3: 8, g4: 8, y1: 0, y2: 2, y3: 0, r: 2 },
  { s: 1, c: 80, k: 5, c1: 1, c2: 6, g1: 10, g2: 10, g3: 8, g4: 8, y1: 0, y2: 2, y3: 0, r: 2 },
  { s: 2, c: 120, k: 5, c1: 1, c2: 6, g1: 10, g2: 10, g3: 10, g4: 10, y1: 0, y2: 2, y3: 0, r: 2 },
  { s: 1, c: 120, k: 5, c1: 1, c2: 6, g1: 12, g2: 12, g3: 10, g4: 10, y1: 0, y2: 2, y3: 0, r: 2 },
  { s: 1, c: 144, k: 3, c1: 1, c2: 6, g1: 12, g2: 12, g3: 12, g4: 12, y1: 0, y2: 2, y3: 0, r: 2 },
  { s: 1, c: 864, k: 3, c1: 1, c2: 6, g1: 12, g2: 12, g3: 0, g4: 0, y1: 0, y2: 2, y3: 0, r: 2 },
];

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

function leastCommonMultiple(...counts: readonly number[]): number {
  return counts.reduce((product, count) => (product * count) / greatestCommonDivisor(product, count));
}

/** The least that the channels in front of a row must be a multiple of, so that all its groups divide what it makes of them. */
function stepBefore({ c1, c2, g1, g2, g3 }: Row): number {
  const hidden = c1 * c2;
  // `hidden` times as many are shuffled in g2 groups and by fours, and compressed in g3 groups.
  const others = [g2, g3 || 1, 4].map((divisor) => divisor / greatestCommonDivisor(divisor, hidden));
  return leastCommonMultiple(g1 || 1, ...others);
}

/** Channels by the table's at a width: the nearest multiple of what the groups need wherever the table has that count. */
function scaledChannels(rows: readonly Row[], width: number): ReadonlyMap<number, number> {
  const steps = new Map<number, number>();
  for (const [i, { c, g3, g4 }] of rows.slice(0, -1).entries()) {
    steps.set(c, leastCommonMultiple(steps.get(c) ?? 2, g3, g4, stepBefore(rows[i + 1])));
  }
  return new Map([...steps].map(([c, step]) => [c, nearestMultiple(c * width, step)]));
}

function build(g: Scope, image: Value, settings: NetworkSettings, { stem, rows, out, start }: Table): Value {
  const { width, padding, classes } = settings;
  const stride = strideRule(settings);
  const shared = { norm: normOf(settings), padding };
  const scaled = scaledChannels(rows, width);
  const stemStep = stepBefore(rows[0]);
  const s1 = nearestMultiple(stem.s1 * width, stemStep / greatestCommonDivisor(stemStep, stem.s2));
  let x = microStem(g.scope("features.0"), image, { ...shared, channels: [s1, stem.s2], out: s1 * stem.s2, stride: stride(2) });
  for (const [i, { s, c, k, c1, c2, g1, g2, g3, g4, y1, y2, y3, r }] of rows.entries()) {
    x = microBlock(g.scope(`features.${i + 1}`), x, {
      ...shared,
      // The last row expands the channels in front of it.
      out: scaled.get(c) ?? channels(x) * c1 * c2,
      kernel: k,
      stride: stride(s),
      expand: [c1, c2],
      groups: [g1, g2],
      lastGroups: [g3, g4],
      dynamic: [y1, y2, y3],
      ratio: r,
      start,
    });
  }
  x = globalAveragePool(g.scope("avgpool.1"), [activate(g.scope("avgpool.0"), x, "relu6")], {});
  x = activate(g.scope("avgpool.2"), x, "hardSwish");
  x = reshape(g.scope("flatten"), [x], { shape: [image.shape[0], channels(x)] });
  x = swishLinear(g.scope("classifier.0"), x, { out: nearestMultiple(out * width, 8), norm: shared.norm });
  x = dropout(g.scope("classifier.1"), x, settings.dropout);
  return swishLinear(g.scope("classifier.2"), x, { out: classes, norm: shared.norm });
}

const shared = {
  paper: "arXiv 2108.05894",
  year: 2021,
  inputSize: 224,
  variants: { paper: "the authors' code: the logits, too, pass normalisation and h-swish" },
  strides: 5,
  normMomentum: 0.1,
  normalisesFeatures: true,
} as const;

const { alike, apart } = shiftMaxStarts;

/** MicroNet-M0. Weight names are those of the authors' code. */
export const micronetM0: Network = {
  ...shared,
  name: "micronet-m0",
  title: "MicroNet-M0",
  published: { params: "1.0M", macs: "4M", top1: 46.6 },
  exact: { params: 1_019_590, macs: 3_448_880 },
  dropout: 0.05,
  build: (g, image, settings) => build(g, image, settings, { stem: { s1: 2, s2: 2 }, rows: m0, out: 640, start: alike }),
};

/** MicroNet-M1. */
export const micronetM1: Network = {
  ...shared,
  name: "micronet-m1",
  title: "MicroNet-M1",
  published: { params: "1.8M", macs: "6M", top1: 51.4 },
  exact: { params: 1_777_587, macs: 5_314_080 },
  dropout: 0.05,
  scaledFrom: "micronet-m0",
  build: (g, image, settings) => build(g, image, settings, { stem: { s1: 3, s2: 2 }, rows: m1, out: 960, start: alike }),
};

/** MicroNet-M2. */
export const micronetM2: Network = {
  ...shared,
  name: "micronet-m2",
  title: "MicroNet-M2",
  published: { params: "2.4M", macs: "12M", top1: 59.4 },
  exact: { params: 2_393_876, macs: 10_338_128 },
  dropout: 0.1,
  scaledFrom: "micronet-m0",
  build: (g, image, settings) => build(g, image, settings, { stem: { s1: 4, s2: 2 }, rows: m2, out: 1024, start: alike }),
};

/** MicroNet-M3: Dynamic Shift-Max only behind the filters. */
export const micronetM3: Network = {
  ...shared,
  name: "micronet-m3",
  title: "MicroNet-M3",
  published: { params: "2.6M", macs: "21M", top1: 62.5 },
  exact: { params: 2_622_960, macs: 18_236_000 },
  dropout: 0.1,
  build: (g, image, settings) => build(g, image, settings, { stem: { s1: 4, s2: 3 }, rows: m3, out: 1024, start: apart }),
};
