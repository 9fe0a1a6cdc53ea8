import { random } from "../core/random.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Loader } from "../data/loader.ts";
import type { Session, View } from "../engine/session.ts";
import { leavesOf } from "../ir/graph.ts";
import type { Recipe } from "./recipe.ts";
import { averageDecayAt, learningRateAt } from "./schedule.ts";

/** What one optimiser step saw. */
export interface StepOutcome {
  /** Mean over the batch. */
  readonly loss: number;
  /** Images whose most probable class was their label. */
  readonly correct: number;
  readonly images: number;
  /** Total L2 norm of the gradients. */
  readonly gradientNorm: number;
  /** Which of the parts of the batch was the last to run; below the last one only where something was not finite. */
  readonly part: number;
}

/** Runs optimiser steps by number; a step is a pure function of the weights and its number. */
export interface Stepper {
  readonly stepsPerEpoch: number;
  run(step: number): Promise<StepOutcome>;
}

/** What a stepper works with. */
export interface StepperOptions {
  readonly session: Session;
  readonly loader: Loader;
  readonly data: Dataset;
  readonly recipe: Recipe;
  readonly seed: number;
}

/** Fills a strided view with the uniform numbers of a stream, in logical row-major order. */
function fillNoise(view: View, seed: number, name: string, run: number): void {
  const { uniform } = random(seed, name, run);
  const { shape, strides, data } = view;
  let i = 0;
  const fill = (axis: number, at: number): void => {
    if (axis === shape.length) data[at] = uniform(i++);
    else for (let k = 0; k < shape[axis]; k++) fill(axis + 1, at + k * strides[axis]);
  };
  fill(0, 0);
}

function countCorrect(probabilities: View, indices: Uint32Array, labelOf: (index: number) => number): number {
  const { shape, strides, data } = probabilities;
  const [perRow, perColumn] = strides;
  let correct = 0;
  for (let n = 0; n < indices.length; n++) {
    let best = 0;
    for (let k = 1; k < shape[1]; k++) if (data[n * perRow + k * perColumn] > data[n * perRow + best * perColumn]) best = k;
    if (best === labelOf(indices[n])) correct++;
  }
  return correct;
}

function sum(values: Float32Array, count: number): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += values[i];
  return total;
}

/** Opens a stepper on a session of the training graph. */
export function openStepper({ session, loader, data, recipe, seed }: StepperOptions): Stepper {
  const parts = recipe.accumulate;
  const stepsPerEpoch = Math.max(1, Math.floor(loader.batches / parts));
  const noises = leavesOf(session.graph, "input").filter(({ name = "" }) => name.startsWith("noise."));
  const noiseViews = noises.map(({ name = "" }) => ({ name, view: session.view(name) }));
  const [image, target, probabilities] = ["image", "target", "probabilities"].map((name) => session.view(name));
  const [loss, norms] = ["loss", "norms"].map((name) => session.view(name).data);
  const isInput = new Set(leavesOf(session.graph, "input").map(({ name }) => name));
  const set = (name: string, value: number): void => {
    if (isInput.has(name)) session.view(name).data[0] = value;
  };
  const labelOf = (index: number): number => data.labelOf(index);
  const normCount = session.view("norms").shape[0];

  return {
    stepsPerEpoch,
    async run(step) {
      const epoch = Math.floor(step / stepsPerEpoch);
      const first = (step % stepsPerEpoch) * parts;
      set("learningRate", learningRateAt(recipe, step, stepsPerEpoch));
      set("step", step + 1);
      let [totalLoss, correct, images, gradientNorm, part] = [0, 0, 0, 0, 0];
      for (part = 0; part < parts; part++) {
        const isLast = part === parts - 1;
        const { count, indices } = await loader.fill(epoch, (first + part) % loader.batches, image, target);
        for (const { name, view } of noiseViews) fillNoise(view, seed, name, step * parts + part);
        set("partDecay", part / (part + 1));
        set("isApplied", isLast ? 1 : 0);
        set("averageDecay", isLast ? averageDecayAt(recipe.average, step) : 1);
        session.runInPlace();
        totalLoss += loss[0] / parts;
        gradientNorm = Math.sqrt(sum(norms, normCount));
        correct += countCorrect(probabilities, indices, labelOf);
        images += count;
        if (isLast || !Number.isFinite(totalLoss) || !Number.isFinite(gradientNorm)) break;
      }
      return { loss: totalLoss, correct, images, gradientNorm, part };
    },
  };
}
