/** Runs the command `goldcrest` as its users do: a process of its own, in a folder of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const bin = join(import.meta.dirname, "..", "..", "bin", "goldcrest.js");

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Extra circumstances of a run. */
export interface Circumstances {
  readonly env?: Readonly<Record<string, string>>;
  /** Closes the reading end of stdout at once. */
  readonly isStdoutClosed?: boolean;
  /** Called with all of stderr so far whenever some comes. */
  readonly onStderr?: (text: string, child: ChildProcess) => void;
}

/** A folder in which commands run; what they cache lies beside it. */
export interface Workplace {
  readonly folder: string;
  path(...names: string[]): string;
  /** Writes files, with their folders. */
  write(files: Readonly<Record<string, Uint8Array | string>>): Promise<void>;
  run(args: readonly string[], circumstances?: Circumstances): Promise<Ended>;
  read(name: string): Promise<Buffer>;
  /** Names in the folder, or in one inside it, sorted. */
  names(inside?: string): Promise<string[]>;
  remove(): Promise<void>;
}

/** Opens a new empty workplace. */
export async function openWorkplace(): Promise<Workplace> {
  const place = await mkdtemp(join(tmpdir(), "goldcrest-cli-"));
  const folder = join(place, "work");
  await mkdir(folder);
  const { NO_COLOR: _, FORCE_COLOR: __, NODE_OPTIONS: ___, ...inherited } = process.env;
  const base = { ...inherited, GOLDCREST_CACHE: join(place, "cache") };
  return {
    folder,
    path: (...names) => join(folder, ...names),
    async write(files) {
      for (const [name, contents] of Object.entries(files)) {
        await mkdir(dirname(join(folder, name)), { recursive: true });
        await writeFile(join(folder, name), contents);
      }
    },
    run: (args, { env = {}, isStdoutClosed = false, onStderr } = {}) =>
      new Promise((resolve, reject) => {
        const child = spawn(process.execPath, [bin, ...args], { cwd: folder, env: { ...base, ...env }, stdio: ["ignore", "pipe", "pipe"] });
        let [stdout, stderr] = ["", ""];
        if (isStdoutClosed) child.stdout.destroy();
        child.stdout.setEncoding("utf8").on("data", (text: string) => {
          stdout += text;
        });
        child.stderr.setEncoding("utf8").on("data", (text: string) => {
          stderr += text;
          onStderr?.(stderr, child);
        });
        child.once("error", reject).once("close", (code) => resolve({ code, stdout, stderr }));
      }),
    read: (name) => readFile(join(folder, name)),
    names: async (inside = ".") => (await readdir(join(folder, inside))).sort(),
    remove: () => rm(place, { recursive: true }),
  };
}
