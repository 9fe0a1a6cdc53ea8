/** The loader beside a compiled model: loader.ts and what it imports as one text without types, comments and imports, and its declarations. */
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";

/** The files of a compiled model, by their names without folders. */
export interface LoaderFiles {
  readonly wasm: string;
  readonly weights?: string;
}

/** In a checkout the sources, in the package what they became. */
const isSource = import.meta.url.endsWith(".ts");

/** Blanks types out. Node calls that experimental, on stderr, which is no concern of who compiles a model. */
function withoutTypes(text: string): string {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(text);
  } finally {
    process.emitWarning = emitWarning;
  }
}

function codeOf(url: URL): string {
  const text = readFileSync(url, "utf8");
  return isSource ? withoutTypes(text) : text;
}

/** The modules that one reaches, those that it imports first. */
function modulesFrom(url: URL, seen: Map<string, string>): Map<string, string> {
  if (seen.has(url.href)) return seen;
  const code = codeOf(url);
  for (const [, from] of code.matchAll(/^import\b[^;"]*from "(\.[^"]+)";$/gm)) modulesFrom(new URL(from, url), seen);
  return seen.set(url.href, code);
}

const quoted = /"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/;

/** Replaces what matches, but not in quotes. */
function replaced(code: string, pattern: RegExp, by: string): string {
  return code.replace(new RegExp(`${quoted.source}|${pattern.source}`, "gm"), (text) => (/^["`]/.test(text) ? text : by));
}

/** Without comments, imports, exports, blank lines and the gaps that types have left. */
function bare(code: string): string {
  const drops: readonly (readonly [RegExp, string])[] = [
    [/\/\/[^\n]*|\/\*[\s\S]*?\*\//, ""],
    [/(?<=\S) {2,}(?=\S)/, " "],
    [/(?<=\S) (?=[,);])|[ \t]+$/, ""],
  ];
  return drops
    .reduce((text, [pattern, by]) => replaced(text, pattern, by), code)
    .replace(/^import\b[^;"]*from "[^"]+";$/gm, "")
    .replace(/^export \{\s*\};$/gm, "")
    .replace(/^export /gm, "")
    .replace(/\n{2,}/g, "\n")
    .trim();
}

/** The JavaScript module that is written beside a compiled model; it imports nothing. */
export function loaderText({ wasm, weights }: LoaderFiles): string {
  const url = (name: string): string => `new URL(${JSON.stringify(`./${encodeURIComponent(name)}`)}, import.meta.url)`;
  const modules = [...modulesFrom(new URL(isSource ? "./loader.ts" : "./loader.js", import.meta.url), new Map()).values()];
  const given = weights === undefined ? "options" : `{ weights: ${url(weights)}, ...options }`;
  return [
    `// Loads ${JSON.stringify(wasm)}. Written by goldcrest compile; needs nothing beside it. MIT licence.`,
    ...modules.map(bare),
    `export function load(source = ${url(wasm)}, options = {}) {\n  return loadCompiled(source, ${given});\n}`,
    "",
  ].join("\n");
}

/** The declarations of that module; the labels become a type. */
export function loaderTypes(labels: readonly string[]): string {
  return `/** What the model tells apart. */
export type Label = ${labels.map((label) => JSON.stringify(label)).join(" | ")};

/** One answer. */
export interface Choice {
  readonly label: Label;
  readonly probability: number;
}

/** Pixels as ImageData holds them, or RGB or grey: 4, 3 or 1 bytes each, rows from the top. Transparency is laid over white. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** A loaded model. */
export interface Classifier {
  /** The most probable labels of an image (5 unless told otherwise), best first. */
  (image: Pixels, top?: number): readonly Choice[];
  /** The same for many images. */
  all(images: readonly Pixels[], top?: number): readonly (readonly Choice[])[];
  /** Raw outputs, in the order of the labels. */
  logits(image: Pixels): Float32Array;
  readonly labels: readonly Label[];
  /** Side of the square that images are brought to. */
  readonly size: number;
  /** True where fused multiply–add is in use. */
  readonly isRelaxed: boolean;
}

/** Bytes, or where they are. */
export type Source = BufferSource | Response | URL | string;

/** How the model is loaded. */
export interface LoadOptions {
  /** The file of weights, where the model was compiled with one and it does not lie beside this module. */
  readonly weights?: Source;
  /** False forbids fused multiply–add even where the engine has it: then every engine computes the same bits. */
  readonly isRelaxedAllowed?: boolean;
}

/** Loads the model: the file beside this module, or one given as bytes, address, response or compiled module. */
export function load(source?: Source | WebAssembly.Module, options?: LoadOptions): Promise<Classifier>;
`;
}
