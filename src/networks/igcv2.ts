import { convNormActivation, dropout, fullyConnected, interleavedV2, nearestMultiple, pooledFeatures } from "../blocks/index.ts";
import { type Network, normOf, strideRule } from "./network.ts";

/** Channels of the three stages (each a multiple of the one before), blocks in each, channels in each group of the 1×1 convolutions. */
export interface InterleavedLayout {
  readonly widths: readonly [number, number, number];
  readonly blocks: number;
  readonly K: number;
}

/** Variants and builder for named layouts. */
function laidOut(layouts: Readonly<Record<string, InterleavedLayout>>): Pick<Network, "variants" | "build"> {
  const described = ({ widths, blocks, K }: InterleavedLayout): string =>
    `stages of ${widths.join(", ")} channels, ${blocks} blocks in each, ${K} channels a group`;
  return {
    variants: Object.fromEntries(Object.entries(layouts).map(([name, layout]) => [name, described(layout)])),
    build(g, image, settings) {
      const stride = strideRule(settings);
      const { widths, blocks, K } = layouts[settings.variant];
      const shared = { norm: normOf(settings), padding: settings.padding };
      const first = nearestMultiple(widths[0] * settings.width, K);
      let x = convNormActivation(g, image, { ...shared, out: first, names: { conv: "stem", norm: "stem_bn" } });
      for (const [i, width] of widths.entries()) {
        for (let j = 0; j < blocks; j++) {
          const block = { out: (first * width) / widths[0], stride: i > 0 && j === 0 ? stride(2) : 1, groupWidth: K };
          x = interleavedV2(g.scope(`stage${i + 1}.${j}`), x, { ...shared, ...block });
        }
      }
      x = dropout(g.scope("dropout"), pooledFeatures(g.scope("pool"), x), settings.dropout);
      return fullyConnected(g.scope("fc"), x, { out: settings.classes });
    },
  };
}

const noTable = "neither a table of layers nor code was found";

/** IGCV2 for CIFAR, a reading: no code is published, and the summaries leave open the first convolution, the depth of the stages and normalisation. */
export const igcv2: Network = {
  name: "igcv2",
  title: "IGCV2, CIFAR",
  paper: "arXiv 1804.06202",
  year: 2018,
  published: { params: "–", macs: "–" },
  exact: { params: 95_434, macs: 21_334_528 },
  inputSize: 32,
  classes: 10,
  strides: 2,
  dropout: 0,
  normMomentum: 0.1,
  unreproduced: [
    {
      what: "CIFAR-100, 0.65M parameters, 77.05 %",
      why: "the layout is not stated; from 416 channels our reading has 909,892 with 100 classes, 696,384 of them in the blocks",
    },
    { what: "MobileNet-like 1.0, 564M MACs, 70.7 %", why: noTable },
    { what: "MobileNet-like 0.5, 156M MACs, 65.5 %", why: noTable },
    { what: "MobileNet-like 0.25, 46M MACs, 54.9 %", why: noTable },
  ],
  ...laidOut({
    doubling: { widths: [64, 128, 256], blocks: 6, K: 8 },
    constant: { widths: [64, 64, 64], blocks: 6, K: 8 },
    wide: { widths: [416, 832, 1664], blocks: 6, K: 8 },
  }),
};

/** The network with another layout. */
export function igcv2Of(layout: InterleavedLayout): Network {
  return { ...igcv2, ...laidOut({ own: layout }) };
}
