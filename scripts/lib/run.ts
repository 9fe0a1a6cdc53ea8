/** What the scripts share: running a tool and telling how it went. */
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import colours from "picocolors";

/** The repository's root folder. */
export const root: string = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** How a command ended; `output` holds both its streams. */
export interface Outcome {
  isSuccess: boolean;
  output: string;
}

/** Runs a JavaScript tool of node_modules with this Node.js and collects its output. */
export function runTool(file: string, args: readonly string[]): Outcome {
  return runCommand(process.execPath, [join(root, "node_modules", file), ...args]);
}

/** Runs a command in the repository's root and collects its output. */
function runCommand(command: string, args: readonly string[]): Outcome {
  const result = spawnSync(command, args, { cwd: root, encoding: "utf8", maxBuffer: 1 << 28, env: { ...process.env, NO_COLOR: "1" } });
  const output = [result.stdout, result.stderr, result.error?.message].filter(Boolean).join("\n").trim();
  return { isSuccess: result.status === 0, output };
}

/** Runs npm, the one that started us where there is one. */
export function runNpm(args: readonly string[]): Outcome {
  const script = process.env.npm_execpath;
  return script?.endsWith(".js") ? runCommand(process.execPath, [script, ...args]) : runCommand("npm", args);
}

/** Prints one line for a finished step, and its output where it failed. Returns whether it succeeded. */
export function report(name: string, about: string, started: number, { isSuccess, output }: Outcome): boolean {
  const seconds = `${((performance.now() - started) / 1000).toFixed(1)} s`;
  const mark = isSuccess ? colours.green("ok  ") : colours.red("FAIL");
  console.log(`${mark} ${name.padEnd(12)} ${about} ${colours.dim(`(${seconds})`)}`);
  if (!isSuccess) console.log(`${output}\n`);
  return isSuccess;
}
