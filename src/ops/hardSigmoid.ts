import { activation } from "./activation.ts";

/** min(max(x + 3, 0), 6) / 6. MobileNetV3, arXiv 1905.02244, section 5.2. The gradient reads x. */
export const [hardSigmoid, hardSigmoidGradient, hardSigmoidRule] = activation({
  name: "hardSigmoid",
  value: (x) => Math.min(Math.max(x + 3, 0), 6) / 6,
  slope: (x) => (x > -3 && x < 3 ? 1 / 6 : 0),
  slopeReads: "input",
  operations: { adds: 1, multiplications: 1, comparisons: 2 },
});
