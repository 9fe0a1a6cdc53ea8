/** npm run check: format and lint, types, dead code, and the package as its users will meet it. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Outcome, report, runNpm, runTool } from "./lib/run.ts";

const folder = mkdtempSync(join(tmpdir(), "goldcrest-check-"));

interface Step {
  name: string;
  about: string;
  run: () => Outcome;
}

const tarball = (): string => join(folder, readdirSync(folder).find((file) => file.endsWith(".tgz")) ?? "no-tarball.tgz");

const steps: Step[] = [
  { name: "biome", about: "format and lint", run: () => runTool("@biomejs/biome/bin/biome", ["check", "--error-on-warnings", "."]) },
  { name: "tsc", about: "types", run: () => runTool("typescript/bin/tsc", ["--noEmit", "-p", "."]) },
  { name: "knip", about: "unused files, exports and dependencies", run: () => runTool("knip/bin/knip.js", ["--no-progress"]) },
  {
    name: "knip src",
    about: "files of src that only tests use; x.testing.ts is for those",
    run: () => runTool("knip/bin/knip.js", ["--production", "--include", "files", "--no-progress"]),
  },
  { name: "pack", about: "build and pack", run: () => runNpm(["pack", "--pack-destination", folder]) },
  { name: "publint", about: "the packed package.json", run: () => runTool("publint/src/cli.js", ["run", tarball(), "--strict"]) },
  {
    name: "attw",
    about: "types of the packed entries",
    run: () => runTool("@arethetypeswrong/cli/dist/index.js", [tarball(), "--profile", "esm-only"]),
  },
];

try {
  const failed = steps.filter(({ name, about, run }) => {
    const started = performance.now();
    return !report(name, about, started, run());
  });
  const verdict = failed.length === 0 ? "all passed" : `failed: ${failed.map((step) => step.name).join(", ")}`;
  console.log(`check: ${steps.length} steps, ${verdict}`);
  process.exitCode = failed.length === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
