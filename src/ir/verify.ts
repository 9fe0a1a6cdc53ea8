import { InternalError } from "../core/errors.ts";
import { formatShape, isSameShape, size } from "../core/shape.ts";
import type { Fused, Graph, Node, Value } from "./graph.ts";
import { dtypeOf, place } from "./graph.ts";
import { elementsOf, isEmitted } from "./scope.ts";

function claim(holds: boolean, message: () => string): asserts holds {
  if (!holds) throw new InternalError(`invalid graph: ${message()}`);
}

/**
 * Returns the graph if it is well formed, else throws: every value exists before it is read, shapes are what the ops' rules give, ids and
 * leaf names are unique, epilogues are elementwise, updates replace a parameter or state by a value of its shape. Run after every pass.
 */
export function verify(graph: Graph): Graph {
  const known = new Set<Value>();
  const ids = new Set<number>();
  const learn = (value: Value, where: string): void => {
    claim(!ids.has(value.id), () => `two values %${value.id}, the second from ${where}`);
    ids.add(value.id);
    known.add(value);
  };
  verifyLeaves(graph, learn);
  for (const node of graph.nodes) {
    for (const [i, value] of node.inputs.entries())
      claim(known.has(value), () => `${place(node)} reads %${value.id} (input ${i}) too early`);
    if (!isEmitted(node)) verifyShapes(node);
    for (const fused of node.epilogue) verifyFused(node, fused, known);
    for (const value of node.outputs) learn(value, place(node));
  }
  for (const [name, value] of Object.entries(graph.outputs)) claim(known.has(value), () => `output "${name}" is not computed`);
  verifyUpdates(graph, known);
  return graph;
}

function verifyLeaves(graph: Graph, learn: (value: Value, where: string) => void): void {
  const names = new Set<string>();
  for (const leaf of graph.leaves) {
    const { name, kind, shape, data, producer } = leaf;
    claim(name !== undefined && kind !== "computed" && !producer, () => `%${leaf.id} is among the leaves, but is computed or has no name`);
    claim(!names.has(name), () => `two leaves named "${name}"`);
    claim(
      kind !== "constant" || data?.length === size(shape),
      () => `constant "${name}" ${formatShape(shape)} has ${data?.length} elements`,
    );
    names.add(name);
    learn(leaf, `the leaf "${name}"`);
  }
}

function verifyShapes(node: Node): void {
  const shapes = node.op.shapes(
    node.inputs.map(({ shape }) => shape),
    node.attrs,
    node.scope,
  );
  claim(shapes.length === node.outputs.length, () => `${place(node)} has ${node.outputs.length} outputs, needed ${shapes.length}`);
  const dtype = elementsOf(node.op, node.inputs, node.attrs, node.epilogue, node.scope);
  for (const [i, value] of node.outputs.entries()) {
    claim(dtypeOf(value) === dtype, () => `${place(node)}: output ${i} is ${dtypeOf(value)}, needed ${dtype}`);
    claim(
      isSameShape(value.shape, shapes[i]),
      () => `${place(node)}: output ${i} is ${formatShape(value.shape)}, needed ${formatShape(shapes[i])}`,
    );
    claim(value.producer === node && value.index === i, () => `${place(node)}: output ${i} names another producer`);
  }
}

function verifyFused(node: Node, fused: Fused, known: ReadonlySet<Value>): void {
  const where = `${fused.op.name} fused into ${place(node)}`;
  claim(node.op.takesEpilogue === true, () => `${where}, which takes no epilogue`);
  claim(fused.op.isElementwise === true, () => `${where} is not elementwise`);
  for (const value of fused.inputs) claim(known.has(value), () => `${where} reads %${value.id} too early`);
  const { shape } = node.outputs[0];
  const shapes = fused.op.shapes([shape, ...fused.inputs.map((value) => value.shape)], fused.attrs, node.scope);
  claim(shapes.length === 1 && isSameShape(shapes[0], shape), () => `${where} changes the shape`);
}

function verifyUpdates(graph: Graph, known: ReadonlySet<Value>): void {
  const targets = new Set<Value>();
  for (const { target, source } of graph.updates) {
    const name = `update of "${target.name}"`;
    claim(known.has(target) && known.has(source), () => `${name}: target or source is not in the graph`);
    claim(
      target.kind === "parameter" || target.kind === "state",
      () => `${name}: only parameters and states are updated, found ${target.kind === "input" ? "an" : "a"} ${target.kind}`,
    );
    claim(isSameShape(target.shape, source.shape), () => `${name} ${formatShape(target.shape)} by ${formatShape(source.shape)}`);
    claim(!targets.has(target), () => `${name} happens twice`);
    targets.add(target);
  }
}
