/** What an op's attributes may be, for graphs that come from files: a rule for each, which says what is needed where a value is refused. */

/** One attribute's rule. */
export interface AttributeRule {
  readonly needed: string;
  accepts(value: unknown): boolean;
}

/** The rules of an op's attributes; attributes without a rule do not belong to an op that a file may hold. */
export type AttributeRules = Readonly<Record<string, AttributeRule>>;

const MOST = 2 ** 31 - 1;

/** A whole number from 0 on, of 31 bits. */
export const count: AttributeRule = {
  needed: "a whole number from 0 on",
  accepts: (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MOST,
};

/** A list of such numbers, at most eight. */
export const counts: AttributeRule = {
  needed: "a list of at most eight whole numbers from 0 on",
  accepts: (value) => Array.isArray(value) && value.length <= 8 && value.every(count.accepts),
};

/** A finite number. */
export const real: AttributeRule = { needed: "a finite number", accepts: Number.isFinite };

/** A list of finite numbers, at most eight. */
export const reals: AttributeRule = {
  needed: "a list of at most eight finite numbers",
  accepts: (value) => Array.isArray(value) && value.length <= 8 && value.every(Number.isFinite),
};

/** True or false. */
export const flag: AttributeRule = { needed: "true or false", accepts: (value) => typeof value === "boolean" };

/** One of several words. */
export function oneOf(words: readonly string[]): AttributeRule {
  return { needed: `one of ${words.join(", ")}`, accepts: (value) => words.some((word) => word === value) };
}

/** The same, or nothing. */
export function optional({ needed, accepts }: AttributeRule): AttributeRule {
  return { needed: `${needed}, or nothing`, accepts: (value) => value === undefined || accepts(value) };
}
