import { activation } from "./activation.ts";

/** 1 / (1 + e⁻ˣ). The gradient reads y. */
export const [sigmoid, sigmoidGradient, sigmoidRule] = activation({
  name: "sigmoid",
  value: (x) => 1 / (1 + Math.exp(-x)),
  slope: (y) => y * (1 - y),
  slopeReads: "output",
  operations: { adds: 1, multiplications: 2 },
});
