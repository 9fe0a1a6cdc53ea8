import { activate, convNormActivation, convolution, dropout, fullyConnected, ghostBottleneck } from "../blocks/index.ts";
import { globalAveragePool } from "../ops/globalAveragePool.ts";
import { reshape } from "../ops/reshape.ts";
import { makeDivisible, type Network, normOf, strideRule } from "./network.ts";

/** A row of the paper's table 1: kernel, expansion size, output channels, squeeze and excite, stride. */
interface Row {
  readonly k: 3 | 5;
  readonly exp: number;
  readonly out: number;
  readonly SE: boolean;
  readonly s: 1 | 2;
}

/** Table 1 of the paper, in the stages of the authors' code. */
const stages: readonly (readonly Row[])[] = [
  [{ k: 3, exp: 16, out: 16, SE: false, s: 1 }],
  [{ k: 3, exp: 48, out: 24, SE: false, s: 2 }],
  [{ k: 3, exp: 72, out: 24, SE: false, s: 1 }],
  [{ k: 5, exp: 72, out: 40, SE: true, s: 2 }],
  [{ k: 5, exp: 120, out: 40, SE: true, s: 1 }],
  [{ k: 3, exp: 240, out: 80, SE: false, s: 2 }],
  [
    { k: 3, exp: 200, out: 80, SE: false, s: 1 },
    { k: 3, exp: 184, out: 80, SE: false, s: 1 },
    { k: 3, exp: 184, out: 80, SE: false, s: 1 },
    { k: 3, exp: 480, out: 112, SE: true, s: 1 },
    { k: 3, exp: 672, out: 112, SE: true, s: 1 },
  ],
  [{ k: 5, exp: 672, out: 160, SE: true, s: 2 }],
  [
    { k: 5, exp: 960, out: 160, SE: false, s: 1 },
    { k: 5, exp: 960, out: 160, SE: true, s: 1 },
    { k: 5, exp: 960, out: 160, SE: false, s: 1 },
    { k: 5, exp: 960, out: 160, SE: true, s: 1 },
  ],
];

/** GhostNet: MobileNetV3's plan with Ghost bottlenecks. Weight names are those of the authors' code, which timm kept. */
export const ghostnet: Network = {
  name: "ghostnet",
  title: "GhostNet",
  paper: "arXiv 1911.11907",
  year: 2019,
  published: { params: "5.2M", macs: "141M", top1: 73.9 },
  exact: { params: 5_182_508, macs: 141_150_512 },
  inputSize: 224,
  variants: { paper: "the authors' code: a biased layer of 1280 features without normalisation, the same at every width" },
  strides: 5,
  dropout: 0.2,
  normMomentum: 0.1,
  build(g, image, settings) {
    const stride = strideRule(settings);
    const width = (c: number): number => makeDivisible(c * settings.width, 4);
    const shared = { norm: normOf(settings), padding: settings.padding };
    let x = convNormActivation(g, image, { ...shared, out: width(16), stride: stride(2), names: { conv: "conv_stem", norm: "bn1" } });
    for (const [i, rows] of stages.entries()) {
      for (const [j, { k, exp, out, SE, s }] of rows.entries()) {
        const hidden = width(exp);
        const squeeze = SE ? ({ squeeze: makeDivisible(hidden / 4, 4), gate: "hardSigmoid" } as const) : undefined;
        const block = { out: width(out), hidden, kernel: k, stride: stride(s), isReducing: s === 2, squeeze };
        x = ghostBottleneck(g.scope(`blocks.${i}.${j}`), x, { ...shared, ...block });
      }
    }
    const tail = { ...shared, out: width(960), kernel: 1, names: { conv: "conv", norm: "bn1" } };
    x = convNormActivation(g.scope(`blocks.${stages.length}.0`), x, tail);
    x = globalAveragePool(g.scope("global_pool"), [x], {});
    x = activate(g, convolution(g.scope("conv_head"), x, { out: 1280, kernel: 1, hasBias: true }), "relu");
    x = dropout(g.scope("dropout"), reshape(g.scope("flatten"), [x], { shape: [image.shape[0], 1280] }), settings.dropout);
    return fullyConnected(g.scope("classifier"), x, { out: settings.classes });
  },
};
