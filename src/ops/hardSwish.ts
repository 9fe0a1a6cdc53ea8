import { activation } from "./activation.ts";

function slope(x: number): number {
  if (x <= -3) return 0;
  return x < 3 ? x / 3 + 0.5 : 1;
}

/** x · min(max(x + 3, 0), 6) / 6. MobileNetV3, arXiv 1905.02244, section 5.2. The gradient reads x. */
export const [hardSwish, hardSwishGradient, hardSwishRule] = activation({
  name: "hardSwish",
  value: (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6,
  slope,
  slopeReads: "input",
  operations: { adds: 1, multiplications: 2, comparisons: 2 },
});
