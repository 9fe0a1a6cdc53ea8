import type { Code, Expr, Local, V128 } from "../assembler.ts";
import type { Pointer } from "../kernel.ts";
import type { Arguments, Fields } from "../module.ts";

/** What becomes of finished sums that are not stored as they are. */
export interface PanelResult {
  readonly key: string;
  readonly fields: Fields;
  readonly args: Readonly<Record<string, Pointer | number>>;
  /** Called once where a kernel begins; the result stores the sums of a tile's rows from `row` on, in the panel that begins with `output`. */
  begin(k: Code, args: Arguments<Fields>): (sums: readonly V128[], row: Local<"i32">, output: Expr<"i32">) => void;
}
