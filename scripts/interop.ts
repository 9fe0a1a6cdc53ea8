/** npm run test:interop: networks out to PyTorch and back (test/interop). Installs nothing; GOLDCREST_PYTHON names another Python. */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { root } from "./lib/run.ts";

const python = process.env.GOLDCREST_PYTHON ?? "/usr/bin/python3";
const found = spawnSync(python, ["-c", "import torch; print(torch.__version__)"], { encoding: "utf8" });

if (found.status !== 0) {
  console.error(
    `test:interop needs PyTorch 1.13 or later, which ${python} does not have:\n` +
      "  Debian: apt-get install python3-torch; elsewhere: pip install torch\n" +
      "  another Python: GOLDCREST_PYTHON=/path/to/python3 npm run test:interop",
  );
  process.exitCode = 2;
} else {
  console.log(`PyTorch ${found.stdout.trim()} of ${python}`);
  const files = globSync("test/interop/*.interop.ts", { cwd: root });
  const flags = ["--test", "--test-reporter=spec", "--test-timeout=1800000"];
  process.exitCode =
    spawnSync(process.execPath, [...flags, ...process.argv.slice(2), ...files], { cwd: root, stdio: "inherit" }).status ?? 1;
}
