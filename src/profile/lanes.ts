/** Boxes from top to bottom in lanes: the longest way straight down, what leaves it beside it, as near as it fits. */

/** A box to place, and the boxes that it reads (earlier ones). */
export interface LaneBox {
  readonly width: number;
  readonly height: number;
  readonly reads: readonly number[];
}

/** An edge between two boxes; `lane` is where it runs when it passes others. */
export interface LaneEdge {
  readonly from: number;
  readonly to: number;
  /** Its x on the way; undefined where it leads straight into the box below or beside. */
  readonly passage: number | undefined;
}

/** Where the middle of each box lies, and its upper edge. */
export interface LanePlan {
  readonly boxes: readonly { readonly x: number; readonly top: number }[];
  readonly edges: readonly LaneEdge[];
  readonly left: number;
  readonly right: number;
  readonly height: number;
}

/** Space between two layers, for arrows. */
const LAYER_GAP = 36;
const LANE_GAP = 30;
const PASSAGE = 12;

/** What takes a lane from one layer to another: boxes one after the other, or an edge that passes layers. */
interface Strand {
  readonly boxes: readonly number[];
  readonly edge: string | undefined;
  readonly first: number;
  readonly last: number;
  readonly width: number;
}

function layersOf(boxes: readonly LaneBox[]): readonly number[] {
  const layers: number[] = [];
  for (const { reads } of boxes) layers.push(reads.reduce((layer, read) => Math.max(layer, layers[read] + 1), 0));
  return layers;
}

/** The longest way through the boxes that are left, from a box that nothing left is read by to one that reads nothing left. */
function longestWay(boxes: readonly LaneBox[], left: ReadonlySet<number>): readonly number[] {
  const best = new Map<number, readonly number[]>();
  let longest: readonly number[] = [];
  for (const i of [...left].sort((a, b) => a - b)) {
    const before = boxes[i].reads.map((read) => best.get(read) ?? []).reduce((a, b) => (b.length > a.length ? b : a), []);
    const way = [...before, i];
    best.set(i, way);
    if (way.length > longest.length) longest = way;
  }
  return longest;
}

function waysThrough(boxes: readonly LaneBox[]): readonly (readonly number[])[] {
  const left = new Set(boxes.keys());
  const ways: (readonly number[])[] = [];
  while (left.size > 0) {
    const way = longestWay(boxes, left);
    ways.push(way);
    for (const i of way) left.delete(i);
  }
  return ways;
}

const keyOf = (from: number, to: number): string => `${from} ${to}`;

/** Beside the main way: the other ways, and the edges that pass a box of theirs. */
function strandsOf(boxes: readonly LaneBox[], layers: readonly number[], ways: readonly (readonly number[])[]): readonly Strand[] {
  const wayOf = new Map(ways.flatMap((way, i) => way.map((box) => [box, i] as const)));
  const readers = boxes.map((_, i) => boxes.flatMap(({ reads }, reader) => (reads.includes(i) ? [layers[reader]] : [])));
  const others = ways.slice(1).map((way): Strand => {
    const [head, tail] = [way[0], way[way.length - 1]];
    const first = Math.max(0, ...boxes[head].reads.map((read) => layers[read] + 1));
    const last = Math.max(layers[tail], ...readers[tail].map((layer) => layer - 1));
    return { boxes: way, edge: undefined, first, last, width: Math.max(...way.map((i) => boxes[i].width)) };
  });
  const passing = boxes.flatMap(({ reads }, to) =>
    reads
      .filter((from) => layers[to] - layers[from] > 1)
      .filter((from) => {
        // A way beside the main one runs on in its own lane until it is read.
        const isOwnEnd = wayOf.get(from) !== 0 || wayOf.get(to) !== 0;
        return !isOwnEnd || (wayOf.get(from) === wayOf.get(to) && !isNext(ways[wayOf.get(to) as number], from, to));
      })
      .map((from): Strand => ({ boxes: [], edge: keyOf(from, to), first: layers[from] + 1, last: layers[to] - 1, width: PASSAGE })),
  );
  return [...others, ...passing].sort((a, b) => a.last - a.first - (b.last - b.first) || b.boxes.length - a.boxes.length);
}

function isNext(way: readonly number[], from: number, to: number): boolean {
  return way.indexOf(to) === way.indexOf(from) + 1;
}

/** Strands in lanes, the shortest nearest to the main way; two share a lane where they do not meet. */
function lanesOf(strands: readonly Strand[]): readonly (readonly Strand[])[] {
  const lanes: Strand[][] = [];
  for (const strand of strands) {
    const meets = (other: Strand): boolean => strand.first <= other.last && other.first <= strand.last;
    // Nothing may lie between a strand and the main way that ends within it, so lanes only grow outwards.
    const outermost = lanes.findLastIndex((lane) => lane.some(meets));
    const lane = lanes[outermost + 1];
    if (lane) lane.push(strand);
    else lanes.push([strand]);
  }
  return lanes;
}

/** Places boxes; the main way is at x = 0. */
export function inLanes(boxes: readonly LaneBox[]): LanePlan {
  const layers = layersOf(boxes);
  const ways = waysThrough(boxes);
  const count = Math.max(...layers) + 1;
  const heights = Array.from({ length: count }, (_, layer) =>
    Math.max(...boxes.map(({ height }, i) => (layers[i] === layer ? height : 0))),
  );
  const tops = heights.map((_, layer) => heights.slice(0, layer).reduce((sum, height) => sum + height + LAYER_GAP, 0));
  const x = new Map<number, number>(ways[0].map((box) => [box, 0]));
  const passages = new Map<string, number>();
  const half = Math.max(...ways[0].map((i) => boxes[i].width)) / 2;
  let edge = half;
  for (const lane of lanesOf(strandsOf(boxes, layers, ways))) {
    const width = Math.max(...lane.map((strand) => strand.width));
    const middle = edge + LANE_GAP + width / 2;
    for (const strand of lane) {
      for (const box of strand.boxes) x.set(box, middle);
      if (strand.edge !== undefined) passages.set(strand.edge, middle);
    }
    edge = middle + width / 2;
  }
  return {
    boxes: boxes.map(({ height }, i) => ({ x: x.get(i) as number, top: tops[layers[i]] + (heights[layers[i]] - height) / 2 })),
    edges: boxes.flatMap(({ reads }, to) => reads.map((from) => ({ from, to, passage: passages.get(keyOf(from, to)) }))),
    left: -half,
    right: edge,
    height: tops[count - 1] + heights[count - 1],
  };
}
