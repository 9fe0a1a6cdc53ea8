import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate } from "../src/backends/reference/index.ts";
import { size } from "../src/core/shape.ts";
import type { ReferenceTensor } from "../src/core/tensor.ts";
import type { Session } from "../src/engine/session.ts";
import type { AnyOp } from "../src/ir/op.ts";
import { verify } from "../src/ir/verify.ts";
import { type OpName, ops } from "../src/ops/index.ts";
import { backends, type Tested } from "./backends.ts";
import { type Case, describeCase } from "./cases/case.ts";
import { cases } from "./cases/index.ts";
import { type CaseEpilogue, type CaseGraph, caseGraph } from "./lib/caseGraph.ts";
import { assertClose } from "./lib/compare.ts";
import { epilogueTolerances, tolerances } from "./tolerances.ts";

/** Convolutions, linear layers, normalisation, pooling, activations and their gradients: no backend may leave these to the reference. */
const needsKernel: ReadonlySet<OpName> = new Set<OpName>([
  ...(["conv2d", "conv2dInputGradient", "conv2dWeightGradient", "linear", "linearInputGradient", "linearWeightGradient"] as const),
  ...(["layerRate", "channelSum", "batchNorm", "batchNormEvalGradient", "batchNormTrain", "batchNormGradient"] as const),
  ...(["channelConv", "channelConvInputGradient", "channelConvWeightGradient"] as const),
  ...(["dynamicShiftMax", "dynamicShiftMaxGradient", "maximum", "maximumGradient"] as const),
  ...(["maxPool", "maxPoolGradient", "averagePool", "averagePoolGradient", "globalAveragePool", "globalAveragePoolGradient"] as const),
  ...(["relu", "reluGradient", "relu6", "relu6Gradient", "hardSigmoid", "hardSigmoidGradient", "hardSwish", "hardSwishGradient"] as const),
  ...(["sigmoid", "sigmoidGradient", "silu", "siluGradient"] as const),
  ...(["affine", "clip", "permute", "resample"] as const),
]);

const names = Object.keys(ops) as OpName[];

/** Runs a graph twice (the second run must not see traces of the first) and compares every output with the reference. */
async function check(
  { name, backend, options }: Tested,
  { graph, weights, inputs }: CaseGraph,
  allowed = tolerances,
): Promise<Session["fallbacks"]> {
  verify(graph);
  const wanted = evaluate(graph, weights, inputs);
  const session = await backend.open(graph, weights, options);
  try {
    for (const run of ["first", "second"]) {
      const found = session.run(Object.fromEntries(inputs));
      assert.deepEqual(Object.keys(found), [...wanted.keys()]);
      for (const [output, { shape, data }] of wanted as ReadonlyMap<string, ReferenceTensor>) {
        assert.deepEqual(found[output].shape, shape);
        assertClose(found[output].data, data, allowed[backend.name], `${output} of the ${run} run on ${name}`);
      }
    }
    return session.fallbacks;
  } finally {
    session.dispose();
  }
}

for (const tested of backends) {
  const left = new Set<string>();

  for (const name of names) {
    test(`${tested.name}: ${name} agrees with the reference`, async (t) => {
      for (const testCase of casesFor(tested, name)) {
        await t.test(describeCase(testCase), async () => {
          const fallbacks = await check(tested, caseGraph(ops[name], testCase));
          for (const { op } of fallbacks) left.add(op);
          if (fallbacks.length > 0) t.diagnostic(`${tested.name}: ${name} fell back to the reference on ${describeCase(testCase)}`);
          assert.ok(fallbacks.length === 0 || !needsKernel.has(name), `${name} has no kernel on ${tested.name}`);
        });
      }
    });
  }

  for (const name of names.filter((each) => (ops[each] as AnyOp).takesEpilogue && !isOfIntegers(each))) {
    for (const fused of epilogues()) {
      test(`${tested.name}: ${name} followed by ${fused.op.name} in its epilogue agrees with the reference`, async (t) => {
        for (const testCase of casesFor(tested, name)) {
          const graph = caseGraph(ops[name], testCase, fused);
          await t.test(describeCase(testCase), async () => void (await check(tested, graph, epilogueTolerances)));
        }
      });
    }
  }

  test(`${tested.name}: nodes that fell back to the reference are listed`, (t) => {
    t.diagnostic(`${tested.name}: ${left.size === 0 ? "none fell back" : [...left].join(", ")}`);
  });
}

/** True for ops on integers, whose epilogues integers.test.ts compares. */
function isOfIntegers(name: OpName): boolean {
  return cases[name].some(({ operands }) => operands.some(({ dtype }) => dtype !== undefined));
}

/** The cases of an op that a backend is compared on. */
function casesFor(tested: Tested, name: OpName): readonly Case[] {
  if (tested.cases === "all") return cases[name];
  const elements = ({ operands }: Case): number => operands.reduce((sum, { shape }) => sum + size(shape), 0);
  return cases[name].toSorted((a, b) => elements(b) - elements(a)).slice(0, 2);
}

/** Every elementwise op whose operands can all have one shape. */
function epilogues(): readonly CaseEpilogue[] {
  const isUniform = ({ operands }: Case): boolean => operands.every(({ shape }) => String(shape) === String(operands[0].shape));
  return names.flatMap((name) => {
    const op: AnyOp = ops[name];
    const testCase = op.isElementwise ? cases[name].findLast(isUniform) : undefined;
    return testCase ? [{ op, testCase }] : [];
  });
}
