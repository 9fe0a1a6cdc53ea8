/** What train.py's rules are compared with: our schedule, and our updates by the reference. */
import { referenceBackend } from "../../src/backends/reference/index.ts";
import { random } from "../../src/core/random.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import { graphScope } from "../../src/ir/scope.ts";
import { clipScale, gradientNorms } from "../../src/ops/clipping.ts";
import { updateParameter } from "../../src/train/optimiser.ts";
import { type Recipe, recipes } from "../../src/train/recipe.ts";
import { averageDecayAt, learningRateAt, type Schedule } from "../../src/train/schedule.ts";

export const STEPS_PER_EPOCH = 7;
const UPDATES = 4;
const shapes = { weight: [2, 3], bias: [2] } as const;
type Name = keyof typeof shapes;
const names = Object.keys(shapes) as Name[];

const schedules: readonly Schedule[] = [
  { kind: "constant" },
  { kind: "cosine", floor: 0.1 },
  { kind: "linear" },
  { kind: "poly", power: 2 },
  { kind: "step", epochs: 1.5, factor: 0.7 },
  { kind: "milestones", epochs: [2, 4], factor: 0.1 },
];
const optimisers: readonly Recipe["optimiser"][] = [
  { kind: "sgd", momentum: 0.9, isNesterov: true },
  { kind: "sgd", momentum: 0.5, isNesterov: false },
  { kind: "rmsprop", decay: 0.9, eps: 0.01, momentum: 0.9 },
  { kind: "adamw", beta1: 0.9, beta2: 0.99, eps: 1e-8 },
];

/** Every schedule and every optimiser; with clipping and without. */
export const ruleRecipes: readonly Recipe[] = schedules.map((schedule, i) => ({
  ...recipes.small,
  ...{ epochs: 6, warmUp: i / 2, schedule, optimiser: optimisers[i % optimisers.length], clip: i % 2, average: 0.9 },
}));

/** Numbers around 0, row by row where they are a matrix. */
function drawn(name: Name, step: number): Tensor {
  const [rows, columns = 1] = shapes[name];
  const { uniform } = random(9, name, step);
  return { shape: shapes[name], data: Float32Array.from({ length: rows * columns }, (_, i) => 2 * uniform(i) - 1) };
}

function nested({ shape, data }: Tensor): number[] | number[][] {
  return shape.length === 1
    ? [...data]
    : Array.from({ length: shape[0] }, (_, row) => [...data.subarray(row * shape[1], (row + 1) * shape[1])]);
}

/** What rules.py is asked. */
export function question(): string {
  const gradients = Array.from({ length: UPDATES }, (_, step) =>
    Object.fromEntries(names.map((name) => [name, nested(drawn(name, step + 1))])),
  );
  return JSON.stringify({ recipes: ruleRecipes, weight: nested(drawn("weight", 0)), bias: nested(drawn("bias", 0)), gradients });
}

/** Weight, vector and their averages after the same updates. */
export async function updated(recipe: Recipe): Promise<readonly (readonly number[])[]> {
  const g = graphScope({ isTraining: true });
  const parameters = names.map((name) => g.parameter(name, shapes[name], { kind: "constant", value: 0 }));
  const gradients = names.map((name) => g.input(`gradient.${name}`, shapes[name]));
  const scale = clipScale(g, [gradientNorms(g, gradients, {})], { maxNorm: recipe.clip });
  const inputs = { learningRate: g.input("learningRate", []), step: g.input("step", []), scale };
  for (const [i, parameter] of parameters.entries()) updateParameter(g, recipe, parameter, gradients[i], inputs);
  const graph = g.finish();
  const states = graph.leaves.filter(({ kind }) => kind === "state");
  const zero = states.map(({ name = "", shape, init }) => {
    const value = init?.kind === "constant" ? init.value : Number.NaN;
    return [name, { shape, data: new Float32Array(shape.reduce((product, extent) => product * extent, 1)).fill(value) }] as const;
  });
  using session = await referenceBackend.open(graph, new Map([...zero, ...names.map((name) => [name, drawn(name, 0)] as const)]));
  const averages = names.map((name) => [...drawn(name, 0).data]);
  const scalar = (value: number): Tensor => ({ shape: [], data: Float32Array.of(value) });
  for (let step = 0; step < UPDATES; step++) {
    const given = Object.fromEntries(names.map((name) => [`gradient.${name}`, drawn(name, step + 1)]));
    session.run({ ...given, learningRate: scalar(learningRateAt(recipe, step, STEPS_PER_EPOCH)), step: scalar(step + 1) });
    const keep = averageDecayAt(recipe.average, step);
    for (const [i, name] of names.entries()) {
      for (const [at, x] of session.read(name).data.entries()) averages[i][at] = keep * averages[i][at] + (1 - keep) * x;
    }
  }
  return [...names.map((name) => [...session.read(name).data]), ...averages];
}
