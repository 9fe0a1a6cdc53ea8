/** Debian packages that some tests need beside npm's. */
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** A program, the packages that bring it, and what goes without when it is missing. */
interface Requirement {
  command: string;
  packages: readonly string[];
  need: string;
}

/** Installs what is missing where that is possible (Debian, as root), and otherwise says what will be skipped and why. */
export function installDebianPackages(requirements: readonly Requirement[]): void {
  for (const { command, packages, need } of requirements) {
    if (isOnPath(command)) continue;
    const obstacle = obstacleToApt();
    if (obstacle) {
      console.log(`skip: ${need} needs ${command}, which is missing: ${obstacle}`);
      continue;
    }
    console.log(`installing ${packages.join(" ")} for ${need}`);
    const isInstalled = runApt(["update"]) && runApt(["install", "-y", "--no-install-recommends", ...packages]);
    if (!isInstalled || !isOnPath(command)) console.log(`skip: ${need}: apt-get could not install ${packages.join(" ")}`);
  }
}

function obstacleToApt(): string | undefined {
  if (!isOnPath("apt-get")) return "this is not a Debian system, so install it yourself";
  if (process.getuid?.() !== 0) return "only root can install it with apt-get";
  return undefined;
}

function runApt(args: readonly string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const { status, stderr } = spawnSync("apt-get", ["-qq", ...args], { env, stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
  if (status !== 0) console.log(stderr.trim());
  return status === 0;
}

function isOnPath(command: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
