/** npm test: everything. Sets up what the tests need on a fresh machine, then checks, then tests; the last lines are the test runner's. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { installDebianPackages } from "./lib/debian.ts";
import { installNodes } from "./lib/nodes.ts";
import { root } from "./lib/run.ts";

installDebianPackages([{ command: "chromium", packages: ["chromium"], need: "the browser test" }]);
installNodes();

const statuses = ["check.ts", "unit.ts"].map((script) => {
  console.log(`\n> ${script}`);
  return spawnSync(process.execPath, [join(root, "scripts", script)], { cwd: root, stdio: "inherit" }).status ?? 1;
});
if (statuses[0] !== 0) console.log("\nnpm test: FAILED, see the check's lines above the tests");
process.exitCode = statuses.some((status) => status !== 0) ? 1 : 0;
