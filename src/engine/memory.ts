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

/**
 * Places regions so that those alive at the same time never overlap: the largest first, each into the smallest gap that fits between
 * the already placed regions whose lifetimes meet its own ("greedy by size").
 */
export function placeRegions(regions: readonly Region[]): Placement {
  const offsets = new Array<number>(regions.length).fill(0);
  const order = regions.map((_, i) => i).sort((a, b) => regions[b].bytes - regions[a].bytes || a - b);
  const placed: number[] = [];
  let total = 0;
  for (const i of order) {
    const { bytes, from, to } = regions[i];
    const isMeeting = (other: number): boolean => regions[other].from <= to && regions[other].to >= from;
    const neighbours = placed.filter(isMeeting).sort((a, b) => offsets[a] - offsets[b]);
    offsets[i] = bestGap(neighbours, offsets, regions, bytes);
    placed.push(i);
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
  const change = new Map<number, number>();
  const count = (step: number, bytes: number): void => void change.set(step, (change.get(step) ?? 0) + bytes);
  for (const { bytes, from, to } of regions) {
    count(from, bytes);
    count(to + 1, -bytes);
  }
  let live = 0;
  let most = 0;
  for (const [, bytes] of [...change].sort((a, b) => a[0] - b[0])) {
    live += bytes;
    most = Math.max(most, live);
  }
  return most;
}
