import { convNormActivation, dropout, fullyConnected, interleavedV1, maxPool, pooledFeatures } from "../blocks/index.ts";
import { OptionError } from "../core/errors.ts";
import { channels, type Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { add } from "../ops/add.ts";
import { relu } from "../ops/relu.ts";
import { type Network, type NetworkSettings, normOf, strideRule } from "./network.ts";

/** L primary partitions, M secondary ones in the first stage, D layers. */
export interface Partition {
  readonly L: number;
  readonly M: number;
  readonly D: number;
}

/** One stage's partitions and stride, and where it differs the secondary partitions of its very first block. */
interface Stage {
  readonly L: number;
  readonly M: number;
  readonly stride: number;
  readonly firstM?: number;
}

/** Blocks in each of the three stages of D layers: D − 2 without the first convolution and the classifier. */
export function blocksPerStage(depth: number, layersPerBlock: number): number {
  const blocks = (depth - 2) / (3 * layersPerBlock);
  if (Number.isInteger(blocks) && blocks > 0) return blocks;
  const near = 3 * layersPerBlock * Math.max(1, Math.round(blocks)) + 2;
  throw new OptionError(`IGCV1: depth ${depth} cannot be three stages of ${layersPerBlock}-layer blocks; nearest legal value ${near}`);
}

/** Primary partitions at a width: M is kept, as it decides which channels meet. */
function scaled(L: number, width: number): number {
  return Math.max(1, Math.round(L * width));
}

/** The authors' epsilon. */
const normEps = (): number => 2e-5;

/** What all blocks of a build share. */
function sharedOf(settings: NetworkSettings): { norm: ReturnType<typeof normOf>; padding: NetworkSettings["padding"] } {
  return { norm: normOf(settings), padding: settings.padding };
}

/** Two blocks beside an identity, or where channels change beside a grouped 1×1 convolution ("+Ident." in the paper). */
function residualUnit(g: Scope, x: Value, { L, M, firstM = M, stride }: Stage, settings: NetworkSettings): Value {
  const shared = { ...sharedOf(settings), out: L * M };
  let y = interleavedV1(g.scope("first"), x, { ...shared, stride, primary: L, secondary: firstM });
  y = interleavedV1(g.scope("second"), y, { ...shared, primary: L, secondary: M, act: "identity" });
  const names = { conv: "conv", norm: "bn" };
  const isSame = channels(x) === channels(y) && stride === 1;
  const projection = { ...shared, kernel: 1, stride, groups: L, act: "identity", names } as const;
  return relu(g, [add(g, [isSame ? x : convNormActivation(g.scope("shortcut"), x, projection), y], {})], {});
}

/** The stages one after the other; `unit` builds one. */
function body(g: Scope, x: Value, stages: readonly Stage[], units: number, unit: (at: Scope, x: Value, stage: Stage) => Value): Value {
  let y = x;
  for (const [i, stage] of stages.entries()) {
    for (let j = 0; j < units; j++) {
      const form = j === 0 ? stage : { L: stage.L, M: stage.M, stride: 1 };
      y = unit(g.scope(`stage${i + 1}.${j}`), y, form);
    }
  }
  return y;
}

/** Average pooling and the classifier. */
function head(g: Scope, x: Value, { classes, dropout: rate }: NetworkSettings): Value {
  return fullyConnected(g.scope("fc"), dropout(g.scope("dropout"), pooledFeatures(g.scope("pool"), x), rate), { out: classes });
}

/** Three stages on small pictures: L stays, M doubles, the second and the third stage halve the picture. */
function cifarStages({ L, M }: Partition, settings: NetworkSettings): readonly Stage[] {
  const stride = strideRule(settings);
  const scaledL = scaled(L, settings.width);
  return [0, 1, 2].map((i) => ({ L: scaledL, M: M * 2 ** i, stride: i === 0 ? 1 : stride(2), firstM: i === 0 ? M : M * 2 ** (i - 1) }));
}

function keyOf({ L, M, D }: Partition): string {
  return `L${L}M${M}-D${D}`;
}

/** Variants and builder of the CIFAR networks, whose first convolution keeps the resolution. */
function cifar(partitions: readonly Partition[], isResidual: boolean): Pick<Network, "variants" | "build"> {
  const described = ({ L, M, D }: Partition): string => `${L} primary and ${M} secondary partitions, ${D} layers`;
  return {
    variants: Object.fromEntries(partitions.map((partition) => [keyOf(partition), described(partition)])),
    build(g, image, settings) {
      const partition = partitions.find((row) => keyOf(row) === settings.variant) ?? partitions[0];
      const stages = cifarStages(partition, settings);
      const shared = sharedOf(settings);
      const blocks = blocksPerStage(partition.D, isResidual ? 2 : 1);
      const stem = convNormActivation(g, image, { ...shared, out: stages[0].L * stages[0].M, names: { conv: "stem", norm: "stem_bn" } });
      const x = body(g, stem, stages, blocks, (at, y, stage) => {
        if (isResidual) return residualUnit(at, y, stage, settings);
        return interleavedV1(at, y, { ...shared, out: stage.L * stage.M, stride: stage.stride, primary: stage.L, secondary: stage.M });
      });
      return head(g, x, settings);
    },
  };
}

const partitions = [
  { L: 24, M: 2 },
  { L: 4, M: 8 },
] as const;

const plainRows: readonly Partition[] = [
  ...[20, 8, 38, 62, 98].flatMap((D) => partitions.map((row) => ({ ...row, D }))),
  ...[8, 20, 38, 62, 98].map((D) => ({ L: 48, M: 1, D })),
  { L: 32, M: 26, D: 20 },
];

const residualRows: readonly Partition[] = [20, 50, 74, 98].flatMap((D) => partitions.map((row) => ({ ...row, D })));

const shared = { paper: "arXiv 1707.02725", year: 2017, dropout: 0, published: { params: "–", macs: "–" } } as const;
const onCifar = { ...shared, inputSize: 32, classes: 10, strides: 2 } as const;

/** IGCV1's plain networks for CIFAR: interleaved blocks one after the other. */
export const igcv1Plain: Network = {
  ...onCifar,
  name: "igcv1-plain",
  title: "IGCV1, plain, CIFAR",
  exact: { params: 155_962, macs: 28_755_840 },
  normMomentum: 0.01,
  normEps,
  unreproduced: [{ what: "CIFAR accuracies", why: "the paper's tables were not found; only the structure is in the authors' code" }],
  ...cifar(plainRows, false),
};

/** IGCV1's residual networks for CIFAR: two blocks beside each identity. */
export const igcv1Residual: Network = {
  ...onCifar,
  name: "igcv1-residual",
  title: "IGCV1 + identity, CIFAR",
  exact: { params: 164_410, macs: 29_738_880 },
  normMomentum: 0.1,
  normEps,
  ...cifar(residualRows, true),
};

/** A plain or residual network of other partitions or depth. */
export function igcv1Of(form: "plain" | "residual", partition: Partition): Network {
  blocksPerStage(partition.D, form === "residual" ? 2 : 1);
  return { ...(form === "plain" ? igcv1Plain : igcv1Residual), ...cifar([partition], form === "residual") };
}

/** The ImageNet networks: partitions of the first stage, channels of the first convolution in parts of L, and what doubles with the channels. */
const onImagenet = {
  L100M2: { L: 100, M: 2, stem: 1, doubles: "L" },
  L4M32: { L: 4, M: 32, stem: 32, doubles: "M" },
  L16M16: { L: 16, M: 16, stem: 16, doubles: "M" },
} as const;

/** IGCV1 in the shell of an 18-layer ResNet for ImageNet. */
export const igcv1Imagenet: Network = {
  ...shared,
  name: "igcv1-imagenet",
  title: "IGCV1 + identity, ImageNet",
  published: { params: "8.61M", macs: "1.3G", top1: 73.05 },
  exact: { params: 8_637_900, macs: 1_264_780_800 },
  inputSize: 224,
  variants: {
    L100M2: "100 primary and 2 secondary partitions; the primary ones double with the channels",
    L4M32: "4 primary and 32 secondary partitions; the secondary ones double; 69.23 % top-1",
    L16M16: "16 primary and 16 secondary partitions; the secondary ones double; 70.60 % top-1",
  },
  strides: 5,
  normMomentum: 0.1,
  normEps,
  unreproduced: [
    { what: "L4M32: 11.205M parameters", why: "the released definition has 12,251,240, of which the classifier 1,025,000" },
    { what: "L16M16: 11.329M parameters", why: "the released definition has 13,528,296, of which the classifier 2,049,000" },
  ],
  build(g, image, settings) {
    const stride = strideRule(settings);
    const { L, M, stem, doubles } = onImagenet[settings.variant as keyof typeof onImagenet];
    const [first, shared] = [scaled(L, settings.width), sharedOf(settings)];
    const names = { conv: "stem", norm: "stem_bn" };
    let x = convNormActivation(g, image, { ...shared, out: first * stem, kernel: 7, stride: stride(2), names });
    if (stride(2) === 2) x = maxPool(g.scope("stem_pool"), x, { kernel: 3, stride: 2, padding: settings.padding });
    const stages = [0, 1, 2, 3].map((i) => {
      const times = 2 ** i;
      return { L: doubles === "L" ? first * times : first, M: doubles === "M" ? M * times : M, stride: i === 0 ? 1 : stride(2) };
    });
    return head(
      g,
      body(g, x, stages, 2, (at, y, stage) => residualUnit(at, y, stage, settings)),
      settings,
    );
  },
};
