import type { Init, Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { adamw } from "../ops/adamw.ts";
import { rmsprop } from "../ops/rmsprop.ts";
import { sgd } from "../ops/sgd.ts";
import type { Recipe } from "./recipe.ts";

/** The scalars [] that every parameter's update reads; `step` counts from 1, `scale` 0 leaves everything as it is. */
export interface UpdateInputs {
  readonly learningRate: Value;
  readonly step: Value;
  readonly scale: Value;
}

/** Decay leaves biases and norms alone: they are the parameters of rank 1. */
function weightDecayOf({ weightDecay }: Recipe, parameter: Value): number {
  return parameter.shape.length > 1 ? weightDecay : 0;
}

/** Emits one parameter's update, with its states "optimiser.<state>.<weight>" as leaves, and returns the new parameter. */
export function updateParameter(g: Scope, recipe: Recipe, parameter: Value, gradient: Value, inputs: UpdateInputs): Value {
  const { learningRate, step, scale } = inputs;
  const weightDecay = weightDecayOf(recipe, parameter);
  const at = g.scope("optimiser");
  const keep = (state: string, value = 0): Value => {
    const init: Init = { kind: "constant", value };
    return at.scope(state).state(parameter.name as string, parameter.shape, init);
  };
  const replace = (targets: readonly Value[], sources: readonly Value[]): Value => {
    for (const [i, target] of targets.entries()) g.update(target, sources[i]);
    return sources[0];
  };
  const { optimiser } = recipe;
  switch (optimiser.kind) {
    case "sgd": {
      const { momentum, isNesterov: nesterov } = optimiser;
      const velocity = keep("velocity");
      const inputs = [parameter, gradient, velocity, learningRate, scale];
      return replace([parameter, velocity], sgd.all(at, inputs, { momentum, nesterov, weightDecay }));
    }
    case "rmsprop": {
      const { decay, eps, momentum } = optimiser;
      // One, as in TensorFlow: the first steps are then not divided by the root of next to nothing.
      const [square, velocity] = [keep("square", 1), keep("velocity")];
      const inputs = [parameter, gradient, square, velocity, learningRate, scale];
      return replace([parameter, square, velocity], rmsprop.all(at, inputs, { decay, eps, momentum, weightDecay }));
    }
    case "adamw": {
      const { beta1, beta2, eps } = optimiser;
      const [first, second] = [keep("first"), keep("second")];
      const inputs = [parameter, gradient, first, second, learningRate, step, scale];
      return replace([parameter, first, second], adamw.all(at, inputs, { beta1, beta2, eps, weightDecay }));
    }
  }
}
