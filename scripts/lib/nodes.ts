/** Other versions of Node.js that tests run the built package with. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fetchNode } from "../../bin/runtime.js";
import { root } from "./run.ts";

/** The major versions that must give the integers of this one. */
export const otherNodes: readonly number[] = [22, 24];

/** Where a version lies once it is installed. */
export function pathOfNode(major: number): string {
  return join(root, "node_modules", ".cache", "nodes", String(major), process.platform === "win32" ? "node.exe" : "node");
}

/** Installs the versions that are missing from the npm registry, and otherwise says what will be skipped. */
export function installNodes(): void {
  for (const major of otherNodes) {
    const path = pathOfNode(major);
    if (existsSync(path)) continue;
    console.log(`installing Node.js ${major} for the test of engines`);
    if (!fetchNode(String(major), dirname(path))) console.log(`skip: the test of engines on Node.js ${major}: npm could not install it`);
  }
}
