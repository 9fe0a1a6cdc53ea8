import { FormatError } from "../core/errors.ts";

/** JSON as untrusted files may hold it: objects are Maps, so that a key such as `__proto__` is only a key. */
export type StrictJson = string | number | boolean | null | readonly StrictJson[] | ReadonlyMap<string, StrictJson>;

/** What a document may hold at most. */
export interface StrictJsonLimits {
  readonly depth?: number;
  /** Members and elements of all objects and arrays together. */
  readonly members?: number;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids control characters in strings
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORDS = [
  ["true", true],
  ["false", false],
  ["null", null],
] as const;

/** Parses JSON and refuses what JSON.parse lets through: a key given twice, deep nesting, more members than the limit. */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: the grammar's rules are closures over the place in the text.
export function parseStrictJson(text: string, what: string, limits: StrictJsonLimits = {}): StrictJson {
  const { depth: mostDepth = 32, members: mostMembers = 1_000_000 } = limits;
  let at = 0;
  let members = 0;

  function fail(needed: string): never {
    const found = at < text.length ? JSON.stringify(text.slice(at, at + 12)) : "the end";
    throw new FormatError(`${what}: not valid JSON at character ${at}: found ${found}, needed ${needed}`);
  }
  function skipSpace(): void {
    while (at < text.length && " \t\n\r".includes(text[at])) at++;
  }
  function take(character: string): boolean {
    skipSpace();
    if (text[at] !== character) return false;
    at++;
    return true;
  }
  function match(pattern: RegExp): string | undefined {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    at += found?.length ?? 0;
    return found;
  }
  function key(): string {
    skipSpace();
    const start = at;
    const quoted = match(STRING);
    if (quoted === undefined) fail("a quoted name");
    const name: string = JSON.parse(quoted);
    if (name.isWellFormed()) return name;
    at = start;
    return fail("a name without lone surrogates");
  }
  function countMember(): void {
    if (++members > mostMembers) throw new FormatError(`${what}: more than ${mostMembers} members`);
  }
  function object(depth: number): ReadonlyMap<string, StrictJson> {
    const map = new Map<string, StrictJson>();
    if (take("}")) return map;
    do {
      countMember();
      const name = key();
      if (map.has(name)) throw new FormatError(`${what}: the name ${JSON.stringify(name)} is given twice`);
      if (!take(":")) fail('":"');
      map.set(name, value(depth + 1));
    } while (take(","));
    if (!take("}")) fail('"," or "}"');
    return map;
  }
  function array(depth: number): readonly StrictJson[] {
    const list: StrictJson[] = [];
    if (take("]")) return list;
    do {
      countMember();
      list.push(value(depth + 1));
    } while (take(","));
    if (!take("]")) fail('"," or "]"');
    return list;
  }
  function value(depth: number): StrictJson {
    if (depth > mostDepth) throw new FormatError(`${what}: nested more than ${mostDepth} deep at character ${at}`);
    if (take("{")) return object(depth);
    if (take("[")) return array(depth);
    const quoted = match(STRING);
    if (quoted !== undefined) return JSON.parse(quoted);
    const number = match(NUMBER);
    if (number !== undefined) return Number(number);
    for (const [word, meaning] of WORDS) {
      if (!text.startsWith(word, at)) continue;
      at += word.length;
      return meaning;
    }
    return fail("a value");
  }

  const result = value(0);
  skipSpace();
  if (at < text.length) fail("nothing more");
  return result;
}
