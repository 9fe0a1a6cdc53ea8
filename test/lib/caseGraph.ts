import type { DType } from "../../src/core/dtype.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import type { Graph, Value } from "../../src/ir/graph.ts";
import type { AnyOp } from "../../src/ir/op.ts";
import { graphScope } from "../../src/ir/scope.ts";
import { type Case, drawOperand } from "../cases/case.ts";

/** A graph of one node, with what its leaves hold. Outputs are called y0, y1 … */
export interface CaseGraph {
  readonly graph: Graph;
  readonly leaves: readonly Value[];
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly inputs: ReadonlyMap<string, Tensor>;
}

/** An elementwise op to put into the epilogue of the node. */
export interface CaseEpilogue {
  readonly op: AnyOp;
  readonly testCase: Case;
}

/**
 * The graph of one case. Operands that the op keeps as weights, and vectors, are parameters; the others are inputs, as in networks.
 * The epilogue's further operands are drawn by its own case, in the shape of the node's output.
 */
export function caseGraph(op: AnyOp, testCase: Case, epilogue?: CaseEpilogue): CaseGraph {
  const g = graphScope({ isTraining: true });
  const weights = new Map<string, Tensor>();
  const inputs = new Map<string, Tensor>();
  const leaf = (name: string, tensor: Tensor, isWeight: boolean, dtype?: DType): Value => {
    (isWeight ? weights : inputs).set(name, tensor);
    return isWeight ? g.parameter(name, tensor.shape, { kind: "constant", value: 0 }, dtype) : g.input(name, tensor.shape, dtype);
  };
  const leaves = testCase.operands.map((operand, i) => {
    const isWeight = op.weightInputs?.includes(i) || operand.shape.length === 1;
    return leaf(`operand${i}`, drawOperand(op.name, operand, i), isWeight, operand.dtype);
  });
  const shape = op.shapes(
    leaves.map((value) => value.shape),
    testCase.attrs,
  )[0];
  const further = (epilogue?.testCase.operands.slice(1) ?? []).map((operand, i) => {
    const isRow = operand.shape.length === 1;
    return leaf(`fused${i}`, drawOperand(op.name, isRow ? operand : { ...operand, shape }, i), isRow, operand.dtype);
  });
  const fused = epilogue ? [{ op: epilogue.op, attrs: epilogue.testCase.attrs, inputs: further }] : [];
  const outputs = g.scope("case").emit(op, leaves, testCase.attrs, fused);
  for (const [i, value] of outputs.entries()) g.output(`y${i}`, value);
  return { graph: g.finish(), leaves, weights, inputs };
}
