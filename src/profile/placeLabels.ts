/** Labels beside circles so that no label covers another or a circle, where there is room: the nearest free place, the most crowded first. */

/** A circle and the extent of its label. */
export interface Labelled {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly width: number;
  readonly height: number;
}

/** Where a label's middle goes, and whether it lies so far off that a line should lead to it. */
export interface LabelPlace {
  readonly x: number;
  readonly y: number;
  readonly isFar: boolean;
}

/** The rectangle that labels stay in. */
export interface Frame {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const DIRECTIONS = 24;
const DISTANCES = [4, 10, 18, 30, 44, 60, 80, 104];

function overlap(a: Rectangle, b: Rectangle): number {
  const across = (a.width + b.width) / 2 - Math.abs(a.x - b.x);
  const down = (a.height + b.height) / 2 - Math.abs(a.y - b.y);
  return across > 0 && down > 0 ? across * down : 0;
}

function outside({ x, y, width, height }: Rectangle, { left, top, right, bottom }: Frame): number {
  const over = Math.max(0, left - (x - width / 2)) + Math.max(0, x + width / 2 - right);
  return over + Math.max(0, top - (y - height / 2)) + Math.max(0, y + height / 2 - bottom);
}

/** Places around a circle, from near to far and from the right on: the label's middle lies beyond its circle by its own extent. */
function* placesAround({ x, y, radius, width, height }: Labelled): Generator<{ readonly place: Rectangle; readonly distance: number }> {
  for (const distance of DISTANCES) {
    for (let i = 0; i < DIRECTIONS; i++) {
      // Right, left, above, below, then what lies between.
      const angle = (2 * Math.PI * ((i * 13) % DIRECTIONS)) / DIRECTIONS;
      const [across, down] = [Math.cos(angle), Math.sin(angle)];
      const reach = radius + distance;
      const place = { x: x + across * (reach + width / 2), y: y + down * (reach + height / 2), width, height };
      yield { place, distance };
    }
  }
}

/** How many others lie near: who has the most chooses first. */
function crowding(item: Labelled, all: readonly Labelled[]): number {
  return all.filter((other) => Math.hypot(other.x - item.x, other.y - item.y) < 90).length;
}

/** The places of all labels, in the order given. */
export function placeLabels(items: readonly Labelled[], frame: Frame): readonly LabelPlace[] {
  const circles = items.map(({ x, y, radius }): Rectangle => ({ x, y, width: 1.9 * radius, height: 1.9 * radius }));
  const taken: Rectangle[] = [];
  const places: LabelPlace[] = [];
  const order = [...items.keys()].sort((a, b) => crowding(items[b], items) - crowding(items[a], items) || a - b);
  for (const i of order) {
    let best: { readonly place: Rectangle; readonly distance: number; readonly cost: number } | undefined;
    for (const { place, distance } of placesAround(items[i])) {
      const hit = [...taken, ...circles].reduce((sum, other) => sum + overlap(place, other), 0);
      const cost = 50 * hit + 200 * outside(place, frame) + distance;
      if (!best || cost < best.cost) best = { place, distance, cost };
      if (hit === 0 && outside(place, frame) === 0) break;
    }
    const { place, distance } = best as NonNullable<typeof best>;
    taken.push(place);
    places[i] = { x: place.x, y: place.y, isFar: distance > 10 };
  }
  return places;
}
