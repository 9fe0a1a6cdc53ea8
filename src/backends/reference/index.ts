import type { Backend } from "../../engine/session.ts";
import { openSession } from "./session.ts";

export { evaluate, interpret } from "./interpret.ts";

/** Plain loops in float64: the definition that every other backend is tested against. */
export const referenceBackend: Backend = {
  name: "reference",
  open: async (graph, weights) => openSession(graph, weights),
};
