import type { NetworkOptions } from "../index.ts";
import { given, numberOption, textOption } from "./context.ts";

/** Raw options as the parser gives them. */
export type RawOptions = Readonly<Record<string, unknown>>;

/** --width, --variant, --dropped-strides, --small-image. */
export function networkOptions(raw: RawOptions): NetworkOptions {
  return given({
    width: numberOption("width", raw.width),
    variant: textOption("variant", raw.variant),
    droppedStrides: numberOption("dropped-strides", raw.droppedStrides),
    isSmallImage: raw.smallImage === undefined ? undefined : raw.smallImage === true,
  });
}

/** --threads: how many share a run; by default both of two cores, at most four. */
export function threadsOption(raw: RawOptions, available: number): number {
  return numberOption("threads", raw.threads) ?? Math.max(1, Math.min(4, available));
}
