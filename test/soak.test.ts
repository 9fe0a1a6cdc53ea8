/** A short soak; `npm run soak` is the long one. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";

interface Row {
  readonly what: string;
  readonly earlyMB: number;
  readonly lateMB: number;
}

/** Growth that a leak of one arena, one module or one thread in each of 60 openings would exceed. */
const MOST_GROWTH_MB = 40;

test("thousands of runs and dozens of openings leave the process as large as it was", () => {
  const script = join(import.meta.dirname, "..", "scripts", "soak.ts");
  // In a process of its own: the test runner's memory is nobody's concern.
  const rows = JSON.parse(
    execFileSync(process.execPath, [script, "--runs", "2000", "--cycles", "60", "--threads", "2", "--json"], { encoding: "utf8" }),
  ) as Row[];
  assert.equal(rows.length, 3);
  for (const { what, earlyMB, lateMB } of rows) assert.ok(lateMB - earlyMB < MOST_GROWTH_MB, `${what}: ${earlyMB} MB, then ${lateMB} MB`);
});
