/**
 * The training sessions of a training in stages, of which one is alive at a time. A graph is made for a size of images and a dropout, and
 * kept; where the next stage needs another, every weight and state (optimiser, averages, running statistics) moves over bit by bit.
 * Engines keep the plan of a graph as long as the graph, but no arena: a size that returns is not planned again, and memory is that of one.
 */
import { OptionError } from "../core/errors.ts";
import { formatShape } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Dataset } from "../data/dataset.ts";
import { openLoader } from "../data/loader.ts";
import type { Preprocessing } from "../data/preprocessing.ts";
import type { Backend, OpenOptions, Session, Weights } from "../engine/session.ts";
import { type Graph, leavesOf } from "../ir/graph.ts";
import { optimiseTraining } from "../passes/index.ts";
import type { Recipe } from "./recipe.ts";
import { type StagePlan, stageAt } from "./stages.ts";
import { openStepper, type Stepper } from "./step.ts";
import { evaluationGraph, type NetworkShape, startingWeights, trainingGraph } from "./trainingGraph.ts";

/** What a course works with. */
export interface CourseOptions {
  /** For the images in use; each stage has a size of its own. */
  readonly shape: NetworkShape;
  readonly stages: readonly StagePlan[];
  readonly data: Dataset;
  /** Indices of the training images. */
  readonly images: Uint32Array;
  readonly classWeights?: Float32Array;
  readonly preprocessing: Preprocessing;
  readonly recipe: Recipe;
  readonly seed: number;
  readonly backend: Backend;
  readonly open: OpenOptions;
}

/** The session and the stepper of the stage that a training is in. */
export interface Course extends Disposable {
  readonly stages: readonly StagePlan[];
  stage(): StagePlan;
  session(): Session;
  stepper(): Stepper;
  /** Goes on with the stage that an epoch, counted from 0, lies in. */
  enter(epoch: number): Promise<void>;
}

/** A copy of every parameter and state of a session. */
export function readAll(session: Session): Weights {
  const stored = [...leavesOf(session.graph, "parameter"), ...leavesOf(session.graph, "state")];
  return new Map<string, Tensor>(stored.map(({ name = "" }) => [name, session.read(name)]));
}

/** Gives the graph of a step in a stage, the same one whenever size and dropout return. */
function stageGraphs({ shape, recipe }: CourseOptions): (stage: StagePlan) => Graph {
  const { dropout: _, ...rest } = recipe;
  const kept = new Map<string, Graph>();
  return ({ size, dropout }) => {
    const key = `${size} ${dropout}`;
    const graph =
      kept.get(key) ??
      optimiseTraining(trainingGraph({ ...shape, size, recipe: { ...rest, ...(dropout === undefined ? {} : { dropout }) } }));
    kept.set(key, graph);
    return graph;
  };
}

function stageStepper(options: CourseOptions, { size, augmentation }: StagePlan, session: Session): Stepper {
  const { shape, data, images, preprocessing, recipe, seed, classWeights } = options;
  const loader = openLoader(data, images, {
    ...{ preprocessing: { ...preprocessing, size }, batch: shape.batch, seed, isTraining: true, augmentation },
    ...(classWeights ? { classWeights } : {}),
  });
  return openStepper({ session, loader, data, recipe, seed });
}

/** Opens the course at an epoch, with the weights and states held there or, without any, with starting weights (`given` ones by name). */
export async function openCourse(options: CourseOptions, epoch: number, held: Weights | undefined, given?: Weights): Promise<Course> {
  const { stages, backend, open, seed } = options;
  const graphOf = stageGraphs(options);
  let stage = stageAt(stages, epoch);
  const graph = graphOf(stage);
  let session: Session = await backend.open(graph, held ?? startingWeights(graph, seed, given), open);
  let stepper = stageStepper(options, stage, session);
  const change = async (next: StagePlan): Promise<void> => {
    if (next.size !== stage.size || next.dropout !== stage.dropout) {
      const weights = readAll(session);
      session.dispose();
      session = await backend.open(graphOf(next), weights, open);
    }
    stepper = stageStepper(options, next, session);
    stage = next;
  };
  return {
    stages,
    stage: () => stage,
    session: () => session,
    stepper: () => stepper,
    async enter(at) {
      const next = stageAt(stages, at);
      if (next !== stage) await change(next);
    },
    [Symbol.dispose]: () => session.dispose(),
  };
}

/** Refuses stages with sizes at which the network's weights would have other shapes than in use. */
export function checkStageShapes(shape: NetworkShape, stages: readonly StagePlan[]): void {
  const weightsAt = (size: number): readonly (readonly [string, readonly number[]])[] => {
    const graph = evaluationGraph({ ...shape, size });
    return [...leavesOf(graph, "parameter"), ...leavesOf(graph, "state")].map(({ name = "", shape: of }) => [name, of] as const);
  };
  const sizes = new Set(stages.map(({ size }) => size).filter((size) => size !== shape.size));
  if (sizes.size === 0) return;
  const used = new Map(weightsAt(shape.size));
  for (const size of sizes) {
    const found = weightsAt(size).find(([name, of]) => String(used.get(name)) !== String(of));
    if (!found) continue;
    const [name, of] = found;
    const needed = used.get(name);
    throw new OptionError(
      `stages: "${name}" has shape ${formatShape(of)} for images of ${size}×${size}, ${needed ? formatShape(needed) : "nothing"} for ${shape.size}×${shape.size}; this network needs stages of one size`,
    );
  }
}
