/**
 * Groups with fewer outputs than a panel, vector by vector and without zeros. Four outputs that lie side by side may belong to several groups; in each
 * of as many steps as a group has inputs, each of the four meets one input of its own group, and a vector of these is shuffled out of the pixel's:
 *
 *   2 → 2   outputs  a0 a1 b0 b1   step 0 reads  a0 a1 b0 b1   step 1  a1 a0 b1 b0
 *   3 → 6            a0 a1 a2 a3          0      a0 a0 a0 a0        1  a1 a1 a1 a1 …
 *                    a4 a5 b0 b1          0      a0 a0 b0 b0        1  a1 a1 b1 b1 …
 *
 * The pattern repeats from block to block, the fewest groups that begin with a vector of inputs and one of outputs; kernels are written out for one
 * block, and for the groups that remain behind the last whole one. Lanes that are no outputs repeat the last output's inputs.
 */
import { type Code, f32x4, type Local, lanes32, type V128, v128 } from "../assembler.ts";

/** Inputs and outputs of one group. */
export interface GroupSizes {
  readonly inputs: number;
  readonly outputs: number;
}

/** The inputs that four outputs meet in one step, counted from the block's first. */
export type Lanes = readonly number[];

/** True where the outputs of a group begin with different inputs, each with its own: the first step then needs no shuffle. */
export function isTurned({ inputs, outputs }: GroupSizes): boolean {
  return inputs === outputs && inputs < 4;
}

/** Groups of a block whose outputs fill whole runs of `width`, 4 or 8. */
export function blockGroups({ outputs }: GroupSizes, width: number): number {
  let groups = outputs % 4 === 0 ? 1 : 4;
  while ((groups * outputs) % width !== 0) groups *= 2;
  return groups;
}

/** What the four outputs from `first` on meet in a step, in a block of so many groups. */
export function lanesOf(sizes: GroupSizes, groups: number, first: number, step: number): Lanes {
  const { inputs, outputs } = sizes;
  return [0, 1, 2, 3].map((lane) => {
    const output = Math.min(first + lane, groups * outputs - 1);
    const turn = isTurned(sizes) ? output % outputs : 0;
    return Math.floor(output / outputs) * inputs + ((step + turn) % inputs);
  });
}

/** Reads lanes from a block that begins at `base`; vectors that hold several steps' lanes are loaded once. */
export function laneReader(k: Code, base: Local<"i32">): (lanes: Lanes) => V128 {
  const vectors = new Map<number, Local<"v128">>();
  const vectorAt = (start: number): Local<"v128"> => {
    const vector = vectors.get(start) ?? k.local(v128.load(base, start * 4));
    vectors.set(start, vector);
    return vector;
  };
  return (lanes) => {
    if (lanes.every((lane) => lane === lanes[0])) return f32x4.loadSplat(base, lanes[0] * 4);
    const [start, ...others] = new Set(lanes.map((lane) => lane & ~3));
    const first = vectorAt(start);
    if (others.length === 0 && lanes.every((lane, i) => lane === start + i)) return first;
    const own = lanes.map((lane) => lane & 3);
    if (others.length === 0) return v128.shuffle(first, first, lanes32(...own));
    return others.reduce((held: V128, other, i) => {
      const kept = (lane: number): number => (i === 0 ? own[lane] : lane);
      const places = lanes.map((each, lane) => ((each & ~3) === other ? 4 + own[lane] : kept(lane)));
      return v128.shuffle(held, vectorAt(other), lanes32(...places));
    }, first);
  };
}
