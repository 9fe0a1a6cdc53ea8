import { FormatError } from "../core/errors.ts";

/** JSON as untrusted files may hold it: objects are Maps, so that a key such as `__proto__` is only a key. */
export type StrictJson = string | number | boolean | null | readonly StrictJson[] | ReadonlyMap<string, StrictJson>;

/** What a document may hold at most. */
export interface StrictJsonLimits {
  readonly depth?: number;
  /** Members and elements of all objects and arrays together. */
  readonly members?: number;
}

/** Characters of an object's name. */
const MOST_NAME = 4096;
const [QUOTE, BACKSLASH, SPACE] = [0x22, 0x5c, 0x20];
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORDS = [
  ["true", true],
  ["false", false],
  ["null", null],
] as const;

/** Where the string that begins with a quote at `start` ends, behind its own quote; −1 where it does not. No expression: long ones overflow its stack. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    if (code < SPACE) return -1;
    if (code === BACKSLASH) at++;
  }
  return -1;
}

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
  function quoted(): string | undefined {
    const end = text[at] === '"' ? endOfString(text, at) : -1;
    if (end < 0) return undefined;
    try {
      const content: string = JSON.parse(text.slice(at, end));
      at = end;
      return content;
    } catch {
      return undefined;
    }
  }
  function key(): string {
    skipSpace();
    const start = at;
    const name = quoted();
    if (name === undefined) fail("a quoted name");
    if (name.length > MOST_NAME) throw new FormatError(`${what}: a name of ${name.length} characters, at most ${MOST_NAME} are accepted`);
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
    const content = quoted();
    if (content !== undefined) return content;
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
