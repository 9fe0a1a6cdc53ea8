import { convNormActivation, dropout, fullyConnected, maxPool, pooledFeatures, shuffleUnit } from "../blocks/index.ts";
import { channels } from "../ir/graph.ts";
import { type Network, normOf, strideRule } from "./network.ts";

/** Table 5 of the paper: channels of stage 2 (they double at stages 3 and 4) and of conv5, by width. */
const widths = [
  { width: 0.5, stage2: 48, conv5: 1024 },
  { width: 1, stage2: 116, conv5: 1024 },
  { width: 1.5, stage2: 176, conv5: 1024 },
  { width: 2, stage2: 244, conv5: 2048 },
] as const;

/** Units of stages 2, 3 and 4; the first of each halves the image. */
const repeats = [4, 8, 4] as const;

/** Channels at any width: the table's where it has a row, else between its rows in proportion, as multiples of 4. */
function channelsAt(width: number): { stage2: number; conv5: number } {
  const above = widths.find((row) => width <= row.width) ?? widths[3];
  const below = widths.findLast((row) => row.width < above.width && width > row.width) ?? { width: 0, stage2: 0 };
  const slope = (above.stage2 - below.stage2) / (above.width - below.width);
  const exact = below.stage2 + slope * (width - below.width);
  return { stage2: Math.max(4, Math.round(exact / 4) * 4), conv5: width < 2 ? 1024 : 2048 };
}

/** ShuffleNetV2. Weight names are torchvision's. */
export const shufflenetV2: Network = {
  name: "shufflenet-v2",
  title: "ShuffleNetV2",
  paper: "arXiv 1807.11164",
  year: 2018,
  published: { params: "2.3M", macs: "146M", top1: 69.4 },
  exact: { params: 2_278_760, macs: 145_814_296 },
  inputSize: 224,
  variants: {
    paper: "in a stage's first unit the left branch keeps the input's channels; classifier without bias (the authors' code)",
    megvii: "the authors' later code: a unit that splits takes every second channel for each side, instead of a shuffle behind each unit",
    torchvision: "in a stage's first unit both branches give half of the output; classifier with bias",
  },
  strides: 5,
  dropout: 0,
  normMomentum: 0.1,
  build(g, image, settings) {
    const stride = strideRule(settings);
    const mixing = settings.variant === "megvii" ? "front" : "behind";
    const isTorchvision = settings.variant === "torchvision";
    const { stage2, conv5 } = channelsAt(settings.width);
    const shared = { norm: normOf(settings), padding: settings.padding };
    let x = convNormActivation(g.scope("conv1"), image, { ...shared, out: 24, stride: stride(2) });
    if (stride(2) === 2) x = maxPool(g.scope("maxpool"), x, { kernel: 3, stride: 2, padding: settings.padding });
    for (const [i, n] of repeats.entries()) {
      const out = stage2 * 2 ** i;
      // An output narrower than twice the input leaves the authors' rule nothing for the right branch; half each is the nearest form.
      const left = isTorchvision || out <= channels(x) ? out / 2 : channels(x);
      for (let unit = 0; unit < n; unit++) {
        const form = unit === 0 ? { stride: stride(2), isSplit: false, left } : { isSplit: true };
        x = shuffleUnit(g.scope(`stage${i + 2}.${unit}`), x, { ...shared, ...form, out, mixing });
      }
    }
    x = convNormActivation(g.scope("conv5"), x, { ...shared, out: conv5, kernel: 1 });
    x = dropout(g.scope("dropout"), pooledFeatures(g.scope("avgpool"), x), settings.dropout);
    return fullyConnected(g.scope("fc"), x, { out: settings.classes, hasBias: isTorchvision });
  },
};
