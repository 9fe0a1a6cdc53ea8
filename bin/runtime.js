// Finds a Node.js that can run Goldcrest, and runs a program with it.
// Plain JavaScript for Node 14 and later: this file decides whether the Node at hand is new enough, so it must load on one that is not.
import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, linkSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of this package: a checkout, or `node_modules/goldcrest`. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** True in a checkout, false in an installed package, which carries `dist/` only. */
export const isCheckout = existsSync(join(root, "src", "cli", "main.ts"));

/** Versions from which compiled code runs, TypeScript runs with a flag's help, and TypeScript runs by itself without a warning. */
const lowest = { compiled: [22, 12], silent: [24, 3] };
const stripTypes = ["--experimental-strip-types", "--disable-warning=ExperimentalWarning"];

function isAtLeast(version, [major, minor]) {
  const [a, b] = version.replace(/^v/, "").split(".").map(Number);
  return a > major || (a === major && b >= minor);
}

function ownNodePath() {
  const file = process.platform === "win32" ? "node.exe" : "node";
  // Beside our dependencies in a checkout; beside us in a project that installed both packages.
  const places = [join(root, "node_modules", "node", "bin", file), join(dirname(root), "node", "bin", file)];
  return places.find((path) => existsSync(path) && spawnSync(path, ["--version"]).status === 0);
}

/**
 * The Node.js to run with: `{ command, flags, isThis }`, or undefined where none here is new enough.
 * This process's own comes first; the `node` package's saves flags where this one would need them.
 */
export function findNode({ needsTypeScript }) {
  const here = { command: process.execPath, flags: [], isThis: true };
  if (isAtLeast(process.version, needsTypeScript ? lowest.silent : lowest.compiled)) return here;
  const own = ownNodePath();
  if (own) return { command: own, flags: [], isThis: false };
  if (isAtLeast(process.version, lowest.compiled)) return { ...here, flags: stripTypes, isThis: false };
  return undefined;
}

/** Does what the `node` package's install script does, for when the script was not allowed to run; returns whether it worked. */
export function fetchOwnNode() {
  const target = join(root, "node_modules", "node", "bin");
  if (!existsSync(dirname(target))) return false;
  const { version } = JSON.parse(readFileSync(join(root, "node_modules", "node", "package.json"), "utf8"));
  process.stderr.write(`goldcrest: the install script of the package "node" was skipped; installing Node.js ${version} instead\n`);
  return fetchNode(version, target);
}

/** Puts the Node.js of a version (or of a range, as npm writes it) into a folder, from the npm registry; returns whether it worked. */
export function fetchNode(version, target) {
  const isWindows = process.platform === "win32";
  const prefix = process.platform === "darwin" && process.arch === "arm64" ? "node-bin" : "node";
  const name = [prefix, isWindows ? "win" : process.platform, process.arch].join("-");
  const file = isWindows ? "node.exe" : "node";

  mkdirSync(join(root, "node_modules", ".cache"), { recursive: true });
  const folder = mkdtempSync(join(root, "node_modules", ".cache", "node-"));
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : [isWindows ? "npm.cmd" : "npm"];
  const rest = ["install", "--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const args = [...npm.slice(1), ...rest, "--prefix", folder, `${name}@${version}`];
  const result = spawnSync(npm[0], args, { stdio: ["ignore", 2, 2], shell: isWindows && npm.length === 1 });
  try {
    if (result.status !== 0) return false;
    mkdirSync(target, { recursive: true });
    const from = join(folder, "node_modules", name, "bin", file);
    // A rename puts the whole file in place at once, so a second launcher never runs half of one.
    const staged = join(target, `${file}.${process.pid}`);
    try {
      linkSync(from, staged);
    } catch {
      copyFileSync(from, staged);
    }
    renameSync(staged, join(target, file));
    return true;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What to tell someone whose Node.js is too old. */
export function tooOld() {
  return [
    `goldcrest needs Node.js ${lowest.compiled.join(".")} or later; this is ${process.version} (${process.execPath})`,
    isCheckout ? "  run `npm ci` first: it brings a current Node.js into node_modules" : "  install a newer one from https://nodejs.org,",
    isCheckout ? "" : "  or bring one into this project with `npm install node@26` and try again",
  ]
    .filter(Boolean)
    .join("\n");
}

/**
 * Runs a program with another Node.js and ends as it ends. At a terminal Ctrl-C reaches the whole process group, the program included,
 * so it is passed on only where there is no terminal.
 */
export function runWith({ command, flags }, args) {
  const isAtTerminal = [0, 1, 2].some((fd) => isTerminal(fd));
  const child = spawn(command, [...flags, ...args], { stdio: "inherit" });
  const forward = (signal) => {
    if (signal !== "SIGINT" || !isAtTerminal) child.kill(signal);
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, forward);
  child.on("error", (error) => {
    process.stderr.write(`goldcrest: cannot start ${command}: ${error.message}\n`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => {
    for (const each of signals) process.removeListener(each, forward);
    if (signal === null) process.exit(code);
    process.exitCode = 128 + (constants.signals[signal] || 0);
    process.kill(process.pid, signal);
  });
}

function isTerminal(fd) {
  return [process.stdin, process.stdout, process.stderr][fd].isTTY === true;
}
