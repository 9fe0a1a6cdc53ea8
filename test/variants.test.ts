/**
 * Every published size of the survey's families: built and counted where the reference's counts are known, else listed with the reason. The counts of
 * goldens/variants.json are the references' own (MACs of convolutions and linear layers, an adder's taps apart), counted by running them.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { OptionError } from "../src/core/errors.ts";
import type { Graph } from "../src/ir/graph.ts";
import { costOf } from "../src/ir/op.ts";
import { type BuildOptions, buildNetwork, networks } from "../src/networks/index.ts";
import { count } from "../src/networks/networks.testing.ts";

interface Row {
  readonly family: string;
  readonly variant: string;
  readonly input?: readonly [channels: number, height: number, width: number];
  readonly params?: number;
  readonly macs?: number;
  readonly adders?: number;
}

/** Our network for a row; a row without counts has the reason, and a network only where there is something to build. */
interface Home {
  readonly network?: string;
  readonly options?: BuildOptions;
  readonly reason?: string;
}

const rows: readonly Row[] = JSON.parse(readFileSync(new URL("goldens/variants.json", import.meta.url), "utf8"));

const unrounded = "the bottleneck's channels cannot be split into the groups, and the paper does not say how it rounded";
const unsplit = "what the first unit adds to 24 · 0.25 channels cannot be split into 8 groups; ours begins with 8, the paper does not say";
const printedOnly = "only printed figures, rounded; no reference was counted";

/** Widths of ShuffleNetV1 that references have in the authors' later form alone. */
const laterForm = ["1.0x-g3", "1.0x-g8", "0.5x-g3", "0.5x-g8", "1.5x-g3", "1.5x-g8", "2.0x-g3", "2.0x-g8"];

function shufflenetV1(variant: string): Home {
  const [, width, groups] = /^([\d.]+)x-g(\d)$/.exec(variant) ?? [];
  const network = `shufflenet-v1-g${groups}`;
  const home = { network, options: { width: Number(width), ...(laterForm.includes(variant) ? { variant: "megvii" } : {}) } };
  if (variant === "0.25x-g8") return { ...home, reason: unsplit };
  return Number(width) < 1 && (groups === "2" || groups === "4") ? { ...home, reason: unrounded } : home;
}

function igcv1(variant: string): Home {
  const [, partitions, depth] = /^IGC-(L\d+M\d+).* D(\d+) \(CIFAR-10\)$/.exec(variant) ?? [];
  if (depth)
    return { network: variant.includes("plain") ? "igcv1-plain" : "igcv1-residual", options: { variant: `${partitions}-D${depth}` } };
  const [, onImagenet] = /^IGC-(L\d+M\d+)\+Ident\. ImageNet$/.exec(variant) ?? [];
  const home = { network: "igcv1-imagenet", options: { variant: onImagenet } };
  return onImagenet === "L100M2" ? home : { ...home, reason: "the released definition has more parameters than its README prints" };
}

const noLayers = "neither code nor a layer table was found; `igcv2` is a reading for CIFAR of our own";

function addernet(variant: string): Home {
  const [, depth, data] = /^ResNet-(\d+) (.+)$/.exec(variant) ?? [];
  if (!depth) return { reason: "the layers of this VGG are not in the authors' code" };
  return { network: `addernet-resnet-${depth}`, options: { classes: { "CIFAR-10": 10, "CIFAR-100": 100, ImageNet: 1000 }[data] } };
}

function squeezenext(variant: string): Home {
  const [, width, grouped, version] = /^(\d\.\d)-(G-)?SqNxt-(23|23v5)$/.exec(variant) ?? [];
  return { network: `squeezenext-${version}`, options: { width: Number(width), ...(grouped ? { variant: "grouped" } : {}) } };
}

