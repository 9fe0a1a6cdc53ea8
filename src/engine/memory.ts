/** A block of memory needed from step `from` to step `to`, both included. */
export interface Region {
  readonly bytes: number;
  readonly from: number;
  readonly to: number;
}

/** Where each region lies, and the length of the whole. */
export interface Placement {
  readonly offsets: readonly number[];
  readonly bytes: number;
}

/** Cache line; also keeps vectors and doubles aligned. */
const ALIGNMENT = 64;

function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** A sequence in which regions are placed: by these numbers, the largest first; ties by size. */
type Urgency = (region: Region) => number;

/** Live bytes at each step at which something begins; they only fall until the next such step. */
function liveBytes(regions: readonly Region[]): readonly (readonly [step: number, bytes: number])[] {
  const change = new Map<number, number>();
  const count = (step: number, bytes: number): void => void change.set(step, (change.get(step) ?? 0) + bytes);
  for (const { bytes, from, to } of regions) {
    count(from, bytes);
    count(to + 1, -bytes);
  }
  let live = 0;
  return [...change]
    .sort((a, b) => a[0] - b[0])
    .map(([step, bytes]) => {
      live += bytes;
      return [step, live] as const;
    });
}

/**
 * Sequences worth trying, the usual best first: by size; those first that are alive when memory is scarcest; by bytes times steps; as they begin.
 * No one of them is best for every graph.
 */
function* urgencies(regions: readonly Region[]): Iterable<Urgency> {
  yield ({ bytes }) => bytes;
  const live = liveBytes(regions);
  const scarcity = new Map<Region, number>();
  for (const region of regions) {
    let most = 0;
    for (const [step, bytes] of live) if (step >= region.from && step <= region.to && bytes > most) most = bytes;
    scarcity.set(region, most);
  }
  yield (region) => scarcity.get(region) ?? 0;
  yield ({ bytes, from, to }) => bytes * (to - from + 1);
  yield ({ from }) => -from;
}

/**
 * Places regions so that those alive at the same time never overlap. Those that are always alive lie together in front, since between them nothing can
 * ever change. Each of the others goes into the smallest gap that fits between the already placed regions whose lifetimes meet its own; several sequences
 * are tried, and the shortest result is kept.
 */
export function placeRegions(regions: readonly Region[]): Placement {
  const begin = regions.reduce((least, { from }) => Math.min(least, from), Number.POSITIVE_INFINITY);
  const end = regions.reduce((most, { to }) => Math.max(most, to), Number.NEGATIVE_INFINITY);
  const isLasting = ({ from, to }: Region): boolean => from <= begin && to >= end;
  const offsets = new Array<number>(regions.length).fill(0);
  const passing: number[] = [];
  let base = 0;
  for (const [i, region] of regions.entries()) {
    if (isLasting(region)) {
      offsets[i] = base;
      base += align(region.bytes);
    } else passing.push(i);
  }
  const placed = placePassing(passing.map((i) => regions[i]));
  for (const [k, i] of passing.entries()) offsets[i] = base + placed.offsets[k];
  return { offsets, bytes: base + placed.bytes };
}

function placePassing(regions: readonly Region[]): Placement {
  const least = lowerBound(regions.map((region) => ({ ...region, bytes: align(region.bytes) })));
  let best: Placement | undefined;
  for (const urgency of urgencies(regions)) {
    const placement = placeInSequence(regions, urgency);
    if (!best || placement.bytes < best.bytes) best = placement;
    if (best.bytes <= least) break;
  }
  return best ?? { offsets: [], bytes: 0 };
}

function placeInSequence(regions: readonly Region[], urgency: Urgency): Placement {
  const offsets = new Array<number>(regions.length).fill(0);
  const order = regions
    .map((_, i) => i)
    .sort((i, j) => {
      const [a, b] = [regions[i], regions[j]];
      return urgency(b) - urgency(a) || b.bytes - a.bytes || i - j;
    });
  /** By offset. */
  const placed: number[] = [];
  let total = 0;
  for (const i of order) {
    const { bytes, from, to } = regions[i];
    const isMeeting = (other: number): boolean => regions[other].from <= to && regions[other].to >= from;
    offsets[i] = bestGap(placed.filter(isMeeting), offsets, regions, bytes);
    const after = placed.findIndex((other) => offsets[other] > offsets[i]);
    placed.splice(after < 0 ? placed.length : after, 0, i);
    total = Math.max(total, offsets[i] + align(bytes));
  }
  return { offsets, bytes: total };
}

function bestGap(neighbours: readonly number[], offsets: readonly number[], regions: readonly Region[], bytes: number): number {
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  let end = 0;
  for (const other of neighbours) {
    const gap = offsets[other] - end;
    if (gap >= bytes && gap < least) {
      best = end;
      least = gap;
    }
    end = Math.max(end, offsets[other] + align(regions[other].bytes));
  }
  return best >= 0 ? best : end;
}

/** The least that any placement needs: the most bytes alive at one step. */
export function lowerBound(regions: readonly Region[]): number {
  return liveBytes(regions).reduce((most, [, bytes]) => Math.max(most, bytes), 0);
}
