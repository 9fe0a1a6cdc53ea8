/** npm run build [-- folder]: compiles src/ to dist/ or another folder, declarations beside code, and copies the data files that the code reads. */
import { cpSync, globSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { root, runTool } from "./lib/run.ts";

const target = process.argv[2] ? resolve(process.argv[2]) : join(root, "dist");
/** Built beside the folder and moved there at the end, so that nobody ever reads half a build. */
const staged = mkdtempSync(`${target}.tmp-`);

try {
  const { isSuccess, output } = runTool("typescript/bin/tsc", ["-p", "tsconfig.build.json", "--outDir", staged]);
  if (!isSuccess) {
    console.error(output);
    process.exitCode = 1;
  } else {
    pointWorkersAtJavaScript();
    copyAssets();
    rmSync(target, { recursive: true, force: true });
    renameSync(staged, target);
  }
} finally {
  rmSync(staged, { recursive: true, force: true });
}

/** The compiler rewrites import lines only; a worker or page is named by `new URL("./worker.ts", import.meta.url)`. */
function pointWorkersAtJavaScript(): void {
  for (const file of globSync("**/*.js", { cwd: staged })) {
    const path = join(staged, file);
    const code = readFileSync(path, "utf8");
    const fixed = code.replace(/(new URL\(\s*["'][^"']+)\.ts(["'],\s*import\.meta\.url)/g, "$1.js$2");
    if (fixed !== code) writeFileSync(path, fixed);
  }
}

function copyAssets(): void {
  const assets = globSync("src/**/*", { cwd: root, withFileTypes: true }).filter(
    (entry) => entry.isFile() && !/\.(ts|md)$/.test(entry.name),
  );
  for (const entry of assets) {
    const from = join(entry.parentPath, entry.name);
    cpSync(from, join(staged, from.slice(join(root, "src").length)), { recursive: true });
  }
}
