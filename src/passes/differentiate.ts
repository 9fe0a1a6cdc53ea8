/**
 * Reverse accumulation as a graph rewrite (Griewank & Walther, Evaluating Derivatives, ch. 3): nodes are visited from the last to the first,
 * each op's gradient rule appends the nodes that carry the gradient of its outputs to its inputs, and the gradients of a value with several
 * readers are added. The result is planned, fused and run like any other graph.
 */
import { InternalError, OptionError } from "../core/errors.ts";
import { formatShape, isSameShape } from "../core/shape.ts";
import { type Graph, leavesOf, type Node, operands, place, type Value } from "../ir/graph.ts";
import { extendScope, type Scope } from "../ir/scope.ts";
import { add } from "../ops/add.ts";
import { gradientOf } from "../ops/gradients.ts";
import { reachable } from "./removeDead.ts";
import { rootsOf } from "./uses.ts";

/** What to differentiate. */
export interface DifferentiateOptions {
  /** Name of the output to differentiate; "loss" if not given. */
  readonly loss?: string;
  /** Leaves whose gradients are wanted; all parameters if not given. */
  readonly wrt?: readonly Value[];
  /** Name of an input to add, of the output's shape: the gradient that reaches it. Without it the output must be a scalar and gets 1. */
  readonly cotangent?: string;
}

/** A graph with the nodes of its gradients appended, and where the gradient of each leaf is (leaves that the output does not read have none). */
export interface Differentiated {
  readonly graph: Graph;
  readonly gradients: ReadonlyMap<Value, Value>;
}

/** Appends the gradient of one output with respect to leaves. */
export function differentiate(graph: Graph, options: DifferentiateOptions = {}): Differentiated {
  const { loss: name = "loss", cotangent, wrt = leavesOf(graph, "parameter") } = options;
  const loss = graph.outputs[name];
  if (!loss) throw new OptionError(`no output "${name}" to differentiate; the graph has ${Object.keys(graph.outputs).join(", ")}`);
  if (!cotangent && loss.shape.length > 0) {
    throw new OptionError(`output "${name}" is ${formatShape(loss.shape)}, but only a scalar [] can be differentiated without a cotangent`);
  }
  const root = extendScope(graph, { isTraining: true });
  const leading = leadingFrom(graph, wrt);
  const gradients = new Map<Value, Value>();
  const accumulate = (g: Scope, value: Value, gradient: Value): void => {
    if (!isSameShape(value.shape, gradient.shape)) {
      throw new InternalError(`gradient ${formatShape(gradient.shape)} for %${value.id} ${formatShape(value.shape)}`);
    }
    const held = gradients.get(value);
    gradients.set(value, held ? add(g, [held, gradient], {}) : gradient);
  };
  accumulate(root, loss, cotangent ? root.input(cotangent, loss.shape) : root.constant([], new Float32Array([1])));

  for (const node of graph.nodes.toReversed()) {
    if (!node.inputs.some((value) => leading.has(value))) continue;
    const dys = node.outputs.map((value) => gradients.get(value));
    if (dys.every((dy) => dy === undefined)) continue;
    const g = node.scope === "" ? root : root.scope(node.scope);
    for (const [i, gradient] of inputGradients(g, node, dys).entries()) {
      if (gradient && leading.has(node.inputs[i])) accumulate(g, node.inputs[i], gradient);
    }
  }
  const found = new Map(wrt.flatMap((leaf) => (gradients.has(leaf) ? [[leaf, gradients.get(leaf) as Value] as const] : [])));
  return { graph: dropUnread(root.finish(), graph, found.values()), gradients: found };
}

/** The values that depend on the leaves: gradients are carried to these only. */
function leadingFrom(graph: Graph, wrt: readonly Value[]): ReadonlySet<Value> {
  const leading = new Set(wrt);
  for (const node of graph.nodes) {
    if (operands(node).some((value) => leading.has(value))) for (const value of node.outputs) leading.add(value);
  }
  return leading;
}

function inputGradients(g: Scope, node: Node, dys: readonly (Value | undefined)[]): readonly (Value | undefined)[] {
  if (node.epilogue.length > 0) throw new InternalError(`${place(node)} has an epilogue; differentiate before fusing`);
  const rule = gradientOf(node.op);
  if (!rule) throw new InternalError(`${place(node)} has no gradient rule`);
  const [dy] = dys;
  if (!dy) throw new InternalError(`${place(node)}: a gradient reaches another output than the first, which no rule carries on`);
  return rule(g, node.inputs, dy, node.attrs, { outputs: node.outputs, dys });
}

/** Gradient rules emit the gradients of all inputs; those that nobody asked for (the image's, say) go. */
function dropUnread(extended: Graph, original: Graph, wanted: Iterable<Value>): Graph {
  const read = reachable(extended, [...rootsOf(extended), ...wanted]);
  const kept = new Set(original.nodes);
  return { ...extended, nodes: extended.nodes.filter((node) => kept.has(node) || node.outputs.some((value) => read.has(value))) };
}
