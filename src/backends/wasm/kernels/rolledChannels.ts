/**
 * Channels rolled by one group and, inside the group, by one position, read four at a time: "forward", each channel meets the one in the next group and
 * one position on; "backward" undoes that. Both go in a circle.
 *   Groups of whole vectors    all but one vector of a group is a run of four in the group that it meets; that one (the last going forward, the
 *                              first going back) is cut out of two vectors of that group.
 *   Other groups               the four come one by one, from a list of places.
 */
import { type Code, f32, f32x4, i32, type Local, lanes32, type V128, v128 } from "../assembler.ts";
import { type LowerContext, type Pointer, type Step, step } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { wasmKernel } from "../module.ts";

export type Direction = "forward" | "backward";

/** How a kernel reads channels rolled one way: part of its key, its further fields and arguments, and the steps that must come before. */
export interface Roll {
  readonly key: "runs" | "places";
  readonly direction: Direction;
  readonly fields: Readonly<Record<string, "i32">>;
  readonly args: Readonly<Record<string, number | Pointer>>;
  readonly steps: readonly Step[];
}

const listFields = { places: "i32", groups: "i32", perGroup: "i32", last: "i32", isBackward: "i32" } as const;

/** For each channel the byte at which the one that it meets lies. Lanes that are no channels meet channel 0. */
const listPlaces = wasmKernel("places of rolled channels", listFields, ({ places, groups, perGroup, last, isBackward }, k) => {
  const [groupStep, step] = [groups, perGroup].map((count) => k.local(i32.select(isBackward, count.minus(1), 1)));
  k.store(places.plus(last), f32x4.const(0));
  const at = k.local(places);
  k.for({ to: groups }, (group) => {
    const from = k.local(i32.rem(group.plus(groupStep), groups).times(perGroup));
    k.for({ to: perGroup }, (position) => {
      k.store(at, from.plus(i32.rem(position.plus(step), perGroup)).times(4));
      at.add(4);
    });
  });
});

/** Prepares reading channels rolled one way. */
export function rollOf(direction: Direction, channels: number, groups: number, context: LowerContext): Roll {
  const perGroup = channels / groups;
  const name = (field: string): string => `${direction} ${field}`;
  if (perGroup % 4 === 0) {
    return { key: "runs", direction, fields: { [name("group")]: "i32" }, args: { [name("group")]: perGroup * 4 }, steps: [] };
  }
  const places = context.scratch(pad4(channels));
  const args = { places, groups, perGroup, last: pad4(channels) * 4 - 16, isBackward: direction === "backward" ? 1 : 0 };
  return {
    ...{ key: "places", direction, fields: { [name("places")]: "i32" }, args: { [name("places")]: places } },
    steps: [step(listPlaces, 1, args)],
  };
}

/** What a kernel does with a vector of channels at byte `lane`; `rolled` loads what the four meet, from the row that begins at an address. */
type Use = (lane: Local<"i32">, rolled: (row: Local<"i32">) => V128) => void;

/** Walks the vectors of rows of so many bytes. */
export function eachRolledVector(
  k: Code,
  { key, direction }: Roll,
  args: Readonly<Record<string, Local<"i32">>>,
  bytes: Local<"i32">,
  use: Use,
): void {
  if (key === "runs") (direction === "forward" ? runsForward : runsBackward)(k, args[`${direction} group`], bytes, use);
  else fromPlaces(k, args[`${direction} places`], bytes, use);
}

function runsForward(k: Code, group: Local<"i32">, bytes: Local<"i32">, use: Use): void {
  k.for({ to: bytes, step: group }, (own) => {
    const next = k.local(own.plus(group));
    const first = k.local(i32.select(i32.lt(next, bytes), next, 0));
    const met = k.local(first);
    const lane = k.local(own);
    k.for({ from: own.plus(16), to: next, step: 16 }, () => {
      use(lane, (row) => v128.load(row.plus(met), 4));
      met.add(16);
      lane.add(16);
    });
    use(lane, (row) => v128.shuffle(v128.load(row.plus(met)), v128.load(row.plus(first)), lanes32(1, 2, 3, 4)));
  });
}

function runsBackward(k: Code, group: Local<"i32">, bytes: Local<"i32">, use: Use): void {
  k.for({ to: bytes, step: group }, (own) => {
    const next = k.local(own.plus(group));
    const first = k.local(i32.select(own, own, bytes).minus(group));
    const last = k.local(first.plus(group).minus(16));
    use(own, (row) => v128.shuffle(v128.load(row.plus(last)), v128.load(row.plus(first)), lanes32(3, 4, 5, 6)));
    const met = k.local(first.plus(12));
    k.for({ from: own.plus(16), to: next, step: 16 }, (lane) => {
      use(lane, (row) => v128.load(row.plus(met)));
      met.add(16);
    });
  });
}

function fromPlaces(k: Code, places: Local<"i32">, bytes: Local<"i32">, use: Use): void {
  k.for({ to: bytes, step: 16 }, (lane) => {
    const list = k.local(places.plus(lane));
    use(lane, fourOf(k, list));
  });
}

/** Loads four floats of a row from the bytes of it that a list names. */
export function fourOf(k: Code, list: Local<"i32">): (row: Local<"i32">) => V128 {
  const [first, ...others] = [0, 4, 8, 12].map((offset) => k.local(i32.load(list, offset)));
  return (row) => {
    const start = v128.load32Zero(row.plus(first));
    return others.reduce((vector: V128, place, i) => f32x4.replace(vector, i + 1, f32.load(row.plus(place))), start);
  };
}
