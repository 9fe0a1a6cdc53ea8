/**
 * Where weights come from: each reference, its networks as ours with the options that make them the same, and how it prepares photographs.
 * Sizes, crops, means and deviations are those that the reference evaluates its own weights with; only the interpolation is always ours.
 */
import type { references } from "../../formats/names/index.ts";
import type { NetworkOptions } from "../../networks/index.ts";

/** From an upright RGB photograph to the input of a reference's network. */
export interface SourcePixels {
  readonly size: number;
  /** Side of the central square over the image's shorter side. */
  readonly share: number;
  /** In units of full brightness, in the order red, green, blue. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** The weight whose input channels are blue, green, red there. */
  readonly bgr?: string;
}

/** One network of one reference. */
export interface Source {
  /** As `--from` takes it. */
  readonly from: string;
  /** Whose weight names it has; absent where they are ours. */
  readonly names?: keyof typeof references;
  readonly network: string;
  readonly options: NetworkOptions;
  /** Widths that the reference has, the usual one first. */
  readonly widths: readonly number[];
  readonly pixels: SourcePixels;
  /** What files of it are called, where others have the same names and shapes; matched against lower case. */
  readonly called?: RegExp;
}

const photographs = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const halves = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
const cifar10 = { size: 32, share: 1, mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.201] };
/** Bytes as they are, of 255. */
const bytes = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] };
/** Bytes less the mean colour of Caffe's ImageNet. */
const caffeBytes = { mean: [123 / 255, 117 / 255, 104 / 255], std: bytes.std };

/** Resized so that the shorter side has `resized` pixels, then the centre of `size` pixels. */
function central(size: number, resized: number, normal = photographs): SourcePixels {
  return { size, share: size / resized, ...normal };
}

/** The usual way: 224 of 256 pixels. */
const usual = central(224, 256);

type Rest = Omit<Source, "from" | "names" | "network" | "options" | "widths" | "pixels">;

function source(
  from: string,
  names: Source["names"],
  network: string,
  pixels: SourcePixels,
  options: NetworkOptions = {},
  widths: readonly number[] = [1],
  rest: Rest = {},
): Source {
  return { from, names, network, options, widths, pixels, ...rest };
}

/** Size and resized side of torchvision's EfficientNets. */
const torchvisionSizes = [
  [224, 256],
  [240, 256],
  [288, 288],
  [300, 320],
  [380, 384],
  [456, 456],
  [528, 528],
  [600, 600],
] as const;

const torchvision: readonly Source[] = [
  source("torchvision", "torchvision", "mobilenet-v2", usual, {}, [1, 0.25, 0.35, 0.5, 0.75, 1.3, 1.4]),
  ...["large", "small"].map((size) =>
    source("torchvision", "torchvision", `mobilenet-v3-${size}`, usual, { variant: "torchvision" }, [1, 0.5, 0.75]),
  ),
  source("torchvision", "torchvision", "shufflenet-v2", usual, { variant: "torchvision" }, [1, 0.5]),
  source("torchvision", "torchvision", "shufflenet-v2", central(224, 232), { variant: "torchvision" }, [1.5, 2]),
  source("torchvision", "torchvision", "squeezenet-1.0", usual, { variant: "torchvision" }),
  source("torchvision", "torchvision", "squeezenet-1.1", usual),
  source("torchvision", "torchvision", "resnet-50", usual, { variant: "torchvision" }),
  source("torchvision", "torchvision", "vgg-16", usual),
  source("torchvision", "torchvision", "vgg-16", usual, { variant: "normalised" }),
  ...torchvisionSizes.map(([size, resized], i) =>
    source("torchvision", "torchvision", `efficientnet-b${i}`, central(size, resized), { variant: "torchvision" }),
  ),
  source("torchvision", "torchvision", "efficientnet-v2-s", central(384, 384), { variant: "torchvision" }),
  source("torchvision", "torchvision", "efficientnet-v2-m", central(480, 480), { variant: "torchvision" }),
  source("torchvision", "torchvision", "efficientnet-v2-l", central(480, 480, halves), { variant: "torchvision" }),
];

/** timm's own models: PyTorch's padding and epsilon. Files of the converted TensorFlow models have the same names and shapes. */
const ofPyTorch: Rest = { called: /(?:^|[^a-z0-9_])(?:mobilenetv3_(?:large|small)_\d|efficientnet_b\d)/ };
const ofTensorflow: Rest = { called: /(?:^|[^a-z0-9])tf_(?:mobilenet|efficientnet)/ };
const asPyTorch = { padding: "symmetrical", normEps: 1e-5 } as const;
const asTensorflow = { padding: "tensorflow" } as const;

/** Size and share of timm's EfficientNets as it evaluates them. */
const timmSizes = [
  [224, 0.875],
  [256, 1],
  [288, 1],
  [320, 1],
  [384, 1],
  [448, 1],
  [528, 0.942],
  [600, 0.949],
] as const;
const tensorflowSizes = [
  [224, 0.875],
  [240, 0.882],
  [260, 0.89],
  [300, 0.904],
  [380, 0.922],
  [456, 0.934],
  [528, 0.942],
  [600, 0.949],
] as const;

const widthsOfV3 = [1, 0.75];

