/** For tests: one op application on the engine beside the op's float64 reference, on one and on two threads. */
import assert from "node:assert/strict";
import { random } from "../../../core/random.ts";
import { type Shape, size } from "../../../core/shape.ts";
import { type ReferenceTensor, type Tensor, toReference } from "../../../core/tensor.ts";
import { computeNode } from "../../../ir/computeNode.ts";
import type { Value } from "../../../ir/graph.ts";
import type { AnyOp } from "../../../ir/op.ts";
import { graphScope } from "../../../ir/scope.ts";
import { wasmBackend } from "../index.ts";

/** How to draw operands and how close results must be, relative to the largest element of each output. */
export interface AgreementOptions {
  readonly tolerance?: number;
  /** Replaces the drawn (standard normal) operand `index`. */
  readonly operand?: (index: number, shape: Shape) => Float32Array | undefined;
  /** Appends fused elementwise ops that take no further operand. */
  readonly epilogue?: readonly AnyOp[];
}

function drawn(shape: Shape, index: number, { operand }: AgreementOptions): Tensor {
  const stream = random(7, `operand ${index} ${shape.join()}`);
  return { shape, data: operand?.(index, shape) ?? Float32Array.from({ length: size(shape) }, (_, i) => stream.normal(i)) };
}

/** Fails unless every output agrees with the reference and two threads give the bits of one. */
export async function assertAgreement(op: AnyOp, shapes: readonly Shape[], attrs: object, options: AgreementOptions = {}): Promise<void> {
  const g = graphScope();
  const tensors = shapes.map((shape, i) => drawn(shape, i, options));
  const leaves = shapes.map((shape, i): Value => {
    const isWeight = op.weightInputs?.includes(i);
    return isWeight ? g.parameter(`x${i}`, shape, { kind: "constant", value: 0 }) : g.input(`x${i}`, shape);
  });
  const fused = (options.epilogue ?? []).map((each) => ({ op: each, attrs: {}, inputs: [] }));
  const outputs = g.emit(op, leaves, attrs, fused);
  for (const [i, value] of outputs.entries()) g.output(`y${i}`, value);
  const graph = g.finish();
  const [node] = graph.nodes;
  const lookup = (value: Value): ReferenceTensor => toReference(tensors[leaves.indexOf(value)]);
  const expected = computeNode(node, lookup);
  const named = new Map(tensors.map((tensor, i) => [`x${i}`, tensor]));
  const bits: Record<string, Tensor>[] = [];
  for (const threads of [1, 2]) {
    const session = await wasmBackend.open(graph, named, { threads });
    try {
      assert.deepEqual(session.fallbacks, [], `${op.name} fell back to the reference`);
      bits.push(session.run(Object.fromEntries(named)));
    } finally {
      session.dispose();
    }
  }
  for (const [i, y] of expected.entries()) {
    const what = `${op.name} ${JSON.stringify(shapes)} ${JSON.stringify(attrs)} output ${i}`;
    assertClose(bits[0][`y${i}`].data, y.data, options.tolerance ?? 3e-6, what);
    assert.deepEqual(bits[1][`y${i}`].data, bits[0][`y${i}`].data, `${what} depends on the number of threads`);
  }
}

function assertClose(found: Float32Array, expected: Float64Array, tolerance: number, what: string): void {
  const largest = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-30);
  for (const [i, x] of expected.entries()) {
    const isClose = Math.abs(found[i] - x) <= tolerance * largest;
    assert.ok(isClose, `${what}: element ${i} is ${found[i]}, the reference gives ${x} (largest ${largest})`);
  }
}
