import type { NetworkOptions } from "../index.ts";
import type { Dataset } from "../train.ts";

/** What `fit` does unless told otherwise. */
export interface Defaults {
  readonly network: string;
  readonly options: NetworkOptions;
  readonly size: number;
  readonly recipe: string;
}

/** Photographs of no common size are brought to this side. */
const PHOTO_SIZE = 96;
const SMALL = 64;

/** Defaults for a data set, by the side of its images. Networks keep resolution on small ones. */
export function defaultsFor(data: Dataset, askedSize: number | undefined, askedNetwork: string | undefined): Defaults {
  const size = askedSize ?? data.nativeSize ?? PHOTO_SIZE;
  const isSmall = size <= SMALL;
  const network = askedNetwork ?? (isSmall ? "vanilla-compact" : "mobilenet-v2");
  const width = askedNetwork === undefined && !isSmall ? { width: 0.5 } : {};
  return { network, options: { ...width, ...(size < 112 ? { isSmallImage: true } : {}) }, size, recipe: isSmall ? "small" : "photos" };
}
