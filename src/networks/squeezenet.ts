import { activate, convolution, dropout, fire, maxPool, type Padding } from "../blocks/index.ts";
import { globalAveragePool } from "../ops/globalAveragePool.ts";
import { reshape } from "../ops/reshape.ts";
import { type Network, strideRule } from "./network.ts";

/** The released 1.1: squeeze and expand channels (the same for 1×1 and 3×3), or a max pooling. */
const layers = [
  "pool",
  { s: 16, e: 64 },
  { s: 16, e: 64 },
  "pool",
  { s: 32, e: 128 },
  { s: 32, e: 128 },
  "pool",
  { s: 48, e: 192 },
  { s: 48, e: 192 },
  { s: 64, e: 256 },
  { s: 64, e: 256 },
] as const;

/** Channels at a width, as multiples of 4. */
function scaled(c: number, width: number): number {
  return Math.max(4, Math.round((c * width) / 4) * 4);
}

/** Pixels that are left of `size` after the first convolution and the poolings that halve; below 1 where a window finds no image. */
function finalSize(size: number, droppedStrides: number): number {
  const stride = strideRule({ droppedStrides });
  let left = Math.floor((size - 3) / stride(2)) + 1;
  for (const layer of layers) {
    if (layer === "pool" && stride(2) === 2) left = left < 3 ? 0 : Math.ceil((left - 3) / 2) + 1;
  }
  return left;
}

/** SqueezeNet 1.1: Fire modules, no normalisation, the classifier is a convolution. Weight names are torchvision's. */
export const squeezenet: Network = {
  name: "squeezenet-1.1",
  title: "SqueezeNet 1.1",
  paper: "arXiv 1602.07360",
  year: 2016,
  published: { params: "1.24M", macs: "360M", top1: 58.2 },
  exact: { params: 1_235_496, macs: 349_151_936 },
  inputSize: 224,
  variants: { released: "version 1.1 of the authors' repository; no padding at the first convolution, pooling rounds up" },
  strides: 4,
  dropout: 0.5,
  normMomentum: 0.1,
  leastSize(droppedStrides) {
    let size = 1;
    while (finalSize(size, droppedStrides) < 1) size++;
    return size;
  },
  build(g, image, settings) {
    const stride = strideRule(settings);
    // The released network pads neither the first convolution nor the poolings; only TensorFlow's rule, if asked for, does.
    const padding: Padding = settings.padding === "tensorflow" ? "tensorflow" : 0;
    const features = g.scope("features");
    let x = convolution(features.scope("0"), image, { out: scaled(64, settings.width), stride: stride(2), padding, hasBias: true });
    x = activate(features.scope("1"), x, "relu");
    for (const [i, layer] of layers.entries()) {
      const at = features.scope(String(i + 2));
      if (layer !== "pool") {
        const expand = scaled(layer.e, settings.width);
        x = fire(at, x, { squeeze: scaled(layer.s, settings.width), expand1x1: expand, expand3x3: expand });
      } else if (stride(2) === 2) {
        x = maxPool(at, x, { kernel: 3, stride: 2, padding, isCeil: true });
      }
    }
    const classifier = g.scope("classifier");
    x = dropout(classifier.scope("0"), x, settings.dropout);
    x = convolution(classifier.scope("1"), x, { out: settings.classes, kernel: 1, hasBias: true });
    x = globalAveragePool(classifier.scope("3"), [activate(classifier.scope("2"), x, "relu")], {});
    return reshape(classifier, [x], { shape: [image.shape[0], settings.classes] });
  },
};
