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

/** Refuses channels that a block cannot divide, with the nearest number that it can. */
export function needMultiple(g: Scope, what: string, count: number, divisor: number): void {
  if (count > 0 && count % divisor === 0) return;
  const place = g.path === "" ? "" : ` at "${g.path}"`;
  throw new OptionError(
    `${what}${place}: ${count} is not a multiple of ${divisor}; nearest legal value ${nearestMultiple(count, divisor)}`,
  );
}
