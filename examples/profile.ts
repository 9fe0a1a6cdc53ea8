/** What each layer costs on paper and how long it takes here. */
import { buildNetwork, compile, initialise, measureCost, staticCost } from "../src/index.ts";

const [network = "mobilenet-v3-small", size = "96"] = process.argv.slice(2);
const graph = buildNetwork(network, { size: Number(size), classes: 100 });
const { macs, params, peakBytes } = staticCost(graph);
console.log(`${network} at ${size}²: ${params} parameters, ${macs} multiply–accumulates, ${peakBytes} bytes of activations at the peak`);

using session = await compile(graph, initialise(graph, 1));
session.view("image").data.fill(0.5);
const { milliseconds, rows, fallbacks } = measureCost(session);
console.log(`${milliseconds.toFixed(2)} ms a run; ${fallbacks} layers without a kernel; the slowest:`);
for (const row of [...rows].sort((a, b) => b.milliseconds - a.milliseconds).slice(0, 5)) {
  console.log(`${row.milliseconds.toFixed(3)} ms  ${row.op.padEnd(20)} ${row.scope}`);
}
