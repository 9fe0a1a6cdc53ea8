/**
 * The published sizes of the networks beside each network's own: widths, variants and designs, with the figures printed for them and what our graph
 * counts. A test builds every row.
 */
import type { NetworkOptions } from "./network.ts";

/** Figures as printed; top-1 in per cent, on ImageNet unless `on` says otherwise. */
export interface PublishedFigures {
  readonly params?: string;
  readonly macs?: string;
  readonly top1?: number;
  readonly on?: string;
}

/** A published size of a network. */
export interface PublishedRow {
  readonly network: string;
  /** What distinguishes it, as the paper names it. */
  readonly label: string;
  readonly options: NetworkOptions;
  /** Pixels of a side, where they are not the network's own. */
  readonly size?: number;
  readonly published: PublishedFigures;
  readonly exact: { readonly params: number; readonly macs: number };
}

type Row = Omit<PublishedRow, "network">;

function row(label: string, options: NetworkOptions, published: PublishedFigures, params: number, macs: number, size?: number): Row {
  return { label, options, published, exact: { params, macs }, ...(size === undefined ? {} : { size }) };
}

/** Partitions and depth of an IGCV1 network on CIFAR-10, for which the paper's accuracies were not found. */
function partitioned(variant: string, params: number, macs: number): Row {
  return row(variant, { variant }, { on: "CIFAR-10" }, params, macs);
}

const cifar10 = "CIFAR-10";

/** The same network for the hundred classes. */
function cifar100(top1: number, params: number, macs: number): Row {
  return row("CIFAR-100", { classes: 100 }, { top1, on: "CIFAR-100" }, params, macs);
}