const timm: readonly Source[] = [
  source("timm", "timm", "mobilenet-v1", { size: 256, share: 0.95, ...halves }, { variant: "relu6" }, [1, 1.25]),
  source("timm", "timm", "mobilenet-v2", usual, {}, [1, 0.35, 0.5, 0.75, 1.4]),
  ...["large", "small"].map((size) => source("timm", "timm", `mobilenet-v3-${size}`, usual, asPyTorch, widthsOfV3, ofPyTorch)),
  source("timm", "timm", "ghostnet", usual, {}, [1, 0.5, 1.3]),
  ...timmSizes.map(([size, share], i) =>
    source("timm", "timm", `efficientnet-b${i}`, { size, share, ...photographs }, { variant: "torchvision", ...asPyTorch }, [1], ofPyTorch),
  ),
  ...["large", "small"].flatMap((size) =>
    (["paper", "minimalistic"] as const).map((variant) =>
      source("timm-tf", "timm", `mobilenet-v3-${size}`, central(224, 256, halves), { variant, ...asTensorflow }, widthsOfV3, ofTensorflow),
    ),
  ),
  ...tensorflowSizes.map(([size, share], i) =>
    source("timm-tf", "timm", `efficientnet-b${i}`, { size, share, ...photographs }, {}, [1], ofTensorflow),
  ),
  ...tensorflowSizes
    .slice(0, 4)
    .map(([size, share], i) => source("timm-tf", "timm", `efficientnet-v2-b${i}`, { size, share, ...photographs }, {}, [1], ofTensorflow)),
  ...(
    [
      ["s", 384],
      ["m", 480],
      ["l", 480],
    ] as const
  ).map(([name, size]) => source("timm-tf", "timm", `efficientnet-v2-${name}`, { size, share: 1, ...halves }, {}, [1], ofTensorflow)),
];

const quarters = [1, 0.75, 0.5, 0.25];
/** pytorchcv calls its own EfficientNets b0, those converted from TensorFlow b0b and b0c. */
const ofPytorchcv: Rest = { called: /efficientnet_b\d(?![bc])/ };
const ofPytorchcvTensorflow: Rest = { called: /efficientnet_b\d[bc]/ };

const pytorchcv: readonly Source[] = [
  source("pytorchcv", "pytorchcv", "mobilenet-v1", usual, {}, quarters),
  ...[1, 3].map((groups) => source("pytorchcv", "pytorchcv", `shufflenet-v1-g${groups}`, usual, {}, quarters)),
  ...[2, 4, 8].map((groups) => source("pytorchcv", "pytorchcv", `shufflenet-v1-g${groups}`, usual)),
  source("pytorchcv", "pytorchcv", "squeezenet-1.0", usual, { variant: "torchvision" }),
  source("pytorchcv", "pytorchcv", "squeezenet-1.1", usual),
  source("pytorchcv", "pytorchcv", "igcv3", usual, {}, quarters),
  source("pytorchcv", "pytorchcv", "resnet-50", usual),
  ...["resnet-20", "resnet-56"].map((network) => source("pytorchcv", "pytorchcv", network, cifar10, { variant: "projection" })),
  ...tensorflowSizes.map(([size], i) =>
    source("pytorchcv", "pytorchcv", `efficientnet-b${i}`, { ...usual, size }, { variant: "torchvision", normEps: 1e-5 }, [1], ofPytorchcv),
  ),
  ...tensorflowSizes.map(([size], i) =>
    source("pytorchcv-tf", "pytorchcv", `efficientnet-b${i}`, { ...usual, size }, {}, [1], ofPytorchcvTensorflow),
  ),
];

/** Repositories of authors. Where one says nothing of preparing images, ImageNet's usual way is taken. */
const repositories: readonly Source[] = [
  ...[3, 8].map((groups) =>
    source(
      "megvii",
      "megvii",
      `shufflenet-v1-g${groups}`,
      { ...central(224, 256, bytes), bgr: "features.init_block.conv.weight" },
      { variant: "megvii" },
      [1, 0.5, 1.5, 2],
    ),
  ),
  source(
    "megvii",
    "megvii",
    "shufflenet-v2",
    { ...central(224, 256, bytes), bgr: "conv1.0.weight" },
    { variant: "megvii" },
    [1, 0.5, 1.5, 2],
  ),
  ...["squeezenet-1.0", "squeezenet-1.1"].map((network) =>
    source("caffe", "caffe", network, { ...central(227, 256, caffeBytes), bgr: "features.0.weight" }),
  ),
  ...["squeezenext-23", "squeezenext-23v5"].map((network) =>
    source("caffe", "caffe", network, { ...central(227, 256, caffeBytes), bgr: "stem.conv.weight" }, {}, [1, 1.5, 2]),
  ),
  source("caffe", "caffe", "squeezenext-23", { ...central(227, 256, caffeBytes), bgr: "stem.conv.weight" }, { variant: "grouped" }),
  ...["L100M2", "L4M32", "L16M16"].map((variant) => source("mxnet", "mxnet", "igcv1-imagenet", usual, { variant })),
  source("xxradon", "xxradon", "igcv3", usual, { variant: "pytorch" }, [1, 0.7, 1.4]),
  ...["addernet-resnet-20", "addernet-resnet-32"].map((network) => source("noah", "noah", network, cifar10)),
  ...["addernet-resnet-18", "addernet-resnet-50"].map((network) => source("noah", "noah", network, usual)),
  source("noah", "noah", "ghostnet", usual, {}, [1, 0.5, 1.3]),
  ...[0, 1, 2, 3].map((size) => source("micronet", "micronet", `micronet-m${size}`, usual)),
];

/** Every network of every reference. */
export const sources: readonly Source[] = [...torchvision, ...timm, ...pytorchcv, ...repositories];

/** A network under our own names, prepared the usual way at its published size. */
export function ownSource(network: string, inputSize: number, options: NetworkOptions): Source {
  return { from: "goldcrest", network, options, widths: [1], pixels: { ...usual, size: inputSize } };
}

/** Names that `--from` takes. */
export const sourceNames: readonly string[] = [...new Set(sources.map(({ from }) => from)), "goldcrest"];
