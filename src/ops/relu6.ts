import { activation } from "./activation.ts";

/** min(max(x, 0), 6), MobileNet's activation. The gradient reads y: 0 < y < 6 exactly where 0 < x < 6. */
export const [relu6, relu6Gradient, relu6Rule] = activation({
  name: "relu6",
  value: (x) => Math.min(Math.max(x, 0), 6),
  slope: (y) => (y > 0 && y < 6 ? 1 : 0),
  slopeReads: "output",
  operations: { comparisons: 2 },
});
