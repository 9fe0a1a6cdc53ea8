import { EngineError } from "../../core/errors.ts";

/** Bytes of a page of WebAssembly memory. */
export const PAGE = 65536;
/** Bytes behind the arena: kernels may load (never use) a vector or two behind a buffer. */
const SLACK = 64;
/** Memory addresses are signed 32-bit in our kernels' comparisons. */
const MOST_BYTES = 2 ** 31 - PAGE;

/** Pages of a memory that holds so many bytes; refuses what the kernels cannot address. */
export function pagesFor(bytes: number): number {
  const pages = Math.ceil((bytes + SLACK) / PAGE);
  if (pages * PAGE <= MOST_BYTES) return pages;
  throw new EngineError(
    `this graph needs ${Math.ceil((pages * PAGE) / 2 ** 20)} MiB, the engine takes at most 2048 MiB: use a smaller batch or image`,
  );
}
