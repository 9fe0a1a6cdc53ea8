/**
 * npm run unit [-- patterns or flags]: runs the tests with node's runner.
 * `--update-goldens` rewrites the expected texts in test/expected/ instead of comparing with them, and runs only the tests that have such texts.
 */
import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { root } from "./lib/run.ts";

const given = process.argv.slice(2);
const isUpdating = given.includes("--update-goldens");
const flags = given.filter((argument) => argument.startsWith("--") && argument !== "--update-goldens");
const patterns = given.filter((argument) => !argument.startsWith("--"));
const files = globSync(patterns.length > 0 ? patterns : ["src/**/*.test.ts", "test/**/*.test.ts"], { cwd: root })
  .filter((file) => !isUpdating || readFileSync(join(root, file), "utf8").includes("matchExpected("))
  .sort();

if (files.length === 0) {
  console.error(`no test file matches ${patterns.join(" ")}`);
  process.exit(2);
}

const result = spawnSync(
  process.execPath,
  ["--test", "--test-reporter=spec", `--test-concurrency=${availableParallelism()}`, "--test-timeout=600000", ...flags, ...files],
  { cwd: root, stdio: "inherit", env: isUpdating ? { ...process.env, UPDATE_GOLDENS: "1" } : process.env },
);
process.exitCode = result.status ?? 1;
