// node scripts/with-node.mjs [node flags] <file> [arguments]: runs a TypeScript file with a Node.js that is new enough,
// this one or the one that the repository brings.
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { fetchOwnNode, findNode, runWith, tooOld } from "../bin/runtime.js";

const needs = { needsTypeScript: true };
const node = findNode(needs) || (fetchOwnNode() && findNode(needs));
const [first, ...rest] = process.argv.slice(2);

if (!node) {
  process.stderr.write(`${tooOld()}\n`);
  process.exitCode = 1;
} else if (!first) {
  process.stderr.write("usage: node scripts/with-node.mjs [node flags] <file> [arguments]\n");
  process.exitCode = 2;
} else if (node.isThis && !first.startsWith("-")) {
  process.argv = [process.argv[0], resolve(first), ...rest];
  import(pathToFileURL(resolve(first)).href);
} else {
  runWith(node, [first, ...rest]);
}
