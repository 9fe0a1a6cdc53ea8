import { activation } from "./activation.ts";

function slope(x: number): number {
  const gate = 1 / (1 + Math.exp(-x));
  return gate * (1 + x * (1 - gate));
}

/** x · sigmoid(x), also called swish. The gradient reads x: the function is not monotonic, y does not tell x. */
export const [silu, siluGradient, siluRule] = activation({
  name: "silu",
  value: (x) => x / (1 + Math.exp(-x)),
  slope,
  slopeReads: "input",
  operations: { adds: 1, multiplications: 3 },
});
