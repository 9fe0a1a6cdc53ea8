import { FormatError, OptionError } from "../core/errors.ts";
import type { ComparisonRow } from "./compare.ts";

/** A comparison as it is kept: what all rows have in common, and the rows that are finished. */
export interface ComparisonRecord {
  readonly goldcrest: "comparison";
  readonly settings: Readonly<Record<string, unknown>>;
  readonly rows: readonly ComparisonRow[];
}

/** The text of a record. */
export function writeComparison(settings: ComparisonRecord["settings"], rows: readonly ComparisonRow[]): string {
  return `${JSON.stringify({ goldcrest: "comparison", settings, rows } satisfies ComparisonRecord, undefined, 2)}\n`;
}

/** Two rows of one network with the same options are the same candidate. */
export function candidateKey({ network, options }: Pick<ComparisonRow, "network" | "options">): string {
  const sorted = Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([network, sorted]);
}

function isRow(row: unknown): row is ComparisonRow {
  if (typeof row !== "object" || row === null) return false;
  const { network, label, options, params, macs, accuracy, milliseconds } = row as Record<string, unknown>;
  const isNumber = (value: unknown): boolean => value === undefined || (typeof value === "number" && Number.isFinite(value));
  const isNamed = typeof network === "string" && typeof label === "string" && typeof options === "object" && options !== null;
  return isNamed && typeof params === "number" && typeof macs === "number" && [params, macs, accuracy, milliseconds].every(isNumber);
}

/** Fields of nested records by dotted names: `recipe.epochs`. */
function flattened(value: unknown, name = ""): readonly (readonly [name: string, value: unknown])[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [[name, value]];
  return Object.entries(value).flatMap(([key, inner]) => flattened(inner, name === "" ? key : `${name}.${key}`));
}

function differencesOf(found: unknown, wanted: unknown): readonly string[] {
  const [there, asked] = [new Map(flattened(found)), new Map(flattened(wanted))];
  return [...new Set([...there.keys(), ...asked.keys()])]
    .filter((key) => JSON.stringify(there.get(key)) !== JSON.stringify(asked.get(key)))
    .map((key) => `\n  ${key}: ${JSON.stringify(there.get(key)) ?? "none"} there, ${JSON.stringify(asked.get(key)) ?? "none"} asked for`);
}

/** Reads a record of the same settings; refuses what is no record and what was compared under other settings. */
export function readComparison(text: string, settings: ComparisonRecord["settings"], where: string): ComparisonRecord {
  let record: Partial<ComparisonRecord>;
  try {
    record = JSON.parse(text) as Partial<ComparisonRecord>;
  } catch (cause) {
    throw new FormatError(`${where}: no JSON; needed is a file that goldcrest compare has written, or a new name`, { cause });
  }
  if (
    record?.goldcrest !== "comparison" ||
    !Array.isArray(record.rows) ||
    !record.rows.every(isRow) ||
    typeof record.settings !== "object"
  ) {
    throw new FormatError(`${where}: no record of a comparison; needed is a file that goldcrest compare has written, or a new name`);
  }
  const differences = differencesOf(record.settings, settings);
  if (differences.length > 0) {
    throw new OptionError(
      `${where} holds a comparison under other settings:${differences.join("")}\n  give the same options, or another --out`,
    );
  }
  return record as ComparisonRecord;
}