const rows: Readonly<Record<string, readonly Row[]>> = {
  "squeezenet-1.0": [
    row("simple bypass", { variant: "simple-bypass" }, { top1: 60.4 }, 1_248_424, 861_339_936),
    row("complex bypass", { variant: "complex-bypass" }, { top1: 58.8 }, 1_589_672, 1_212_625_184),
    row("torchvision", { variant: "torchvision" }, { top1: 58.1 }, 1_248_424, 818_924_576, 224),
  ],
  "addernet-resnet-20": [cifar100(67.6, 278_424, 448_768)],
  "addernet-resnet-32": [cifar100(69.17, 472_856, 448_768)],
  "squeezenet-1.1": [row("at 227", {}, { macs: "360M" }, 1_235_496, 387_747_520, 227)],
  "squeezenext-23": [
    row("2.0", { width: 2 }, { top1: 67.18 }, 2_361_728, 742_070_464),
    row("1.0-G", { variant: "grouped" }, {}, 543_072, 224_191_552),
  ],
  "squeezenext-23v5": [row("2.0", { width: 2 }, { top1: 67.44 }, 3_222_912, 702_592_000)],
  "mobilenet-v1": [
    row("0.75", { width: 0.75 }, { params: "2.6M", macs: "325M", top1: 68.4 }, 2_585_560, 325_400_448),
    row("0.5", { width: 0.5 }, { params: "1.3M", macs: "149M", top1: 63.7 }, 1_331_592, 149_497_088),
    row("0.25", { width: 0.25 }, { params: "0.5M", macs: "41M", top1: 50.6 }, 470_072, 41_030_272),
  ],
  "mobilenet-v2": [
    row("1.4", { width: 1.4 }, { params: "6.9M", macs: "585M", top1: 74.7 }, 6_108_776, 582_195_824),
    row("0.75", { width: 0.75 }, { params: "2.61M", macs: "209M", top1: 69.8 }, 2_636_424, 209_069_792),
    row("0.5", { width: 0.5 }, { params: "1.95M", macs: "97M", top1: 65.4 }, 1_968_680, 97_131_840),
    row("0.35", { width: 0.35 }, { params: "1.66M", macs: "59M", top1: 60.3 }, 1_677_128, 59_285_808),
  ],
  "mobilenet-v3-large": [
    row("0.75", { width: 0.75 }, { params: "4.0M", macs: "155M", top1: 73.3 }, 3_993_528, 154_560_624),
    row("minimalistic", { variant: "minimalistic" }, { params: "3.9M", macs: "209M", top1: 72.3 }, 3_924_288, 209_136_704),
  ],
  "mobilenet-v3-small": [
    row("0.75", { width: 0.75 }, { params: "2.4M", macs: "44M", top1: 65.4 }, 2_041_872, 43_399_344),
    row("minimalistic", { variant: "minimalistic" }, { params: "2.0M", macs: "65M", top1: 61.9 }, 2_044_736, 52_288_448),
  ],
  "shufflenet-v1-g1": [
    row("0.5×", { width: 0.5 }, { macs: "38M", top1: 54.9 }, 534_484, 38_517_408),
    row("0.25×", { width: 0.25 }, { macs: "13M", top1: 42.9 }, 209_746, 11_003_184),
  ],
  "shufflenet-v1-g3": [
    row("0.5×", { width: 0.5 }, { macs: "38M", top1: 56.8 }, 718_324, 37_589_856),
    row("2×", { width: 2 }, { macs: "524M", top1: 73.7 }, 5_450_776, 524_045_184),
    row("1×, megvii", { variant: "megvii" }, { params: "1.9M", macs: "138M", top1: 67.8 }, 1_864_728, 137_460_672),
    row("0.25×", { width: 0.25 }, { macs: "13M", top1: 45.0 }, 305_902, 11_009_808),
    row("0.5×, megvii", { width: 0.5, variant: "megvii" }, { params: "0.7M", macs: "38M", top1: 57.3 }, 717_324, 37_589_856),
    row("1.5×, megvii", { width: 1.5, variant: "megvii" }, { params: "3.4M", macs: "292M", top1: 71.6 }, 3_441_168, 292_443_552),
    row("2×, megvii", { width: 2, variant: "megvii" }, { params: "5.4M", macs: "524M", top1: 74.1 }, 5_449_776, 524_045_184),
  ],
  "shufflenet-v1-g8": [
    row("0.5×", { width: 0.5 }, { macs: "38M", top1: 57.7 }, 1_011_448, 40_469_760),
    row("1×, megvii", { variant: "megvii" }, { params: "2.4M", macs: "138M", top1: 68.0 }, 2_433_768, 138_365_952),
    row("0.5×, megvii", { width: 0.5, variant: "megvii" }, { params: "1.0M", macs: "40M", top1: 58.8 }, 1_010_448, 40_469_760),
    row("1.5×, megvii", { width: 1.5, variant: "megvii" }, { params: "4.3M", macs: "290M", top1: 71.0 }, 4_268_952, 290_188_800),
    row("2×, megvii", { width: 2, variant: "megvii" }, { params: "6.5M", macs: "522M", top1: 72.9 }, 6_521_232, 521_942_016),
  ],
  "shufflenet-v2": [
    row("0.5×", { width: 0.5 }, { params: "1.4M", macs: "41M", top1: 60.3 }, 1_365_792, 40_476_448),
    row("1.5×", { width: 1.5 }, { params: "3.5M", macs: "299M", top1: 72.6 }, 3_506_720, 298_970_656),
    row("2×", { width: 2 }, { params: "7.4M", macs: "591M", top1: 74.9 }, 7_402_600, 590_783_000),
  ],
  "igcv1-plain": [
    partitioned("L4M8-D8", 78_634, 13_141_248),
    partitioned("L4M8-D20", 277_546, 42_370_304),
    partitioned("L4M8-D38", 575_914, 86_213_888),
    partitioned("L24M2-D8", 48_442, 9_881_472),
    partitioned("L24M2-D38", 317_242, 57_067_392),
    partitioned("L24M2-D62", 532_282, 94_816_128),
    partitioned("L48M1-D20", 154_234, 33_621_888),
    partitioned("L32M26-D20", 23_829_322, 3_698_426_368),
  ],
  "igcv1-residual": [
    partitioned("L24M2-D50", 433_210, 76_924_800),
    partitioned("L24M2-D74", 648_250, 114_673_536),
    partitioned("L24M2-D98", 863_290, 152_422_272),
    partitioned("L4M8-D50", 778_538, 115_803_392),
  ],
  "igcv1-imagenet": [
    row("L4M32", { variant: "L4M32" }, { params: "11.205M", macs: "1.9G", top1: 69.23 }, 12_251_240, 1_944_641_536),
    row("L16M16", { variant: "L16M16" }, { params: "11.329M", macs: "2.2G", top1: 70.6 }, 13_528_296, 2_265_989_120),
  ],
  ghostnet: [
    row("0.5×", { width: 0.5 }, { params: "2.6M", macs: "42M", top1: 66.2 }, 2_587_292, 42_328_152),
    row("1.3×", { width: 1.3 }, { params: "7.3M", macs: "226M", top1: 75.7 }, 7_358_820, 227_003_256),
  ],
  "vgg-16-cifar": [row("Ghost", { conv: "ghost" }, { params: "7.7M", macs: "158M", top1: 93.7, on: cifar10 }, 7_651_498, 158_109_696)],
  "vgg-16": [row("CompConv128", { conv: "compconv" }, {}, 126_822_112, 5_328_153_376)],
  "resnet-20": [row("CompConv16", { conv: "compconv" }, { on: cifar10 }, 73_432, 15_512_320)],
  "resnet-56": [row("Ghost", { conv: "ghost" }, { params: "0.43M", macs: "63M", top1: 92.7, on: cifar10 }, 429_882, 63_009_408)],
  "resnet-50": [
    row("stride at 3×3", { variant: "torchvision" }, { params: "25.6M", macs: "4.1G", top1: 76.2 }, 25_557_032, 4_089_184_256),
    row("CompConv128", { conv: "compconv", variant: "torchvision" }, {}, 16_846_364, 2_905_811_912),
  ],
};

/** Every published row beside the networks' own. */
export const publishedRows: readonly PublishedRow[] = Object.entries(rows).flatMap(([network, each]) =>
  each.map((published) => ({ network, ...published })),
);
