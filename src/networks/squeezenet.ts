import { activate, convolution, dropout, fire, maxPool, nearestMultiple, type Padding } from "../blocks/index.ts";
import { globalAveragePool } from "../ops/globalAveragePool.ts";
import { reshape } from "../ops/reshape.ts";
import { type Network, type NetworkSettings, strideRule } from "./network.ts";

/** A max pooling, or a Fire module: squeeze and expand channels (the same for 1×1 and 3×3). */
type Layer = "pool" | { readonly s: number; readonly e: number };

/** The first convolution (channels, kernel) and the layers from fire2 to fire9. */
interface Version {
  readonly conv1: { readonly c: number; readonly k: number };
  readonly layers: readonly Layer[];
}

const fires = { 16: { s: 16, e: 64 }, 32: { s: 32, e: 128 }, 48: { s: 48, e: 192 }, 64: { s: 64, e: 256 } } as const;

/** Table 1 of the paper. */
const version10: Version = {
  conv1: { c: 96, k: 7 },
  layers: ["pool", fires[16], fires[16], fires[32], "pool", fires[32], fires[48], fires[48], fires[64], "pool", fires[64]],
};

/** The released 1.1: the same modules, poolings earlier. */
const version11: Version = {
  conv1: { c: 64, k: 3 },
  layers: ["pool", fires[16], fires[16], "pool", fires[32], fires[32], "pool", fires[48], fires[48], fires[64], fires[64]],
};

/** Channels at a width, as multiples of 4. */
function scaled(c: number, width: number): number {
  return nearestMultiple(c * width, 4);
}

/** Pixels that are left of `size` after the first convolution and the poolings that halve; below 1 where a window finds no image. */
function finalSize({ conv1, layers }: Version, size: number, droppedStrides: number): number {
  const stride = strideRule({ droppedStrides });
  let left = Math.floor((size - conv1.k) / stride(2)) + 1;
  for (const layer of layers) {
    if (layer === "pool" && stride(2) === 2) left = left < 3 ? 0 : Math.ceil((left - 3) / 2) + 1;
  }
  return left;
}

/** Bypasses of the variant by number of the Fire module: around the odd ones nothing changes the channels, around the even ones something does. */
function bypassOf(variant: string, fireNumber: number): "none" | "simple" | "complex" {
  if (!variant.endsWith("bypass")) return "none";
  if (fireNumber % 2 === 1) return "simple";
  return variant === "complex-bypass" ? "complex" : "none";
}

/** Where this build pads: the released networks pad neither the first convolution nor the poolings; only TensorFlow's rule, if asked for, does. */
function paddingOf({ padding }: NetworkSettings): Padding {
  return padding === "tensorflow" ? "tensorflow" : 0;
}

/** The least size and the builder of a version; `classifierPadding` gives the padding of the last convolution by variant. */
function built(version: Version, classifierPadding: (variant: string) => number): Pick<Network, "leastSize" | "build"> {
  return {
    leastSize(droppedStrides) {
      let size = 1;
      while (finalSize(version, size, droppedStrides) < 1) size++;
      return size;
    },
    build(g, image, settings) {
      const stride = strideRule(settings);
      const [{ width, variant }, padding] = [settings, paddingOf(settings)];
      const { c, k } = version.conv1;
      const features = g.scope("features");
      let fireNumber = 2;
      let x = convolution(features.scope("0"), image, { out: scaled(c, width), kernel: k, stride: stride(2), padding, hasBias: true });
      x = activate(features.scope("1"), x, "relu");
      for (const [i, layer] of version.layers.entries()) {
        const at = features.scope(String(i + 2));
        if (layer !== "pool") {
          const expand = scaled(layer.e, width);
          const bypass = bypassOf(variant, fireNumber++);
          x = fire(at, x, { squeeze: scaled(layer.s, width), expand1x1: expand, expand3x3: expand, bypass });
        } else if (stride(2) === 2) {
          x = maxPool(at, x, { kernel: 3, stride: 2, padding, isCeil: true });
        }
      }
      const classifier = g.scope("classifier");
      x = dropout(classifier.scope("0"), x, settings.dropout);
      const conv10 = { out: settings.classes, kernel: 1, padding: classifierPadding(variant), hasBias: true };
      x = activate(classifier.scope("2"), convolution(classifier.scope("1"), x, conv10), "relu");
      x = globalAveragePool(classifier.scope("3"), [x], {});
      return reshape(classifier, [x], { shape: [image.shape[0], settings.classes] });
    },
  };
}

const shared = { paper: "arXiv 1602.07360", year: 2016, strides: 4, dropout: 0.5, normMomentum: 0.1 } as const;

/** SqueezeNet 1.0: Fire modules, no normalisation, the classifier is a convolution. Weight names are torchvision's. */
export const squeezenet10: Network = {
  ...shared,
  name: "squeezenet-1.0",
  title: "SqueezeNet 1.0",
  published: { params: "4.8 MB", macs: "860M", top1: 57.5 },
  exact: { params: 1_248_424, macs: 861_339_936 },
  inputSize: 227,
  variants: {
    released: "the authors' repository: a ring of padding around the last convolution's input, which takes part in the average",
    torchvision: "the last convolution without padding",
    "simple-bypass": "released, and fire3, 5, 7 and 9 add their input; 60.4 % top-1 in the paper",
    "complex-bypass": "simple bypass, and fire2, 4, 6 and 8 add a 1×1 convolution of their input; 58.8 % top-1 in the paper",
  },
  ...built(version10, (variant) => (variant === "torchvision" ? 0 : 1)),
};

/** SqueezeNet 1.1: Fire modules, no normalisation, the classifier is a convolution. Weight names are torchvision's. */
export const squeezenet11: Network = {
  ...shared,
  name: "squeezenet-1.1",
  title: "SqueezeNet 1.1",
  published: { params: "1.24M", macs: "360M", top1: 58.2 },
  exact: { params: 1_235_496, macs: 349_151_936 },
  inputSize: 224,
  variants: { released: "version 1.1 of the authors' repository; no padding at the first convolution, pooling rounds up" },
  ...built(version11, () => 0),
};
