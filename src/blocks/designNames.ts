/** The designs by name, apart from what builds them: who only refuses a wrong name carries no builder. */
export const designNames = [
  "vanilla",
  "fire",
  "sqnxt",
  "depthwise",
  "inverted",
  "shuffle",
  "shuffle-v2",
  "igc",
  "igcv2",
  "channel",
  "mbconv",
  "fused-mbconv",
  "ghost",
  "micro",
  "compconv",
] as const;

/** What `--conv` takes. */
export type DesignName = (typeof designNames)[number];