function mobilenetV3(variant: string): Home {
  const [, size, minimalistic, width] = /^(large|small)-(minimalistic-)?([\d.]+)$/.exec(variant) ?? [];
  return { network: `mobilenet-v3-${size}`, options: { width: Number(width), ...(minimalistic ? { variant: "minimalistic" } : {}) } };
}

const ofWidth =
  (network: string) =>
  (variant: string): Home => ({ network, options: { width: Number.parseFloat(variant) } });

const named =
  (prefix: string) =>
  (variant: string): Home => ({ network: `${prefix}${variant.toLowerCase()}` });

/** Our network for a variant, by family. */
const homes: Readonly<Record<string, (variant: string) => Home>> = {
  SqueezeNet: named("squeezenet-"),
  SqueezeNext: squeezenext,
  MobileNetV1: ofWidth("mobilenet-v1"),
  MobileNetV2: ofWidth("mobilenet-v2"),
  MobileNetV3: mobilenetV3,
  ShuffleNetV1: shufflenetV1,
  ShuffleNetV2: ofWidth("shufflenet-v2"),
  IGCV1: igcv1,
  IGCV2: () => ({ reason: noLayers }),
  ChannelNet: (variant) => ({ network: `channelnet-${variant}`, reason: printedOnly }),
  EfficientNet: named("efficientnet-"),
  EfficientNetV2: named("efficientnet-v2-"),
  GhostNet: ofWidth("ghostnet"),
  MicroNet: named("micronet-"),
  CompConv(variant) {
    const network = variant === "CompConv128-VGG16" ? "vgg-16" : "resnet-50";
    return { network, options: { conv: "compconv" }, reason: "its tables are published as pictures only, and no code was found" };
  },
  AdderNet: addernet,
  Mitchell: () => ({ reason: "an arithmetic, not a network; neither code nor the text with its networks was found" }),
};

/** Taps that L1 distances compare, each of which takes two additions. */
function adderTaps(graph: Graph): number {
  const adders = graph.nodes.filter(({ attrs }) => (attrs as { similarity?: string }).similarity === "l1");
  return adders.reduce((sum, node) => sum + costOf(node).adds, 0) / 2;
}

function built({ network = "", options }: Home, { input: [channels, height, width] = [3, 224, 224] }: Row): Graph {
  return buildNetwork(network, { ...options, channels, size: [height, width] });
}

for (const row of rows) {
  const { family, variant, params, macs, adders } = row;
  const home: Home = homes[family]?.(variant) ?? {};
  if (params !== undefined) {
    const counts = [`${params} parameters`, macs && `${macs} MACs`, adders && `${adders} adders`].filter(Boolean).join(", ");
    test(`${family} ${variant} has exactly ${counts}`, () => {
      assert.equal(home.reason, undefined, "a row with counts is built, not explained away");
      assert.ok(Object.hasOwn(networks, home.network ?? ""), `no network "${home.network}" for ${family} ${variant}`);
      const graph = built(home, row);
      const found = count(graph);
      assert.equal(found.params, params);
      if (macs !== undefined) assert.equal(found.macs, macs);
      if (adders !== undefined) assert.equal(adderTaps(graph), adders);
    });
  } else {
    test(`${family} ${variant} has no counts to meet`, (context) => {
      assert.ok(home.reason, `${family} ${variant} is neither built nor explained`);
      if (home.reason === unrounded) assert.throws(() => built(home, row), OptionError);
      const ours = home.network && home.reason !== unrounded ? count(built(home, row)) : undefined;
      const counted = ours ? `; ours: ${home.network}, ${ours.params} parameters, ${ours.macs} MACs` : "";
      context.diagnostic(`${family} ${variant}: ${home.reason}${counted}`);
    });
  }
}

test("the rows are those of the survey's families, each once", () => {
  assert.equal(rows.length, 101);
  assert.equal(rows.filter(({ params }) => params !== undefined).length, 82);
  assert.equal(new Set(rows.map(({ family, variant }) => `${family} ${variant}`)).size, rows.length);
});
