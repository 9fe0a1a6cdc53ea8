/** Accuracy of the default network on the whole Fashion-MNIST: ten epochs and three seeds unless told otherwise, the test part read once at the end of each. */
import { median } from "../src/core/median.ts";
import { openFashionMnist } from "../src/node.ts";
import { fitNetwork, preprocessingFor, recipe, splitDataset } from "../src/train.ts";

/** Share of the training images that choose the epoch. */
const VALIDATION = 0.05;

/** One training. */
export interface AccuracyRow {
  readonly network: string;
  readonly seed: number;
  readonly epochs: number;
  readonly threads: number;
  readonly params: number;
  readonly testAccuracy: number;
  readonly secondsPerEpoch: number;
  readonly imagesPerSecond: number;
}

/** What the trainings came to. */
export interface AccuracyResult {
  readonly rows: readonly AccuracyRow[];
  readonly medianAccuracy: number;
}

/** Trains with seeds 1, 2 … on the whole set. */
export async function accuracyRows(network: string, threads: number, epochs: number, seeds: number): Promise<AccuracyResult> {
  const data = await openFashionMnist({ part: "full" });
  const rows: AccuracyRow[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const { model, result } = await fitNetwork({
      ...{ network, options: { isSmallImage: true }, data, seed, threads },
      parts: splitDataset(data, { validation: VALIDATION, seed }),
      preprocessing: preprocessingFor({ size: 28, channels: 1, fit: "crop" }),
      recipe: recipe("small", { epochs }),
      onProgress: ({ phase, epoch, step, accuracy, imagesPerSecond }) => {
        if (phase === "training" && step % 200 === 0)
          console.error(`seed ${seed} epoch ${epoch} step ${step}: ${accuracy.toFixed(4)}, ${imagesPerSecond.toFixed(0)} images/s`);
      },
    });
    const params = [...model.weights].reduce(
      (sum, [name, { data: values }]) => (/running_|num_batches/.test(name) ? sum : sum + values.length),
      0,
    );
    rows.push({
      ...{ network, seed, epochs, threads, params },
      testAccuracy: result.test?.accuracy ?? Number.NaN,
      secondsPerEpoch: result.seconds / epochs,
      imagesPerSecond: result.imagesPerSecond,
    });
    console.error(rows.at(-1));
  }
  return { rows, medianAccuracy: median(rows.map(({ testAccuracy }) => testAccuracy)) };
}
