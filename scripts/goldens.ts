/**
 * npm run goldens [-- files and folders] [--backend wasm|reference]: replays golden fixtures, one line each, "ok" or "FAIL" with the first
 * difference; ends with the totals and exit code 1 where one failed.
 */
import { parseArgs } from "node:util";
import { referenceBackend } from "../src/backends/reference/index.ts";
import { wasmBackend } from "../src/backends/wasm/index.ts";
import { tolerancesOf } from "../test/goldens/compare.ts";
import { findFixtures, replayFile } from "../test/goldens/replay.ts";

const backends = { wasm: wasmBackend, reference: referenceBackend };

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { backend: { type: "string", default: "wasm" } } });
  const backend = Object.hasOwn(backends, values.backend) ? backends[values.backend as keyof typeof backends] : undefined;
  if (!backend) {
    console.error(`unknown backend "${values.backend}"; known are ${Object.keys(backends).join(", ")}`);
    return 2;
  }
  const files = findFixtures(positionals.length > 0 ? positionals : [new URL("../test/goldens/fixtures", import.meta.url).pathname]);
  if (files.length === 0) {
    console.error(`no .safetensors or .json fixture in ${positionals.join(", ")}`);
    return 2;
  }
  let failed = 0;
  for (const file of files) {
    const { problem, remarks } = await replayFile(file, backend, tolerancesOf[values.backend]);
    if (problem) failed++;
    console.log(problem ? `FAIL ${file}: ${problem}` : `ok   ${[file, ...remarks].join("; ")}`);
  }
  console.log(`${files.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
