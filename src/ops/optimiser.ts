import { need } from "../core/errors.ts";
import { formatShape, isSameShape, type Shape } from "../core/shape.ts";

/** What every optimiser takes: weight decay is decoupled, p loses lr · weightDecay · p a step (0 for biases and norms). */
export interface Optimiser {
  readonly weightDecay: number;
}

/** Refuses a gradient or state that has not the parameter's shape, and rates that are not scalars. */
export function needStates(p: Shape, states: Readonly<Record<string, Shape>>, scalars: Readonly<Record<string, Shape>>): void {
  for (const [name, shape] of Object.entries(states)) {
    need(isSameShape(shape, p), () => `${name} is ${formatShape(shape)}, the parameter ${formatShape(p)}`);
  }
  for (const [name, shape] of Object.entries(scalars))
    need(shape.length === 0, () => `${name} must be a scalar [], found ${formatShape(shape)}`);
}
