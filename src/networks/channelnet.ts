import {
  channelNetUnit,
  convNormActivation,
  convolutionalClassification,
  depthwiseSeparableChannelConvolution,
  dropout,
  fullyConnected,
  groupModule,
  pooledFeatures,
} from "../blocks/index.ts";
import type { Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { makeDivisible, type Network, type NetworkSettings, normOf, strideRule } from "./network.ts";

/** The paper's layer list between the stem and the last block: units with channels and stride, modules that keep both. */
const layers = [
  { unit: "dws1", c: 64, s: 1 },
  { unit: "dws2", c: 128, s: 2 },
  { unit: "dws3", c: 128, s: 1 },
  { unit: "dws4", c: 256, s: 2 },
  { unit: "dws5", c: 256, s: 1 },
  { unit: "dws6", c: 512, s: 2 },
  { module: "gcwm1", channelLength: 8 },
  { module: "gcwm2", channelLength: 8 },
  { module: "gm" },
  { unit: "dws7", c: 1024, s: 2 },
] as const;

/** What the three versions differ in. */
interface Version {
  readonly last: "DWS" | "DWSCW";
  readonly head: "FC" | "CCL";
}

function build(g: Scope, image: Value, settings: NetworkSettings, { last, head }: Version): Value {
  const stride = strideRule(settings);
  const width = (c: number): number => makeDivisible(c * settings.width);
  const shared = { norm: normOf(settings), padding: settings.padding };
  const stem = { ...shared, out: width(32), stride: stride(2), act: "relu6", names: { conv: "conv0", norm: "bn0" } } as const;
  let x = convNormActivation(g, image, stem);
  for (const layer of layers) {
    if ("unit" in layer) x = channelNetUnit(g.scope(layer.unit), x, { ...shared, out: width(layer.c), stride: stride(layer.s) });
    else x = groupModule(g.scope(layer.module), x, { ...shared, groups: 2, ...layer });
  }
  if (last === "DWS") x = channelNetUnit(g.scope("dws8"), x, { ...shared, out: width(1024) });
  else x = depthwiseSeparableChannelConvolution(g.scope("dwscw8"), x, { length: 64, padding: settings.padding });
  if (head === "CCL") return convolutionalClassification(g.scope("ccl"), dropout(g.scope("dropout"), x, settings.dropout), settings);
  x = dropout(g.scope("dropout"), pooledFeatures(g.scope("pool"), x), settings.dropout);
  return fullyConnected(g.scope("fc"), x, { out: settings.classes });
}

const shared = {
  paper: "arXiv 1809.01330",
  year: 2018,
  inputSize: 224,
  variants: { paper: "the paper's layer list: no normalisation between depthwise and 1×1 convolution, TensorFlow's SAME padding" },
  paddings: { paper: "tensorflow" },
  strides: 5,
  dropout: 0,
  normMomentum: 0.1,
} as const;

/** ChannelNet-v1: groups that are fused along the channels. Weight names are those of the paper's layer list. */
export const channelnetV1: Network = {
  ...shared,
  name: "channelnet-v1",
  title: "ChannelNet-v1",
  published: { params: "3.7M", macs: "407M", top1: 70.5 },
  exact: { params: 3_703_432, macs: 468_488_704 },
  unreproduced: [{ what: "407 M MACs of ChannelNet-v1", why: "the published layer list gives 468 M; its parameters do agree" }],
  build: (g, image, settings) => build(g, image, settings, { last: "DWS", head: "FC" }),
};

const unfound = { what: "top-1 of ChannelNet-v2 and v3, and their MACs", why: "no text at hand prints them" };

/** ChannelNet-v2: the last 1×1 convolution becomes one kernel along the channels. */
export const channelnetV2: Network = {
  ...shared,
  name: "channelnet-v2",
  title: "ChannelNet-v2",
  published: { params: "2.x M", macs: "–" },
  exact: { params: 2_652_872, macs: 420_319_744 },
  unreproduced: [unfound],
  build: (g, image, settings) => build(g, image, settings, { last: "DWSCW", head: "FC" }),
};

/** ChannelNet-v3: the classifier is one kernel over the whole map too, so its length depends on the classes and its window on the map. */
export const channelnetV3: Network = {
  ...shared,
  name: "channelnet-v3",
  title: "ChannelNet-v3",
  published: { params: "1.x M", macs: "–" },
  exact: { params: 1_629_097, macs: 420_520_744 },
  unreproduced: [unfound],
  isSizeBound: true,
  build: (g, image, settings) => build(g, image, settings, { last: "DWSCW", head: "CCL" }),
};
