/**
 * The float graph that computes what the integer graph does: every weight, bias and activation is rounded where integers round it. Gradients go
 * straight through, so that a network can be trained for its integers. Jacob et al., arXiv 1712.05877, section 3.
 */
import { mostOfType } from "../core/dtype.ts";
import type { Graph, Node, Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { fakeQuantise } from "../ops/fakeQuantise.ts";
import { narrowScales, wideScales } from "../ops/filterScales.ts";
import { roundToScales } from "../ops/roundToScales.ts";
import { type Rounding, scalePlace } from "./quantisation.ts";
import { rewrite } from "./rewrite.ts";
import type { FilterTask, IntegerGraph } from "./toInteger.ts";

/** Beyond every weight in units of an activation's scale; float32 counts as far without gaps. */
const UNBOUNDED = 2 ** 22;

function roundedActivation(g: Scope, x: Value, { scale, zero, to }: Rounding): Value {
  return fakeQuantise(g, [x], { scale, zero, low: 0, high: mostOfType[to] });
}

/** A layer's weight and bias as their integers stand for them. */
function roundedFilter(g: Scope, [weight, bias]: readonly Value[], task: FilterTask): readonly Value[] {
  const { input, output, similarity, leaves } = task;
  const given = bias ? [bias] : [];
  if (similarity === "l1") return [fakeQuantise(g, [weight], { ...input, low: -UNBOUNDED, high: UNBOUNDED }), ...given];
  const { least, ...place } = scalePlace(task);
  const exact = { unit: 1, shift: 0 };
  if (leaves.kind === "wide") return [roundToScales(g, [weight, wideScales(g, [weight], place)], exact), ...given];
  const row = bias ?? g.constant([weight.shape[0]], new Float32Array(weight.shape[0]));
  const scales = narrowScales(g, [weight, row], { ...place, least });
  const { scale = 1, zero = 0 } = output ?? {};
  return [roundToScales(g, [weight, scales], exact), roundToScales(g, [row, scales], { unit: input.scale, shift: zero * scale })];
}

/** A folded graph over the same leaves, with the roundings of its integer form. */
export function simulateIntegers(graph: Graph, { filters, floats, roundings }: IntegerGraph): Graph {
  const tasks = new Map(filters.map((task) => [task.layer, task]));
  // Leaves, which nothing produces, are floats too: their readers in integers round them, the others do not.
  const isFloat = new Set<Node | undefined>([...floats, undefined]);
  const roundedFloats = new Map<Value, Value>();
  return rewrite(graph, (node, { at, map }) => {
    if (isFloat.has(node)) return undefined;
    const g = at(node.scope);
    const read = (value: Value): Value => {
      const rounding = roundings.get(value);
      if (!rounding || !isFloat.has(value.producer)) return map(value);
      const held = roundedFloats.get(value) ?? roundedActivation(g, map(value), rounding);
      roundedFloats.set(value, held);
      return held;
    };
    const task = tasks.get(node);
    const inputs = node.inputs.map(read);
    const operands = task ? [inputs[0], ...roundedFilter(g, inputs.slice(1), task)] : inputs;
    return g.emit(node.op, operands, node.attrs).map((y, i) => {
      const rounding = roundings.get(node.outputs[i]);
      return rounding ? roundedActivation(g, y, rounding) : y;
    });
  });
}
