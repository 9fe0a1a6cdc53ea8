/** One cold process of start.ts: from weights in memory to the first logits of a network. Prints its times as JSON. */
import { setTimeout } from "node:timers/promises";
import { buildNetwork, compile, findNetwork, initialise } from "../src/index.ts";

const name = process.argv[2];
const size = findNetwork(name).inputSize;
const weights = initialise(buildNetwork(name, { size }), 1);
// The garbage of making weights is not the start's.
await setTimeout(200);

const times = [performance.now()];
const graph = buildNetwork(name, { size });
times.push(performance.now());
using session = await compile(graph, weights);
times.push(performance.now());
for (let run = 0; run < 2; run++) {
  session.runInPlace();
  times.push(performance.now());
}
const [build, compiled, first, second] = times.slice(1).map((time, i) => time - times[i]);
console.log(JSON.stringify({ build, compile: compiled, firstRun: first, total: build + compiled + first, secondRun: second }));
