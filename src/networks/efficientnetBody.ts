import { convNormActivation, dropout, fullyConnected, fusedMbConv, mbConv, pooledFeatures } from "../blocks/index.ts";
import type { Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { type NetworkSettings, normOf, strideRule } from "./network.ts";
import { scaledRepeats } from "./scaling.ts";

/** A row of the papers' tables: operator with its expansion, kernel, channels, repeats, stride of the first. */
export interface Stage {
  readonly op: "MBConv" | "FusedMBConv";
  readonly e: number;
  readonly k: 3 | 5;
  readonly c: number;
  readonly n: number;
  readonly s: 1 | 2;
}

/** A network of the EfficientNet families, before or after scaling. */
export interface EfficientNet {
  readonly stem: number;
  readonly stages: readonly Stage[];
  readonly head: number;
  /** Multipliers of channels and repeats, beside those of the options. */
  readonly w: number;
  readonly d: number;
  round(channels: number): number;
}

/** Stem, stages, head: what both EfficientNets share. Weight names are torchvision's. */
export function buildEfficientNet(g: Scope, image: Value, settings: NetworkSettings, table: EfficientNet): Value {
  const { stages, w, d } = table;
  const stride = strideRule(settings);
  const width = (c: number): number => table.round(c * w * settings.width);
  const shared = { norm: normOf(settings), padding: settings.padding, act: "silu" } as const;
  const repeats = stages.map(({ n }) => scaledRepeats(n, d * settings.depth));
  const total = repeats.reduce((sum, n) => sum + n, 0);
  const features = g.scope("features");
  let x = convNormActivation(features.scope("0"), image, { ...shared, out: width(table.stem), stride: stride(2) });
  let index = 0;
  for (const [i, { op, e, k, c, s }] of stages.entries()) {
    const block = op === "MBConv" ? mbConv : fusedMbConv;
    for (let j = 0; j < repeats[i]; j++) {
      const dropRate = (settings.stochasticDepth * index++) / total;
      const row = { out: width(c), expand: e, kernel: k, stride: stride(j === 0 ? s : 1), dropRate };
      x = block(features.scope(`${i + 1}.${j}`), x, { ...shared, ...row });
    }
  }
  x = convNormActivation(features.scope(String(stages.length + 1)), x, { ...shared, out: width(table.head), kernel: 1 });
  x = dropout(g.scope("classifier.0"), pooledFeatures(g.scope("avgpool"), x), settings.dropout);
  return fullyConnected(g.scope("classifier.1"), x, { out: settings.classes });
}
