import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, interpret } from "../src/backends/reference/index.ts";
import { random } from "../src/core/random.ts";
import { type ReferenceTensor, toReference } from "../src/core/tensor.ts";
import type { AnyOp } from "../src/ir/op.ts";
import { verify } from "../src/ir/verify.ts";
import { gradientOf } from "../src/ops/gradients.ts";
import { ops } from "../src/ops/index.ts";
import { differentiate } from "../src/passes/differentiate.ts";
import { type Case, describeCase, drawOperand, operand } from "./cases/case.ts";
import { cases } from "./cases/index.ts";
import { caseGraph } from "./lib/caseGraph.ts";
import { assertClose } from "./lib/compare.ts";
import { finiteDifferences } from "./tolerances.ts";

const STEP = 1e-4;
/** Elements of each operand whose derivative is measured. */
const SAMPLES = 12;

function sampled(length: number, name: string): number[] {
  if (length <= SAMPLES) return Array.from({ length }, (_, i) => i);
  const stream = random(2, name);
  return Array.from({ length: SAMPLES }, (_, i) => stream.integer(i, length));
}

function checkGradient(op: AnyOp, testCase: Case): void {
  const { graph, leaves, weights, inputs } = caseGraph(op, testCase);
  const held = new Map([...weights, ...inputs].map(([name, tensor]) => [name, toReference(tensor)]));
  const [y] = op.shapes(
    leaves.map((leaf) => leaf.shape),
    testCase.attrs,
  );
  const cotangent = toReference(drawOperand("cotangent", operand(y), 0));
  const differentiated = differentiate(graph, { loss: "y0", cotangent: "dy", wrt: leaves });
  verify(differentiated.graph);
  const given = new Map([...held, ["dy", cotangent]]);
  const values = interpret(differentiated.graph, given, given);
  const objective = (): number => dot(evaluate(graph, held, held).get("y0") as ReferenceTensor, cotangent);

  for (const [i, leaf] of leaves.entries()) {
    const gradient = differentiated.gradients.get(leaf);
    assert.equal(gradient === undefined, testCase.operands[i].isFrozen === true, `operand ${i}: whether a gradient reaches it`);
    if (!gradient) continue;
    const data = (held.get(leaf.name as string) as ReferenceTensor).data;
    const slopes = (values.get(gradient) as ReferenceTensor).data;
    const places = sampled(data.length, `${op.name}.${i}`);
    const measured = places.map((at) => derivative(data, at, objective));
    assertClose(
      places.map((at) => slopes[at]),
      measured,
      finiteDifferences,
      `gradient of operand ${i}`,
    );
  }
}

function derivative(data: Float64Array, at: number, objective: () => number): number {
  const held = data[at];
  data[at] = held + STEP;
  const above = objective();
  data[at] = held - STEP;
  const below = objective();
  data[at] = held;
  return (above - below) / (2 * STEP);
}

function dot(a: ReferenceTensor, b: ReferenceTensor): number {
  return a.data.reduce((sum, element, i) => sum + element * b.data[i], 0);
}

for (const [name, op] of Object.entries(ops) as [keyof typeof ops, AnyOp][]) {
  if (!gradientOf(op)) continue;
  test(`${name}: the gradient agrees with finite differences`, async (t) => {
    // Gradients that are deliberately not the derivative are held to their stated form, beside the op.
    for (const testCase of cases[name].filter(({ attrs }) => !op.surrogate?.(attrs)))
      await t.test(describeCase(testCase), () => checkGradient(op, testCase));
  });
}
