import assert from "node:assert/strict";
import { evaluate } from "../../src/backends/reference/index.ts";
import { verify } from "../../src/ir/verify.ts";
import type { Weighted } from "../../src/passes/foldConstants.ts";
import type { Tested } from "../backends.ts";
import type { Tolerance } from "../tolerances.ts";
import { assertClose } from "./compare.ts";
import { randomInputs } from "./randomWeights.ts";

/** A backend gives what the reference gives, no node falling back; updated leaves hold what the graph says. */
export async function assertAgrees({ backend, options }: Tested, { graph, weights }: Weighted, tolerance: Tolerance): Promise<void> {
  const inputs = randomInputs(graph);
  const wanted = evaluate(graph, weights, inputs);
  const session = await backend.open(graph, weights, options);
  try {
    assert.deepEqual([...new Set(session.fallbacks.map(({ op }) => op))], []);
    const found = session.run(Object.fromEntries(inputs));
    for (const [name, { data }] of wanted) assertClose(found[name].data, data, tolerance, name);
    for (const { target, source } of graph.updates) {
      const output = Object.entries(graph.outputs).find(([, value]) => value === source);
      if (output)
        assertClose(
          session.read(target.name as string).data,
          found[output[0]].data,
          { relative: 1e-7, absolute: 0 },
          `${target.name} after the run`,
        );
    }
  } finally {
    session.dispose();
  }
}

/** Two forms of a graph compute the same on the reference. */
export function assertSameOutputs(before: Weighted, after: Weighted, tolerance: Tolerance, what: string): void {
  verify(after.graph);
  const inputs = randomInputs(before.graph);
  const wanted = evaluate(before.graph, before.weights, inputs);
  const found = evaluate(after.graph, after.weights, inputs);
  assert.deepEqual([...found.keys()], [...wanted.keys()]);
  for (const [output, { data }] of wanted) assertClose(found.get(output)?.data ?? [], data, tolerance, `${output} after ${what}`);
}
