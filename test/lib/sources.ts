/** Reads the project's own sources as text: which files there are, what they import and what they export. */
import { globSync, readFileSync } from "node:fs";
import { join, posix, sep } from "node:path";

const root = join(import.meta.dirname, "..", "..");

/** One import or re-export. `isType` imports vanish at run time; `isDynamic` ones load only when reached. */
export interface Import {
  from: string;
  isType: boolean;
  isDynamic: boolean;
}

/** Files of the repository that match a pattern, as sorted paths with forward slashes from its root. */
export function listFiles(...patterns: string[]): string[] {
  const found = globSync(patterns, { cwd: root, exclude: (name) => name === "node_modules" });
  return found.map((path) => path.split(sep).join("/")).sort();
}

/** The text of a file given by its path from the repository's root. */
export function readSource(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** Every import and re-export of a source text. */
export function importsOf(code: string): Import[] {
  const bare = withoutComments(code);
  const found: Import[] = [];
  for (const [, clause, from] of bare.matchAll(/^\s*(?:import|export)\b([^;"'`]*?)\bfrom\s*["']([^"']+)["']/gm)) {
    found.push({ from, isType: isTypeClause(clause), isDynamic: false });
  }
  for (const [, from] of bare.matchAll(/^\s*import\s*["']([^"']+)["']/gm)) found.push({ from, isType: false, isDynamic: false });
  for (const [, from] of bare.matchAll(/\bimport\(\s*["']([^"']+)["']\s*\)/g)) found.push({ from, isType: false, isDynamic: true });
  return found;
}

/** Resolves a relative import to a path from the repository's root. */
export function resolveImport(path: string, from: string): string {
  return posix.normalize(posix.join(posix.dirname(path), from));
}

/** The names that a module exports, types marked as such, with `export *` followed. */
export function exportsOf(path: string): string[] {
  const code = withoutComments(readSource(path));
  const names = new Set<string>();
  const declared = /^export\s+(?:declare\s+)?(async\s+function\*?|function\*?|const|let|class|interface|type)\s+([\w$]+)/gm;
  for (const [, kind, name] of code.matchAll(declared)) names.add(kind === "interface" || kind === "type" ? `type ${name}` : name);
  for (const [, type, list] of code.matchAll(/^export\s+(type\s+)?\{([^}]*)\}/gm)) {
    for (const item of list.split(",").map((each) => each.trim())) {
      if (item === "") continue;
      const name = item.replace(/^type\s+/, "").replace(/^.*\sas\s+/, "");
      names.add(type || item.startsWith("type ") ? `type ${name}` : name);
    }
  }
  for (const [, type, from] of code.matchAll(/^export\s+(type\s+)?\*\s*from\s*["']([^"']+)["']/gm)) {
    for (const name of exportsOf(resolveImport(path, from))) names.add(type && !name.startsWith("type ") ? `type ${name}` : name);
  }
  return [...names].sort();
}

function isTypeClause(clause: string): boolean {
  if (/^\s*type\b(?!\s*,|\s+from)/.test(clause)) return true;
  const list = clause.match(/^\s*\{([^}]*)\}\s*$/)?.[1];
  const items = list?.split(",").map((item) => item.trim()) ?? [];
  const named = items.filter((item) => item !== "");
  return named.length > 0 && named.every((item) => item.startsWith("type "));
}

/** Blanks comments out but keeps strings, whose `//` may belong to an address. */
function withoutComments(code: string): string {
  const token = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;
  return code.replace(token, (text) => (text.startsWith("/") ? text.replace(/[^\n]/g, " ") : text));
}
