import { activation } from "./activation.ts";

/** max(x, 0). The gradient reads y: y > 0 exactly where x > 0. */
export const [relu, reluGradient, reluRule] = activation({
  name: "relu",
  value: (x) => Math.max(x, 0),
  slope: (y) => (y > 0 ? 1 : 0),
  slopeReads: "output",
  operations: { comparisons: 1 },
});
