/**
 * One optimiser step as one graph: forward, loss, gradients, their norms, the update of every weight, the moving average. Where a
 * batch comes in several parts, each run takes a part's gradients into a running mean ("parts.*"), and only the last part's run has
 * "isApplied" 1: with 0 the optimisers' scale is 0 and they leave everything as it is. So there is one plan and one arena.
 */
import type { Tensor } from "../core/tensor.ts";
import type { Weights } from "../engine/session.ts";
import { type Graph, leavesOf, type Value } from "../ir/graph.ts";
import { extendScope, graphScope, type Scope } from "../ir/scope.ts";
import { clipScale, gradientNorms } from "../ops/clipping.ts";
import { ema } from "../ops/ema.ts";
import { multiply } from "../ops/multiply.ts";
import { softmaxCrossEntropy } from "../ops/softmaxCrossEntropy.ts";
import { differentiate } from "../passes/differentiate.ts";
import { initialise } from "./initialise.ts";
import { updateParameter } from "./optimiser.ts";
import type { Recipe } from "./recipe.ts";

/** What a network is told when it is built. */
export interface BuildOptions {
  readonly classes: number;
  /** Absent = the network's own. */
  readonly dropout?: number;
  /** Absent = the network's own. */
  readonly stochasticDepth?: number;
}

/** Builds a network: image [n, c, h, w] → logits [n, classes]. `Network.build` is one. */
export type Builder = (g: Scope, image: Value, options: BuildOptions) => Value;

/** Shapes of a plan. */
export interface NetworkShape {
  readonly build: Builder;
  /** Images in a run: a whole batch, or one part of it. */
  readonly batch: number;
  /** Side of the images, pixels. */
  readonly size: number;
  readonly channels: number;
  readonly classes: number;
}

/** The network for use: input "image", output "logits". */
export function evaluationGraph({ build, batch, size, channels, classes }: NetworkShape): Graph {
  const g = graphScope();
  g.output("logits", build(g, g.input("image", [batch, channels, size, size]), { classes }));
  return g.finish();
}

function forwardGraph({ build, batch, size, channels, classes }: NetworkShape, recipe: Recipe): Graph {
  const g = graphScope({ isTraining: true });
  const image = g.input("image", [batch, channels, size, size]);
  const { dropout, stochasticDepth } = recipe;
  const logits = build(g, image, {
    classes,
    ...(dropout === undefined ? {} : { dropout }),
    ...(stochasticDepth === undefined ? {} : { stochasticDepth }),
  });
  const target = g.input("target", [batch, classes]);
  const [loss, probabilities] = softmaxCrossEntropy.all(g.scope("loss"), [logits, target], { smoothing: recipe.smoothing });
  g.output("loss", loss);
  g.output("probabilities", probabilities);
  return g.finish();
}

/** Averages each gradient with those of the parts before, in a state: mean' = partDecay · mean + (1 − partDecay) · gradient. */
function averageParts(g: Scope, gradients: ReadonlyMap<Value, Value>): ReadonlyMap<Value, Value> {
  const at = g.scope("parts");
  const decay = g.input("partDecay", []);
  const means = new Map<Value, Value>();
  for (const [parameter, gradient] of gradients) {
    const held = at.state(parameter.name as string, parameter.shape, { kind: "constant", value: 0 });
    const mean = ema(at, [held, gradient, decay], {});
    g.update(held, mean);
    means.set(parameter, mean);
  }
  return means;
}

/**
 * Every parameter gets a shadow "average.<weight>". Running statistics do not: they are short averages already, and a longer one lags
 * behind the weights so far that early averages would classify by chance.
 */
function followAverages(g: Scope, latest: ReadonlyMap<Value, Value>): void {
  const decay = g.input("averageDecay", []);
  const at = g.scope("average");
  for (const [parameter, source] of latest) {
    const shadow = at.state(parameter.name as string, parameter.shape, { kind: "constant", value: 0 });
    g.update(shadow, ema(at, [shadow, source, decay], {}));
  }
}

/**
 * The graph of a training step. Inputs "image", "target" [batch, classes], "learningRate", "step" (from 1), "averageDecay" (with
 * averaging), "partDecay" and "isApplied" (with parts), and "noise.*"; outputs "loss", "probabilities", and "norms": the squared L2
 * norm of each parameter's gradient, in the order of the parameters.
 */
export function trainingGraph(options: NetworkShape & { readonly recipe: Recipe }): Graph {
  const { recipe } = options;
  const { graph, gradients: ofPart } = differentiate(forwardGraph(options, recipe));
  const g = extendScope(graph, { isTraining: true });
  const isInParts = recipe.accumulate > 1;
  const gradients = isInParts ? averageParts(g, ofPart) : ofPart;
  const at = g.scope("optimiser");
  const norms = gradientNorms(at, [...gradients.values()], {});
  g.output("norms", norms);
  const clipped = clipScale(at, [norms], { maxNorm: recipe.clip });
  const scale = isInParts ? multiply(at, [clipped, g.input("isApplied", [])], {}) : clipped;
  const inputs = { learningRate: g.input("learningRate", []), step: g.input("step", []), scale };
  const latest = new Map<Value, Value>();
  for (const [parameter, gradient] of gradients) latest.set(parameter, updateParameter(g, recipe, parameter, gradient, inputs));
  if (recipe.average > 0) followAverages(g, latest);
  return g.finish();
}

/** Starting values of a training graph; given weights replace random ones, and averages start as the weights that they follow. */
export function startingWeights(graph: Graph, seed: number, given: Weights = new Map()): Weights {
  const weights = new Map<string, Tensor>([...initialise(graph, seed)].map(([name, value]) => [name, given.get(name) ?? value]));
  for (const { name = "" } of leavesOf(graph, "state")) {
    const followed = name.startsWith("average.") ? weights.get(name.slice("average.".length)) : undefined;
    if (followed) weights.set(name, followed);
  }
  return weights;
}
