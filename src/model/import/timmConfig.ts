import { parseStrictJson, type StrictJson } from "../../formats/strictJson.ts";
import type { SourcePixels } from "./sources.ts";

/** What a hub's config.json beside timm's weights says of them. */
export interface TimmConfig {
  readonly architecture: string;
  readonly pixels: Partial<SourcePixels>;
}

const MOST_SIDE = 4096;

function colours(value: StrictJson | undefined): readonly number[] | undefined {
  return Array.isArray(value) && value.length === 3 && value.every(Number.isFinite) ? (value as readonly number[]) : undefined;
}

/** Side of [channels, height, width]. */
function side(value: StrictJson | undefined): number | undefined {
  const last = Array.isArray(value) && value.length === 3 ? value[2] : undefined;
  return Number.isInteger(last) && (last as number) > 0 && (last as number) <= MOST_SIDE ? (last as number) : undefined;
}

function share(value: StrictJson | undefined): number | undefined {
  return typeof value === "number" && value > 0 && value <= 1 ? value : undefined;
}

/** Reads timm's record, which is evaluated at the test size where it has one; undefined where the text is something else. */
export function readTimmConfig(text: string, where: string): TimmConfig | undefined {
  const config = parseStrictJson(text, where, { members: 10_000 });
  const record = config instanceof Map ? config.get("pretrained_cfg") : undefined;
  const architecture = config instanceof Map ? config.get("architecture") : undefined;
  if (typeof architecture !== "string") return undefined;
  const of = (name: string): StrictJson | undefined => (record instanceof Map ? record.get(name) : undefined);
  const found = {
    size: side(of("test_input_size")) ?? side(of("input_size")),
    share: share(of("test_crop_pct")) ?? share(of("crop_pct")),
    mean: colours(of("mean")),
    std: colours(of("std")),
  };
  const given = Object.entries(found).filter(([, value]) => value !== undefined);
  return { architecture, pixels: Object.fromEntries(given) as Partial<SourcePixels> };
}
