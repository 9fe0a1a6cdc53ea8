/** The families of the survey, in its order, with the networks that belong to each. */

/** One family: a paper's networks under one heading. */
export interface Family {
  /** Also the name of its page in docs/zoo. */
  readonly name: string;
  readonly title: string;
  readonly papers: readonly string[];
  readonly year: number;
  /** How the names of its networks begin. */
  readonly prefixes: readonly string[];
}

/** Every family by its place in the survey; what designs are compared with comes first. */
export const families: readonly Family[] = [
  {
    name: "backbones",
    title: "Plain backbones",
    papers: ["arXiv 1704.04861, table 4", "arXiv 1409.1556", "arXiv 1512.03385"],
    year: 2014,
    prefixes: ["vanilla", "vgg-", "resnet-"],
  },
  { name: "squeezenet", title: "SqueezeNet", papers: ["arXiv 1602.07360"], year: 2016, prefixes: ["squeezenet-"] },
  { name: "squeezenext", title: "SqueezeNext", papers: ["arXiv 1803.10615"], year: 2018, prefixes: ["squeezenext-"] },
  { name: "mobilenet-v1", title: "MobileNet", papers: ["arXiv 1704.04861"], year: 2017, prefixes: ["mobilenet-v1"] },
  { name: "mobilenet-v2", title: "MobileNetV2", papers: ["arXiv 1801.04381"], year: 2018, prefixes: ["mobilenet-v2"] },
  { name: "mobilenet-v3", title: "MobileNetV3", papers: ["arXiv 1905.02244"], year: 2019, prefixes: ["mobilenet-v3"] },
  { name: "shufflenet-v1", title: "ShuffleNet", papers: ["arXiv 1707.01083"], year: 2017, prefixes: ["shufflenet-v1"] },
  { name: "shufflenet-v2", title: "ShuffleNetV2", papers: ["arXiv 1807.11164"], year: 2018, prefixes: ["shufflenet-v2"] },
  {
    name: "igc",
    title: "Interleaved group convolutions",
    papers: ["arXiv 1707.02725", "arXiv 1804.06202", "arXiv 1806.00178"],
    year: 2017,
    prefixes: ["igcv"],
  },
  { name: "channelnet", title: "ChannelNets", papers: ["arXiv 1809.01330"], year: 2018, prefixes: ["channelnet-"] },
  { name: "efficientnet", title: "EfficientNet", papers: ["arXiv 1905.11946"], year: 2019, prefixes: ["efficientnet-b"] },
  { name: "efficientnet-v2", title: "EfficientNetV2", papers: ["arXiv 2104.00298"], year: 2021, prefixes: ["efficientnet-v2"] },
  { name: "ghostnet", title: "GhostNet", papers: ["arXiv 1911.11907"], year: 2019, prefixes: ["ghostnet"] },
  { name: "micronet", title: "MicroNet", papers: ["arXiv 2108.05894"], year: 2021, prefixes: ["micronet"] },
  { name: "compconv", title: "CompConv", papers: ["arXiv 2106.10486"], year: 2021, prefixes: ["compconv"] },
  { name: "addernet", title: "AdderNet", papers: ["arXiv 1912.13200"], year: 2019, prefixes: ["addernet", "adder-"] },
  { name: "mitchell", title: "Training without multiplications", papers: ["arXiv 2012.03458"], year: 2020, prefixes: ["mitchell"] },
];

/** The family of a network. */
export function familyOf(network: string): Family | undefined {
  return families.find(({ prefixes }) => prefixes.some((prefix) => network.startsWith(prefix)));
}
