/** Which network of which reference a file of weights holds, from the names and shapes of its tensors. */
import { FormatError, OptionError } from "../../core/errors.ts";
import { isSameShape, type Shape } from "../../core/shape.ts";
import { nearest } from "../../core/suggest.ts";
import { nameMapOf } from "../../formats/names/index.ts";
import { type NameMap, sameNames } from "../../formats/names/nameMap.ts";
import { buildNetwork, findNetwork, type NetworkOptions } from "../../networks/index.ts";
import { ownSource, type Source, sourceNames, sources } from "./sources.ts";

/** Shapes by the names that a file gives them. */
export type Shapes = ReadonlyMap<string, { readonly shape: Shape }>;

/** What is known beforehand. */
export interface Asked {
  readonly network?: string;
  readonly from?: string;
  readonly width?: number;
  readonly variant?: string;
  /** What the file is called, and the like: decides between references of the same names and shapes. */
  readonly hint?: string;
}

/** A tensor that a network needs: our name for it, and its shape there. */
export interface Needed {
  readonly ours: string;
  readonly shape: Shape;
}

/** A network of a reference, built. */
export interface Candidate {
  readonly source: Source;
  readonly options: NetworkOptions;
  readonly names: NameMap;
  /** By the reference's names. */
  readonly needed: ReadonlyMap<string, Needed>;
}

/** A file must share so many of its names with a network to be taken for it. */
const LEAST_SHARE = 0.5;

/** Counters of batches say nothing: some programs keep none. */
export const isCounter = (name: string): boolean => name.endsWith("num_batches_tracked");

/** A source's network at a width, with so many classes (by default as published). */
export function candidateOf(source: Source, width: number, { variant }: Asked = {}, classes?: number): Candidate {
  const options: NetworkOptions = {
    ...source.options,
    ...(variant === undefined ? {} : { variant }),
    ...(width === 1 ? {} : { width }),
  };
  const graph = buildNetwork(source.network, { ...options, ...(classes === undefined ? {} : { classes }), size: source.pixels.size });
  const names = source.names ? nameMapOf(source.names, source.network, options.variant) : sameNames("goldcrest");
  const needed = new Map<string, Needed>();
  for (const { kind, name = "", shape } of graph.leaves) {
    if (kind === "input" || kind === "constant") continue;
    const there = names.toReference({ name, shape });
    needed.set(there.name, { ours: name, shape: there.shape });
  }
  return { source, options, names, needed };
}

/** Names in common over all names. */
function likeness(shapes: Shapes, { needed }: Candidate): number {
  let common = 0;
  let all = 0;
  for (const name of needed.keys()) {
    if (isCounter(name)) continue;
    all++;
    if (shapes.has(name)) common++;
  }
  for (const name of shapes.keys()) if (!isCounter(name) && !needed.has(name)) all++;
  return common / all;
}

/** Tensors of the right name and shape. */
function fitting(shapes: Shapes, { needed }: Candidate): number {
  let count = 0;
  for (const [name, { shape }] of needed) {
    const found = shapes.get(name);
    if (!isCounter(name) && found && isSameShape(found.shape, shape)) count++;
  }
  return count;
}

/** The entries with the highest score. */
function best<T>(entries: readonly T[], score: (entry: T) => number): { readonly score: number; readonly entries: readonly T[] } {
  const scores = entries.map(score);
  const most = Math.max(...scores);
  return { score: most, entries: entries.filter((_, i) => scores[i] === most) };
}

function asked(known: Asked): readonly Source[] {
  const { network, from, variant, width } = known;
  if (network !== undefined) findNetwork(network);
  if (from !== undefined && !sourceNames.includes(from)) {
    const near = nearest(from, sourceNames);
    throw new OptionError(
      `unknown source ${JSON.stringify(from)}; ${near ? `did you mean "${near}"?` : `known are ${sourceNames.join(", ")}`}`,
    );
  }
  if (from === "goldcrest") {
    if (network === undefined) throw new OptionError("weights under Goldcrest's own names need the network's name, too (--as)");
    return [{ ...ownSource(network, findNetwork(network).inputSize, {}), ...(width === undefined ? {} : { widths: [width] }) }];
  }
  const named = sources.filter((each) => (network === undefined || each.network === network) && (from === undefined || each.from === from));
  const fit = variant === undefined ? named : named.filter(({ options }) => options.variant === variant);
  const chosen = fit.length > 0 ? fit : named;
  if (chosen.length > 0) return width === undefined ? chosen : chosen.map((each) => ({ ...each, widths: [width] }));
  const having = sources.filter((each) => each.network === network || each.from === from);
  const list = having.map((each) => (network === undefined ? each.network : each.from));
  throw new OptionError(
    `${from ?? "no source"} has no weights for ${network}; ${list.length > 0 ? `known are ${[...new Set(list)].join(", ")}` : "give --from goldcrest for its own names"}`,
  );
}

/** The network that a file's tensors belong to; `where` begins every error. */
export function recognise(shapes: Shapes, known: Asked, where: string): Candidate {
  const named = best(
    asked(known).map((each) => candidateOf(each, each.widths[0], known)),
    (candidate) => likeness(shapes, candidate),
  );
  const isNamed = known.network !== undefined;
  if (named.score < LEAST_SHARE && !isNamed) throw new FormatError(unknown(shapes, named.entries[0], named.score, where));
  const widths = named.entries.flatMap((candidate) =>
    candidate.source.widths.map((width, i) => (i === 0 ? candidate : candidateOf(candidate.source, width, known))),
  );
  return decide(best(widths, (candidate) => fitting(shapes, candidate)).entries, known, where);
}

function unknown(shapes: Shapes, { source, needed }: Candidate, score: number, where: string): string {
  const [found] = shapes.keys();
  const [first] = needed.keys();
  const likest = score > 0 ? `the likest is ${source.network} of ${source.from} with ${Math.round(score * 100)} % of the names; ` : "";
  return `${where}: the weights' names belong to no network that is known; ${likest}first found is ${JSON.stringify(found)}, there it would be ${JSON.stringify(first)}\n  name the network with --as, and where the names come from with --from (${sourceNames.join(", ")})`;
}

/** What a candidate computes, as a text: two that compute the same need no decision. */
function meaning({ source, options }: Candidate): string {
  return JSON.stringify([source.network, Object.entries(options).sort(), source.pixels]);
}

/** One of several that fit alike: by what the file is called, else it must be said. */
function decide(candidates: readonly Candidate[], { hint = "" }: Asked, where: string): Candidate {
  const called = candidates.filter(({ source }) => source.called?.test(hint.toLowerCase()));
  const left = called.length > 0 ? called : candidates;
  if (new Set(left.map(meaning)).size === 1) return left[0];
  const choices = left.map(
    ({ source, options }) => `--as ${source.network} --from ${source.from}${options.variant ? ` (${options.variant})` : ""}`,
  );
  throw new OptionError(
    `${where}: names and shapes fit several networks that compute differently; say which is meant:\n  ${[...new Set(choices)].join("\n  ")}`,
  );
}
