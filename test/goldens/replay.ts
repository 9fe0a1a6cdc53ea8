import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { GoldcrestError, InternalError } from "../../src/core/errors.ts";
import type { Backend } from "../../src/engine/session.ts";
import { parseSafetensors } from "../../src/formats/safetensors.ts";
import { Mismatch, type Tolerances } from "./compare.ts";
import type { NetworkFixture } from "./networkFixture.ts";
import { readFixture, replayBlock } from "./replayBlock.ts";
import { replayMitchell } from "./replayMitchell.ts";
import { replayNetwork } from "./replayNetwork.ts";

const NETWORK_FORMAT = "lightcnn-golden-net/1";
const INDEX_FORMAT = "lightcnn-golden-index/1";

/** Fixture files among files and folders (searched to the bottom), in order of name; indexes are left out. */
export function findFixtures(paths: readonly string[]): readonly string[] {
  return paths.flatMap((path) => {
    if (!existsSync(path)) throw new Error(`${path}: no such file or folder`);
    if (!statSync(path).isDirectory()) return [path];
    const found = readdirSync(path, { recursive: true, encoding: "utf8" }).filter((name) => /\.(safetensors|json)$/.test(name));
    return found
      .sort()
      .map((name) => join(path, name))
      .filter((file) => statSync(file).isFile() && !isIndex(file));
  });
}

function isIndex(file: string): boolean {
  return file.endsWith("index.json") && readFileSync(file, "utf8").slice(0, 200).includes(INDEX_FORMAT);
}

/** How a fixture went: a problem (the first difference, or what is missing) where it failed, remarks on how it was compared. */
export interface Replayed {
  readonly problem?: string;
  readonly remarks: readonly string[];
}

/** Replays one file. */
export async function replayFile(file: string, backend: Backend, tolerances: Tolerances): Promise<Replayed> {
  try {
    return { remarks: await replay(file, backend, tolerances) };
  } catch (error) {
    // A kernel that traps or a shape that does not fit is this fixture's failure; the others still run.
    const isOurs = error instanceof Mismatch || error instanceof GoldcrestError;
    if (isOurs || error instanceof InternalError || error instanceof SyntaxError)
      return { problem: error.message.split("\n")[0], remarks: [] };
    return { problem: `stopped: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`, remarks: [] };
  }
}

async function replay(file: string, backend: Backend, tolerances: Tolerances): Promise<readonly string[]> {
  if (file.endsWith(".safetensors")) {
    const fixture = parseSafetensors(readFileSync(file), "fixture");
    if (readFixture(fixture).about.family === "mitchell") return replayMitchell(fixture, backend, tolerances);
    await replayBlock(fixture, backend, tolerances);
    return [];
  }
  const fixture: NetworkFixture = JSON.parse(readFileSync(file, "utf8"));
  if (fixture?.format !== NETWORK_FORMAT)
    throw new Mismatch(`unsupported: format ${JSON.stringify(fixture?.format)}, known is ${NETWORK_FORMAT}`);
  return replayNetwork(fixture, backend, tolerances);
}
