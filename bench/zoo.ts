/**
 * One small network of every family, trained for the same few epochs on the whole Fashion-MNIST with one recipe: npm run bench:zoo. Results are
 * kept network by network in bench/results/zoo.json; a run that is stopped goes on with the next network.
 */
import { existsSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { buildNetwork, compile, type Network, type NetworkOptions, networks, staticCost } from "../src/index.ts";
import { atomicWrite, openFashionMnist } from "../src/node.ts";
import { energyOf } from "../src/profile/energy.ts";
import { measureCost } from "../src/profile/measuredCost.ts";
import { fitNetwork, preprocessingFor, recipe, splitDataset } from "../src/train.ts";
import { machine } from "./machine.ts";

const SIZE = 28;
const MOST_PARAMS = 150_000;
const LEAST_PARAMS = 80_000;
const RESULT = "bench/results/zoo.json";

interface ZooRow {
  readonly network: string;
  readonly options: NetworkOptions;
  readonly params: number;
  readonly macs: number;
  readonly adds: number;
  /** Arithmetic of one image, float32, from the published table; microjoules. */
  readonly energyMicrojoules: number;
  readonly testAccuracy: number;
  readonly validation: readonly number[];
  readonly trainingImagesPerSecond: number;
  readonly msPerImage: number;
  readonly epochs: number;
  readonly threads: number;
}

/** Parameters of a network at some width, or undefined where that width cannot be built. */
function paramsAt(network: Network, options: NetworkOptions): number | undefined {
  try {
    return staticCost(buildNetwork(network, { ...options, size: SIZE, channels: 1, classes: 10 })).params;
  } catch {
    return undefined;
  }
}

/** The widest of a grid of widths with 80,000 to 150,000 parameters; else the one nearest to that range. */
function fittingOptions(network: Network): NetworkOptions | undefined {
  let best: { options: NetworkOptions; distance: number; params: number } | undefined;
  for (let step = 1; step <= 60; step++) {
    const options = { width: step / 20, isSmallImage: true };
    const params = paramsAt(network, options);
    if (params === undefined) continue;
    const distance = Math.max(0, params - MOST_PARAMS, LEAST_PARAMS - params);
    const isBetter = !best || distance < best.distance || (distance === 0 && best.distance === 0 && params > best.params);
    if (isBetter) best = { options, distance, params };
  }
  return best?.options;
}

async function trainOne(network: Network, options: NetworkOptions, epochs: number, threads: number): Promise<ZooRow> {
  const data = await openFashionMnist({ part: "full" });
  const { model, result } = await fitNetwork({
    ...{ network: network.name, options, data, seed: 1, threads },
    parts: splitDataset(data, { validation: 0.05, seed: 1 }),
    preprocessing: preprocessingFor({ size: SIZE, channels: 1, fit: "crop" }),
    recipe: recipe("small", { epochs }),
    onProgress: ({ phase, epoch, step, accuracy, imagesPerSecond }) => {
      if (phase === "training" && step % 200 === 0)
        console.error(`${network.name} epoch ${epoch} step ${step}: ${accuracy.toFixed(4)}, ${imagesPerSecond.toFixed(0)} images/s`);
    },
  });
  const graph = buildNetwork(network, { ...options, size: SIZE, channels: 1, classes: 10 });
  const { params, macs, adds } = staticCost(graph);
  using session = await compile(graph, model.weights);
  const { milliseconds } = measureCost(session);
  return {
    ...{ network: network.name, options, params, macs, adds },
    energyMicrojoules: energyOf({ macs, adds }),
    testAccuracy: result.test?.accuracy ?? Number.NaN,
    validation: result.epochs.map(({ validation }) => validation?.accuracy ?? Number.NaN),
    trainingImagesPerSecond: result.imagesPerSecond,
    msPerImage: milliseconds,
    ...{ epochs, threads },
  };
}

const { values } = parseArgs({
  options: { epochs: { type: "string", default: "4" }, threads: { type: "string", default: "2" }, network: { type: "string" } },
});
const [epochs, threads] = [Number(values.epochs), Number(values.threads)];
const held = existsSync(RESULT) ? (JSON.parse(readFileSync(RESULT, "utf8")) as { rows: ZooRow[] }).rows : [];
const rows = held.filter((row) => row.epochs === epochs);
for (const network of Object.values(networks)) {
  if (values.network && network.name !== values.network) continue;
  if (rows.some((row) => row.network === network.name)) continue;
  const options = fittingOptions(network);
  if (!options) {
    console.error(`${network.name}: no width can be built for ${SIZE}×${SIZE}×1`);
    continue;
  }
  rows.push(await trainOne(network, options, epochs, threads));
  console.error(rows.at(-1));
  await atomicWrite(RESULT, `${JSON.stringify({ machine: machine(), rows }, undefined, 2)}\n`);
}
