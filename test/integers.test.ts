/** Integer ops are not close to the reference, but equal to it: on every number of threads, with and without relaxed SIMD. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate } from "../src/backends/reference/index.ts";
import { wasmBackend } from "../src/backends/wasm/index.ts";
import type { OpenOptions } from "../src/engine/session.ts";
import { verify } from "../src/ir/verify.ts";
import { type OpName, ops } from "../src/ops/index.ts";
import { type Case, describeCase } from "./cases/case.ts";
import * as integers from "./cases/integers.ts";
import { type CaseEpilogue, caseGraph } from "./lib/caseGraph.ts";

const { moved, ...own } = integers;
const variants: readonly OpenOptions[] = [{}, { isRelaxedAllowed: false }, { threads: 2 }, { threads: 3, isRelaxedAllowed: false }];

async function assertEqual(name: OpName, testCase: Case, epilogue?: CaseEpilogue): Promise<void> {
  const { graph, weights, inputs } = caseGraph(ops[name], testCase, epilogue);
  verify(graph);
  const wanted = evaluate(graph, weights, inputs);
  for (const options of variants) {
    using session = await wasmBackend.open(graph, weights, options);
    assert.deepEqual(session.fallbacks, [], `${name} fell back to the reference`);
    for (const run of ["first", "second"]) {
      const found = session.run(Object.fromEntries(inputs));
      for (const [output, { data }] of wanted) {
        const at = found[output].data.findIndex((value, i) => value !== data[i]);
        assert.ok(
          at < 0,
          `${output} of the ${run} run, ${JSON.stringify(options)}: element ${at} is ${found[output].data[at]}, not ${data[at]}`,
        );
      }
    }
  }
}

for (const [name, cases] of Object.entries({ ...own, ...moved }) as [OpName, readonly Case[]][]) {
  test(`${name} of integers equals the reference`, async (t) => {
    for (const testCase of cases) await t.test(describeCase(testCase), () => assertEqual(name, testCase));
  });
}

const { integerConv2d, integerDepthwise, integerLinear } = integers;
for (const [name, cases] of Object.entries({ integerConv2d, integerDepthwise, integerLinear }) as [OpName, readonly Case[]][]) {
  test(`${name} with a table in its epilogue equals the reference`, async (t) => {
    const [table] = integers.lookup;
    const fused = { op: ops.lookup, testCase: table };
    for (const testCase of cases.filter(({ attrs }) => (attrs as { to: string }).to !== "f32"))
      await t.test(describeCase(testCase), () => assertEqual(name, testCase, fused));
  });
}
