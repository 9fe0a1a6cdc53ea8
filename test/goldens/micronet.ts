/** Fixture classes of MicroNet as our blocks, and its networks. */
import { microBlock, microStem, shiftMax, swishLinear } from "../../src/blocks/index.ts";
import { sameNames } from "../../src/formats/names/nameMap.ts";
import { findNetwork } from "../../src/networks/index.ts";
import type { Arguments, Build } from "./blocks.ts";
import { Mismatch } from "./compare.ts";
import type { Counterpart } from "./networks.ts";

/** a and b of two sums, which the reference lists as all a and all b. */
function startOf(args: Arguments): readonly number[] {
  const [[a1, a2], [b1, b2]] = [args.list("init_a", [1, 1]), args.list("init_b", [0, 0])];
  return [a1, b1, a2, b2];
}

/** Blocks by the fixtures' class names. */
export const micronetBlocks: Readonly<Record<string, Build>> = {
  DYShiftMax(g, x, { args }) {
    const inputs = args.number("inp");
    const [, second] = args.list("g", [1, 1]);
    const isDivided = args.flag("expansion", false) && second !== 1;
    const start = startOf(args);
    return shiftMax(g, x, {
      groups: isDivided ? inputs / second : second,
      reduction: args.number("reduction"),
      start: args.flag("act_relu", true) ? start : start.slice(0, 2),
    });
  },
  DYMicroBlock(g, x, { args, norm }) {
    args.number("inp");
    const [, g3, g4] = args.list("groups_1x1", []);
    const [y1, y2, y3] = args.list("dy", []);
    const [[c1, c2], [g1, g2]] = [args.list("ch_exp", []), args.list("ch_per_group", [])];
    return microBlock(g, x, {
      out: args.number("oup"),
      kernel: args.number("kernel_size"),
      stride: args.number("stride"),
      expand: [c1, c2],
      groups: [g1, g2],
      lastGroups: [g3, g4],
      dynamic: [y1, y2, y3],
      ratio: args.number("ratio"),
      start: startOf(args),
      norm,
    });
  },
  StemLayer(g, x, { args, norm }) {
    const [s1, s2] = args.list("groups", []);
    return microStem(g, x, { channels: [s1, s2], out: args.number("oup"), stride: 2, norm });
  },
  SwishLinear(g, x, { args, norm }) {
    args.number("inp");
    return swishLinear(g, x, { out: args.number("oup"), norm });
  },
};

/** Our network for a fixture of the family "micronet". */
export function micronetCounterpart({ variant, ...rest }: Readonly<Record<string, unknown>>): Counterpart {
  const size = /^M([0-3])$/.exec(String(variant))?.[1];
  if (size === undefined || Object.keys(rest).length > 0)
    throw new Mismatch(`unsupported: no network for micronet ${JSON.stringify({ variant, ...rest })}`);
  return { network: findNetwork(`micronet-m${size}`), options: {}, names: sameNames("the authors' code") };
}
