/**
 * Groups with fewer outputs than a panel, vector by vector and without zeros. Four outputs that lie side by side may belong to several groups; in each
 * of as many steps as a group has inputs, each of the four meets one input of its own group, and a vector of these is shuffled out of the pixel's:
 *
 *   3 → 6   outputs  a0 a1 a2 a3   step 0 reads  a0 a0 a0 a0   step 1  a1 a1 a1 a1   step 2  a2 a2 a2 a2
 *                    a4 a5 b0 b1                 a0 a0 b0 b0           a1 a1 b1 b1           a2 a2 b2 b2   …
 *   2 → 2            a0 a1 b0 b1                 a0 a0 b0 b0           a1 a1 b1 b1
 *           turned:                              a0 a1 b0 b1           a1 a0 b1 b0
 *
 * The pattern repeats from block to block, the fewest groups that begin with a vector of inputs and one of outputs; kernels are written out for one
 * block, and for the groups that remain behind the last whole one. Lanes that are no outputs repeat the last output's inputs.
 */
import { type Code, f32x4, type Local, lanes32, type V128, v128 } from "../assembler.ts";
import { pad4 } from "../layout.ts";

/** Inputs and outputs of one group. */
export interface GroupSizes {
  readonly inputs: number;
  readonly outputs: number;
}

/** The inputs that four outputs meet in one step, counted from the block's first. */
export type Lanes = readonly number[];

/** True where the outputs of a group should begin with different inputs, each with its own: a product's first step then needs no shuffle. */
export function isTurned({ inputs, outputs }: GroupSizes): boolean {
  return inputs === outputs && inputs < 4;
}

/** Groups of a block whose outputs fill whole runs of `width`, 4 or 8. */
export function blockGroups({ outputs }: GroupSizes, width: number): number {
  let groups = outputs % 4 === 0 ? 1 : 4;
  while ((groups * outputs) % width !== 0) groups *= 2;
  return groups;
}

/**
 * Whole blocks of `groups`, and the groups that remain; a block that ends in the lanes that pad a pixel counts as whole, where both sides are. What
 * lies there is finite and of no meaning, before and after.
 */
export function blocksOf(sizes: GroupSizes, groups: number, width: number): { readonly blocks: number; readonly rest: number } {
  const each = blockGroups(sizes, width);
  const [blocks, rest] = [Math.floor(groups / each), groups % each];
  const isPadding = rest > 0 && [sizes.inputs, sizes.outputs].every((count) => pad4(rest * count) === each * count);
  return isPadding ? { blocks: blocks + 1, rest: 0 } : { blocks, rest };
}

/** What the four outputs from `first` on meet in a step, in a block of so many groups; `isTurned` if outputs begin with different inputs. */
export function lanesOf({ inputs, outputs }: GroupSizes, groups: number, first: number, step: number, isTurned = false): Lanes {
  return [0, 1, 2, 3].map((lane) => {
    const output = Math.min(first + lane, groups * outputs - 1);
    const turn = isTurned ? output % outputs : 0;
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

/** Reads lanes element by element, each loaded once: for loops, whose steps share no vectors. */
export function splatReader(k: Code, base: Local<"i32">): (lanes: Lanes) => V128 {
  const splats = new Map<number, Local<"v128">>();
  const splatAt = (lane: number): Local<"v128"> => {
    const splat = splats.get(lane) ?? k.local(f32x4.loadSplat(base, lane * 4));
    splats.set(lane, splat);
    return splat;
  };
  return (lanes) => {
    const [first, ...others] = new Set(lanes);
    return others.reduce((held: V128, other) => {
      const places = lanes.map((each, lane) => (each === other ? 4 + lane : lane));
      return v128.shuffle(held, splatAt(other), lanes32(...places));
    }, splatAt(first));
  };
}
