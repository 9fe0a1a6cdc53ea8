#!/usr/bin/env node
// The command `goldcrest`. A checkout runs its sources, so it can never run a stale build; an installed package runs dist/.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { fetchOwnNode, findNode, isCheckout, root, runWith, tooOld } from "./runtime.js";

const program = isCheckout ? join(root, "src", "cli", "main.ts") : join(root, "dist", "cli", "main.js");
const needs = { needsTypeScript: isCheckout };
let node = findNode(needs);
if (!node && isCheckout && fetchOwnNode()) node = findNode(needs);

if (!node) {
  process.stderr.write(`${tooOld()}\n`);
  process.exitCode = 1;
} else if (node.isThis) {
  process.argv[1] = program;
  import(pathToFileURL(program).href);
} else {
  runWith(node, [program, ...process.argv.slice(2)]);
}
