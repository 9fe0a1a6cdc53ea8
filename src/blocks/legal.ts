import { OptionError } from "../core/errors.ts";
import type { Scope } from "../ir/scope.ts";

/** The positive multiple of `divisor` that is nearest to `count`; the larger of two. */
export function nearestMultiple(count: number, divisor: number): number {
  return Math.max(divisor, Math.round(count / divisor) * divisor);
}

/** Rounds channels to a multiple of `divisor` without losing more than a tenth: the rule of the MobileNets' published code. */
export function makeDivisible(channels: number, divisor = 8): number {
  const rounded = Math.max(divisor, Math.floor((channels + divisor / 2) / divisor) * divisor);
  return rounded < 0.9 * channels ? rounded + divisor : rounded;
}

function placeOf(g: Scope): string {
  return g.path === "" ? "" : ` at "${g.path}"`;
}

/** Refuses channels that a block cannot divide, with the nearest number that it can. */
export function needMultiple(g: Scope, what: string, count: number, divisor: number): void {
  if (count > 0 && count % divisor === 0) return;
  throw new OptionError(
    `${what}${placeOf(g)}: ${count} is not a multiple of ${divisor}; nearest legal value ${nearestMultiple(count, divisor)}`,
  );
}

/** Refuses a count that is not whole or out of range, with the nearest one that is. */
export function needWhole(
  g: Scope,
  what: string,
  count: number,
  { least = 1, most = Number.MAX_SAFE_INTEGER }: { least?: number; most?: number } = {},
): void {
  if (Number.isSafeInteger(count) && count >= least && count <= most) return;
  const range = most === Number.MAX_SAFE_INTEGER ? `of ${least} or more` : `from ${least} to ${most}`;
  const legal = Math.min(Math.max(Math.round(count) || least, least), most);
  throw new OptionError(`${what}${placeOf(g)}: ${count} is not a whole number ${range}; nearest legal value ${legal}`);
}
