import { size } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import { blockTotal, MOST_WEIGHT, signedTotal } from "../ops/integerSums.ts";
import type { FilterTask } from "../passes/toInteger.ts";

const isWithin = (x: number, low: number, high: number): boolean => Number.isInteger(x) && x >= low && x <= high;

function tooMuch(output: number, name: string, total: number): string {
  return `the weights of output ${output} of "${name}" add up to ${total}, needed are at most ${MOST_WEIGHT}`;
}

/** What is wrong with the leaves of one layer, or nothing. */
function faultOf({ leaves, similarity }: FilterTask, weights: ReadonlyMap<string, Tensor>): string | undefined {
  const at = (name: string): Float32Array => (weights.get(name) as Tensor).data;
  const data = at(leaves.weight);
  const wrong = data.find((weight) => !isWithin(weight, -128, 127));
  if (wrong !== undefined) return `"${leaves.weight}" holds ${wrong}, needed are integers from -128 to 127`;
  const [outputs, , ...kernel] = (weights.get(leaves.weight) as Tensor).shape;
  const length = data.length / outputs;
  for (let o = 0; o < outputs; o++) {
    const filter = data.subarray(o * length, (o + 1) * length);
    const total = signedTotal(filter);
    if (leaves.kind === "wide") {
      const most = 127 * total * Math.abs(at(leaves.ratio)[o]) + Math.abs(at(leaves.offset)[o]);
      const short = similarity === "product" ? blockTotal(filter, size(kernel)) : 0;
      if (short > MOST_WEIGHT) return tooMuch(o, leaves.weight, short);
      if (!(most < 2 ** 31)) return `output ${o} of "${leaves.weight}" may leave 32 bits: ratio ${at(leaves.ratio)[o]}`;
    } else {
      if (total > MOST_WEIGHT) return tooMuch(o, leaves.weight, total);
      const [bias, factor] = [at(leaves.bias)[o], at(leaves.factor)[o]];
      if (!isWithin(bias, -32_768, 32_767)) return `"${leaves.bias}" holds ${bias}, needed are integers of 16 bits`;
      if (!isWithin(factor, 1, 32_767)) return `"${leaves.factor}" holds ${factor}, needed are integers from 1 to 32767`;
    }
  }
  return undefined;
}

/** What is wrong with the integer leaves of a graph, or nothing: kernels count on sums that fit. */
export function filterFault(filters: readonly FilterTask[], weights: ReadonlyMap<string, Tensor>): string | undefined {
  for (const task of filters) {
    const fault = faultOf(task, weights);
    if (fault) return fault;
  }
  return undefined;
}
