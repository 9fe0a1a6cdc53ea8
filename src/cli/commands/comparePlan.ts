import { availableParallelism } from "node:os";
import {
  type Arithmetic,
  arithmetics,
  blocks,
  type Candidate,
  findNetwork,
  GoldcrestError,
  gradientsOf,
  isDesign,
  type NetworkOptions,
  nearest,
  networks,
  OptionError,
} from "../../index.ts";
import { hasFlag, networkOptions, type RawOptions, textOption, threadsOption, wholeOption } from "../options.ts";

/** What was typed, checked as far as it can be without the data. */
export interface AskedComparison {
  readonly candidates: readonly Candidate[];
  /** Named one by one: then one that cannot be built is an error, else a line. */
  readonly isNamed: boolean;
  readonly size: number | undefined;
  readonly channels: number | undefined;
  readonly classes: number | undefined;
  readonly isMeasured: boolean;
  readonly isTrained: boolean;
  readonly threads: number;
  readonly svg: string | undefined;
  readonly out: string | undefined;
}

const DEFAULT_BACKBONE = "resnet-20";
/** Below this side, networks keep resolution unless told otherwise. */
const SMALL = 112;

/** The designs of --conv: all, or some names with commas between. */
function designsOf(text: string | undefined): readonly (keyof typeof blocks.designs)[] | undefined {
  if (text === undefined) return undefined;
  const all = Object.keys(blocks.designs) as (keyof typeof blocks.designs)[];
  if (text === "all") return all;
  return text.split(",").map((name) => {
    if (isDesign(name)) return name;
    const near = nearest(name, ["all", ...all]);
    throw new OptionError(`unknown design ${JSON.stringify(name)}\n  ${near ? `did you mean "${near}"?   ` : ""}(all, ${all.join(", ")})`);
  });
}

/** The arithmetics of --arithmetic: all, or some names with commas between. */
function arithmeticsOf(text: string | undefined): readonly Arithmetic[] | undefined {
  const all = Object.keys(arithmetics) as Arithmetic[];
  if (text === undefined) return undefined;
  if (text === "all") return all;
  return text.split(",").map((name) => {
    const found = all.find((each) => each === name);
    if (found) return found;
    const near = nearest(name, ["all", ...all]);
    throw new OptionError(
      `unknown arithmetic ${JSON.stringify(name)}\n  ${near ? `did you mean "${near}"?   ` : ""}(all, ${all.join(", ")})`,
    );
  });
}

/** One candidate for each choice of --arithmetic; a gradient goes to those that have it. */
function inArithmetics({ label, ...candidate }: Candidate, chosen: readonly Arithmetic[] | undefined, isAlone: boolean): Candidate[] {
  if (!chosen) return [{ label, ...candidate }];
  return chosen.map((arithmetic) => {
    const { gradient, ...options } = candidate.options;
    const isOwn = gradient !== undefined && (chosen.length === 1 || gradientsOf(arithmetic).includes(gradient));
    return {
      ...candidate,
      label: chosen.length === 1 ? label : isAlone ? arithmetic : `${label} ${arithmetic}`,
      options: { ...options, arithmetic, ...(isOwn ? { gradient } : {}) },
    };
  });
}

function namesOf(operands: readonly string[], raw: RawOptions, hasDesigns: boolean): readonly string[] {
  if (hasFlag(raw, "all")) {
    if (operands.length > 0) throw new OptionError(`found --all and ${operands.join(", ")}; give one`);
    return Object.values(networks)
      .filter((network) => !hasDesigns || network.takesDesigns)
      .map(({ name }) => name);
  }
  for (const name of operands) {
    if (findNetwork(name).takesDesigns || !hasDesigns) continue;
    const plain = Object.values(networks).filter((network) => network.takesDesigns);
    throw new OptionError(`--conv needs a plain backbone, found ${name}\n  (${plain.map((network) => network.name).join(", ")})`);
  }
  if (operands.length > 0) return operands;
  if (hasDesigns) return [DEFAULT_BACKBONE];
  throw new OptionError("goldcrest compare needs networks, --all or --conv all\n  usage: goldcrest compare [networks…] [options]");
}

/** Reads and checks what was typed. */
export function readComparisonAsked(operands: readonly string[], raw: RawOptions): AskedComparison {
  const designs = designsOf(textOption(raw, "conv"));
  const names = namesOf(operands, raw, designs !== undefined);
  const { conv: _, arithmetic: __, ...shared } = networkOptions(raw);
  const chosen = arithmeticsOf(textOption(raw, "arithmetic"));
  const candidates = names.flatMap((network) => {
    if (!designs) return [{ label: network, network, options: shared }];
    return designs.map(
      (conv): Candidate => ({ label: names.length === 1 ? conv : `${network} ${conv}`, network, options: { ...shared, conv } }),
    );
  });
  const all = candidates.flatMap((candidate) => inArithmetics(candidate, chosen, candidates.length === 1));
  return {
    candidates: [...new Map(all.map((candidate) => [candidate.label, candidate])).values()],
    isNamed: !hasFlag(raw, "all") && designs === undefined && (chosen?.length ?? 1) === 1,
    size: wholeOption(raw, "size", 1),
    channels: wholeOption(raw, "channels", 1),
    classes: wholeOption(raw, "classes", 1),
    isMeasured: hasFlag(raw, "measure"),
    isTrained: hasFlag(raw, "train"),
    threads: threadsOption(raw, hasFlag(raw, "train") ? availableParallelism() : 1),
    svg: textOption(raw, "svg"),
    out: textOption(raw, "out"),
  };
}

/** Candidates for images of a size: small ones keep resolution unless it was said. */
export function sizedCandidates({ candidates }: AskedComparison, size: number | undefined): readonly Candidate[] {
  if (size === undefined || size >= SMALL) return candidates;
  const small = (options: NetworkOptions): NetworkOptions =>
    options.isSmallImage === undefined && options.droppedStrides === undefined ? { ...options, isSmallImage: true } : options;
  return candidates.map((candidate) => ({ ...candidate, options: small(candidate.options) }));
}

/** What `build` gives for each, and those that it refuses with the reason; a refusal of a named one is thrown. */
export function built<T>(
  candidates: readonly Candidate[],
  isNamed: boolean,
  build: (candidate: Candidate) => T,
): { rows: T[]; refused: string[] } {
  const rows: T[] = [];
  const refused: string[] = [];
  for (const candidate of candidates) {
    try {
      rows.push(build(candidate));
    } catch (error) {
      if (isNamed || !(error instanceof GoldcrestError)) throw error;
      refused.push(`${candidate.label}: ${error.message.split("\n")[0]}`);
    }
  }
  return { rows, refused };
}
