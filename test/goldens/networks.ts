/** Which of our networks a fixture's reference is, with the options and the weight names that it needs. */
import { type NameMap, nameMapOf } from "../../src/formats/names/index.ts";
import { sameNames } from "../../src/formats/names/nameMap.ts";
import { findNetwork, type Network, type NetworkOptions } from "../../src/networks/index.ts";
import { Mismatch } from "./compare.ts";
import { compConvCounterpart } from "./compConvFamily.ts";
import { interleavedCounterpart } from "./interleavedFamilies.ts";
import { micronetCounterpart } from "./micronet.ts";

/** A reference network as ours. */
export interface Counterpart {
  readonly network: Network;
  readonly options: NetworkOptions;
  readonly names: NameMap;
}

interface Rule {
  readonly family: string;
  readonly pattern: RegExp;
  counterpart(match: RegExpExecArray): Counterpart;
}

function counterpart(network: string, options: NetworkOptions, reference: Parameters<typeof nameMapOf>[0]): Counterpart {
  return { network: findNetwork(network), options, names: nameMapOf(reference, network, options.variant) };
}

const pytorchcvWidths: Readonly<Record<string, number>> = { w1: 1, w3d4: 0.75, wd2: 0.5, wd4: 0.25 };

const rules: readonly Rule[] = [
  {
    family: "mobilenetv1",
    pattern: /^mobilenet_(w1|w3d4|wd2|wd4)$/,
    counterpart: ([, width]) => counterpart("mobilenet-v1", { width: pytorchcvWidths[width] }, "pytorchcv"),
  },
  {
    family: "mobilenetv1",
    pattern: /^mobilenetv1_(\d{3})$/,
    counterpart: ([, width]) => counterpart("mobilenet-v1", { width: Number(width) / 100, variant: "relu6" }, "timm"),
  },
  { family: "mobilenetv2", pattern: /^mobilenet_v2$/, counterpart: () => counterpart("mobilenet-v2", {}, "torchvision") },
  {
    family: "mobilenetv3",
    pattern: /^mobilenet_v3_(small|large)$/,
    counterpart: ([, size]) => counterpart(`mobilenet-v3-${size}`, { variant: "torchvision" }, "torchvision"),
  },
  {
    family: "mobilenetv3",
    pattern: /^tf_mobilenetv3_(small|large)_(minimal_)?(\d{3})$/,
    counterpart([, size, minimal, width]) {
      const variant = minimal ? "minimalistic" : "paper";
      return counterpart(`mobilenet-v3-${size}`, { width: Number(width) / 100, variant, padding: "tensorflow", normMomentum: 0.1 }, "timm");
    },
  },
  {
    family: "shufflenetv2",
    pattern: /^shufflenet_v2_x(\d)_(\d)$/,
    counterpart: ([, whole, tenths]) =>
      counterpart("shufflenet-v2", { width: Number(`${whole}.${tenths}`), variant: "torchvision" }, "torchvision"),
  },
  {
    family: "squeezenet",
    pattern: /^squeezenet1_([01])$/,
    counterpart: ([, minor]) => counterpart(`squeezenet-1.${minor}`, minor === "0" ? { variant: "torchvision" } : {}, "torchvision"),
  },
  { family: "squeezenet", pattern: /^1\.([01])$/, counterpart: ([, minor]) => counterpart(`squeezenet-1.${minor}`, {}, "caffe") },
  {
    family: "squeezenext",
    pattern: /^(\d\.\d)-(G-)?SqNxt-(23|23v5)$/,
    counterpart: ([, width, grouped, version]) =>
      counterpart(
        `squeezenext-${version}`,
        { width: Number(width), variant: grouped ? "grouped" : "released", normMomentum: 0.001 },
        "caffe",
      ),
  },
  {
    family: "shufflenetv1",
    pattern: /^shufflenet_g([12348])_(w1|w3d4|wd2|wd4)$/,
    counterpart: ([, groups, width]) => counterpart(`shufflenet-v1-g${groups}`, { width: pytorchcvWidths[width] }, "pytorchcv"),
  },
  {
    family: "shufflenetv1",
    pattern: /^group (\d), model_size (\d\.\d)x$/,
    counterpart: ([, groups, width]) => counterpart(`shufflenet-v1-g${groups}`, { width: Number(width), variant: "megvii" }, "megvii"),
  },
  {
    family: "efficientnet",
    pattern: /^(tf_)?efficientnet_(b[0-7])$/,
    counterpart: ([, tf, size]) => efficientnet(`efficientnet-${size}`, tf !== undefined),
  },
  {
    family: "efficientnetv2",
    pattern: /^(tf_efficientnetv2|efficientnet_v2)_(s|m|l|b[0-3])$/,
    counterpart: ([, code, size]) => efficientnet(`efficientnet-v2-${size}`, code.startsWith("tf_")),
  },
  {
    family: "ghostnet",
    pattern: /^ghostnet_(\d{3})$/,
    counterpart: ([, width]) => counterpart("ghostnet", { width: Number(width) / 100 }, "timm"),
  },
  {
    family: "addernet",
    pattern: /^adder_resnet(\d+)$/,
    counterpart: ([, depth]) => counterpart(`addernet-resnet-${depth}`, {}, "noah"),
  },
  {
    family: "channelnet",
    pattern: /^version ([123])$/,
    counterpart: ([, version]) => ({
      network: findNetwork(`channelnet-v${version}`),
      options: {},
      names: sameNames("the paper's layer list"),
    }),
  },
];

/** timm's tf_ models are the authors' reading; both references took momentum 0.1 and the fixtures no stochastic depth. */
function efficientnet(name: string, isTensorflow: boolean): Counterpart {
  const options = { variant: isTensorflow ? "paper" : "torchvision", normMomentum: 0.1, stochasticDepth: 0 };
  return counterpart(name, options, isTensorflow ? "timm" : "torchvision");
}

/** Arguments beside the name that references take, as our options. */
const further: Readonly<Record<string, keyof NetworkOptions>> = { num_classes: "classes", width_mult: "width" };

/** What a reference is called by: its name, or the arguments that stand for one, or where it takes none the fixture's. */
function nameOf(
  { name, prototxt, group, model_size, version, ...rest }: Readonly<Record<string, unknown>>,
  fixture: string,
): { id: string; rest: Readonly<Record<string, unknown>> } {
  const megvii = group === undefined ? fixture : `group ${group}, model_size ${model_size}`;
  const numbered = version === undefined ? megvii : `version ${version}`;
  return { id: String(name ?? prototxt ?? numbered), rest };
}

/** Our network for a fixture's family and constructor; anything that has none is named. */
export function counterpartOf(family: string, called: Readonly<Record<string, unknown>>, fixture: string): Counterpart {
  if (family === "igc") return interleavedCounterpart(called);
  if (family === "micronet") return micronetCounterpart(called);
  if (family === "compconv") return compConvCounterpart(called);
  const { id, rest } = nameOf(called, fixture);
  for (const rule of rules) {
    const match = rule.family === family ? rule.pattern.exec(id) : null;
    if (!match) continue;
    const found = rule.counterpart(match);
    const options: Record<string, unknown> = { ...found.options };
    for (const [argument, value] of Object.entries(rest)) {
      if (!Object.hasOwn(further, argument)) throw new Mismatch(`unsupported: no option for the argument ${argument} of ${id}`);
      options[further[argument]] = value;
    }
    return { ...found, options };
  }
  throw new Mismatch(`unsupported: no network for ${family} ${JSON.stringify(called)}`);
}
