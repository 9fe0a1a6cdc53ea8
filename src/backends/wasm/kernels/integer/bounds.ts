/** The end of every integer kernel, on sixteen bytes that were saturated to 0 … 255: bounds, and a table where an activation was fused. */
import type { Node, Value } from "../../../../ir/graph.ts";
import type { Requantised } from "../../../../ir/integer.ts";
import type { OpName } from "../../../../ops/index.ts";
import { type Code, i8x16, i16x8, i32, type Local, type V128, v128 } from "../../assembler.ts";
import type { LowerContext, Pointer } from "../../kernel.ts";
import type { Fields } from "../../module.ts";

/** Bounds ready for a kernel: further fields and the code. */
export interface Bounds {
  readonly key: string;
  readonly fields: Fields;
  readonly args: Readonly<Record<string, Pointer | number>>;
  begin(k: Code, args: object): (x: V128) => V128;
}

/** Entries of a table in one vector. */
const ENTRIES = 16;

/**
 * table[x] on sixteen bytes: the low four bits choose from every vector of the table, the high bits, from the highest down, among those:
 * a tree of choices, each between the entries with a bit and those without.
 */
export function lookedUp(k: Code, table: Local<"i32">, x: V128, entries: number): V128 {
  const place = k.local(x);
  const low = k.local(v128.and(place, i8x16.splat(ENTRIES - 1)));
  const zero = k.local(v128.const32(0, 0, 0, 0));
  const bits = Math.log2(entries / ENTRIES);
  // Bit 4 + i of each byte, shifted to where the sign is, as a mask of the whole byte.
  const masks = Array.from({ length: bits }, (_, i) => k.local(i8x16.gt(zero, i16x8.shl(place, 3 - i))));
  const chosen = (first: number, bit: number): V128 => {
    if (bit < 0) return k.permute(v128.load(table, first), low);
    const half = ENTRIES << bit;
    const without = k.local(chosen(first, bit - 1));
    return k.choose(masks[bit], chosen(first + half, bit - 1), without);
  };
  return k.local(chosen(0, bits - 1));
}

/** The ops that an epilogue may hold: which of their further operands is the table. */
const tables: Readonly<Partial<Record<OpName, number>>> = { lookup: 0 };

/** The one table of an epilogue; "none" where it is empty, undefined where there is more. */
function tableOf({ epilogue }: Node): Value | "none" | undefined {
  if (epilogue.length === 0) return "none";
  const [{ op, inputs }] = epilogue;
  const operand = tables[op.name as OpName];
  return epilogue.length > 1 || operand === undefined ? undefined : inputs[operand];
}

/** The bounds that a node's attributes give, then its epilogue's table; undefined where the epilogue has no kernel. */
export function boundsOf(node: Node, context: LowerContext): Bounds | undefined {
  const { low, high } = node.attrs as Requantised;
  const table = tableOf(node);
  if (table === undefined) return undefined;
  const [isRaised, isLowered, isTable] = [low > 0, high < 255, table !== "none"];
  const marks = [isRaised && "raised", isLowered && "lowered", isTable && "table"].filter(Boolean);
  return {
    key: marks.map((mark) => ` ${mark}`).join(""),
    fields: { ...(isRaised ? { low: "i32" } : {}), ...(isLowered ? { high: "i32" } : {}), ...(isTable ? { table: "i32" } : {}) } as Fields,
    args: { ...(isRaised ? { low } : {}), ...(isLowered ? { high } : {}), ...(table === "none" ? {} : { table: context.at(table) }) },
    begin(k, given) {
      const args = given as Readonly<Record<"low" | "high" | "table", Local<"i32">>>;
      const least = isRaised ? k.local(i8x16.splat(args.low)) : undefined;
      const most = isLowered ? k.local(i8x16.splat(args.high)) : undefined;
      return (x) => {
        const raised = least ? i8x16.maxU(x, least) : x;
        const bounded = most ? i8x16.minU(raised, most) : raised;
        return isTable ? lookedUp(k, args.table, bounded, 256) : bounded;
      };
    },
  };
}

/** Bytes of a unit where buffers are walked from front to back. */
export const UNIT_BYTES = 16_384;

/** Visits the vectors of the units: `at` counts bytes. */
export function eachVector(
  k: Code,
  { begin, end, bytes }: { begin: Local<"i32">; end: Local<"i32">; bytes: Local<"i32"> },
  visit: (at: Local<"i32">) => void,
): void {
  k.for({ from: begin.times(UNIT_BYTES), to: k.local(i32.min(end.times(UNIT_BYTES), bytes)), step: 16 }, visit);
}
