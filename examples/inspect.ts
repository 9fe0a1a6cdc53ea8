/** A network is a graph: print it, count it, fold and fuse it, differentiate it. */
import { buildNetwork, differentiate, initialise, optimise, print, staticCost } from "../src/index.ts";

const graph = buildNetwork("shufflenet-v2", { width: 0.5, size: 64, classes: 10 });
const nodes = print(graph)
  .split("\n")
  .filter((line) => line.includes("("));
console.log(`${nodes.slice(0, 12).join("\n")}\n… of ${nodes.length} nodes\n`);

const { params, macs, adds, rows } = staticCost(graph);
const [dearest] = [...rows].sort((a, b) => b.macs - a.macs);
console.log(`${params} parameters, ${macs} multiply–accumulates, ${adds} additions; most in ${dearest.scope}`);

const optimised = optimise(graph, initialise(graph, 1));
console.log(`${graph.nodes.length} nodes, ${optimised.graph.nodes.length} after folding batch normalisation and fusing activations`);

const training = buildNetwork("shufflenet-v2", { width: 0.5, size: 64, classes: 10, batch: 8, isTraining: true });
const { gradients } = differentiate(training, { loss: "logits", cotangent: "dlogits" });
console.log(`${gradients.size} gradients, as nodes of the same graph`);
