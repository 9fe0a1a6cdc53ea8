import { OptionError } from "../core/errors.ts";

/** A test of one number, and the words for what it needs. */
export interface Range {
  readonly isInteger?: true;
  readonly from?: number;
  readonly above?: number;
  readonly to?: number;
  readonly below?: number;
}

/** A share that leaves something over. */
export const fraction: Range = { from: 0, below: 1 };

/** Refuses what is no number of the range, naming the field, what was found and what it needs. */
export function check(field: string, found: unknown, range: Range): void {
  const { isInteger, from = Number.NEGATIVE_INFINITY, above = Number.NEGATIVE_INFINITY } = range;
  const { to = Number.POSITIVE_INFINITY, below = Number.POSITIVE_INFINITY } = range;
  const isWhole = typeof found === "number" && (isInteger ? Number.isInteger(found) : Number.isFinite(found));
  if (isWhole && found >= from && found > above && found <= to && found < below) return;
  const limits = [
    range.from !== undefined ? `at least ${from}` : range.above !== undefined ? `above ${above}` : "",
    range.to !== undefined ? `at most ${to}` : range.below !== undefined ? `below ${below}` : "",
  ].filter((words) => words !== "");
  throw new OptionError(`${field} is ${String(found)}; it needs ${isInteger ? "a whole number" : "a number"} ${limits.join(" and ")}`);
}
