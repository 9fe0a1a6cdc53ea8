/**
 * What a page downloads to classify with a model file, the model apart: the code that each import pulls in, bundled and minified by esbuild, which npx
 * brings where it is not installed, and compressed as servers do. The whole entry stands beside for comparison.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import * as inference from "../src/inference.ts";

/** Bytes of one page's code. */
export interface SizeRow {
  readonly page: string;
  readonly minified: number;
  readonly gzip: number;
  readonly brotli: number;
}

const BUNDLER = "esbuild@0.28.2";
const source = (entry: string): string => JSON.stringify(join(import.meta.dirname, "..", "src", entry));

/** A page that opens a model file with some parts. */
function lean(parts: readonly string[]): string {
  const carried = parts.join(", ");
  return `import { openModel, prepare, ${carried} } from ${source("inference.ts")};
    globalThis.classify = async (file, image) => {
      const model = await openModel(file, [${carried}]);
      return model.classify(prepare(image, model.preprocessing));
    };`;
}

/** The same with everything that there is. */
const whole = `import { loadModel, openClassifier, prepare } from ${source("index.ts")};
  globalThis.classify = async (file, image) => {
    const model = await loadModel(file);
    return (await openClassifier(model)).classify(prepare(image, model.preprocessing));
  };`;

function bundled(code: string, folder: string): Uint8Array {
  const [page, bundle] = ["page.js", "bundle.js"].map((name) => join(folder, name));
  writeFileSync(page, code);
  const flags = ["--bundle", "--minify", "--format=esm", "--external:node:*", "--log-level=error", `--outfile=${bundle}`];
  const { status, stderr } = spawnSync("npx", ["--yes", BUNDLER, page, ...flags], { encoding: "utf8" });
  if (status !== 0) throw new Error(`npx ${BUNDLER} failed: ${stderr}`);
  return readFileSync(bundle);
}

/** Measures a page for each family in floats, one in integers, one in both, and one with the whole entry. */
export function sizeRows(): SizeRow[] {
  const families = Object.entries(inference).flatMap(([name, part]) => (typeof part === "object" && part.networks ? [name] : []));
  const pages = [...families.map((name) => [name, "floats"]), ["mobilenetV2", "integers"], ["mobilenetV2", "floats", "integers"]].map(
    (parts) => ({
      page: parts.join(" + "),
      code: lean(parts),
    }),
  );
  const folder = mkdtempSync(join(tmpdir(), "goldcrest-size-"));
  try {
    return [...pages, { page: "everything", code: whole }].map(({ page, code }) => {
      const bundle = bundled(code, folder);
      const row = { page, minified: bundle.length, gzip: gzipSync(bundle, { level: 9 }).length, brotli: brotliCompressSync(bundle).length };
      console.error(`${page}: ${(row.gzip / 1000).toFixed(1)} kB with gzip, ${(row.brotli / 1000).toFixed(1)} kB with brotli`);
      return row;
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
