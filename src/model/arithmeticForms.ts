import { OptionError } from "../core/errors.ts";
import type { Graph } from "../ir/graph.ts";
import { type BuildOptions, buildNetwork, findNetwork } from "../networks/index.ts";
import { type Arithmetic, arithmetics } from "../passes/setArithmetic.ts";
import { type StaticCost, staticCost } from "../profile/staticCost.ts";

/** A network computing in one way: its graph and what that costs, or why it cannot. */
export type ArithmeticForm =
  | { readonly arithmetic: Arithmetic; readonly graph: Graph; readonly cost: StaticCost }
  | { readonly arithmetic: Arithmetic; readonly refused: string };

/** One network in every arithmetic, the asked one (or its own) first; throws where that one cannot be built. */
export function arithmeticForms(name: string, options: BuildOptions = {}): readonly ArithmeticForm[] {
  const asked = options.arithmetic ?? findNetwork(name).arithmetic ?? "product";
  const graph = buildNetwork(name, options);
  const others = (Object.keys(arithmetics) as Arithmetic[]).filter((arithmetic) => arithmetic !== asked);
  return [{ arithmetic: asked, graph, cost: staticCost(graph) }, ...others.map((arithmetic) => formOf(name, options, arithmetic))];
}

function formOf(name: string, { gradient: _, ...options }: BuildOptions, arithmetic: Arithmetic): ArithmeticForm {
  try {
    const graph = buildNetwork(name, { ...options, arithmetic });
    return { arithmetic, graph, cost: staticCost(graph) };
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    return { arithmetic, refused: error.message };
  }
}
