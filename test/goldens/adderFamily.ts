/** Fixture classes of AdderNet as our blocks. */
import { adderBasicBlock, adderConvolution } from "../../src/blocks/index.ts";
import type { Build } from "./blocks.ts";

/** Blocks by the fixtures' class names. */
export const adderFamily: Readonly<Record<string, Build>> = {
  adder2d(g, x, { args }) {
    args.number("input_channel");
    return adderConvolution(g, x, {
      out: args.number("output_channel"),
      kernel: args.number("kernel_size"),
      stride: args.number("stride"),
      padding: args.number("padding"),
      hasBias: args.flag("bias", false),
    });
  },
  BasicBlock(g, x, { args, norm }) {
    args.number("inplanes");
    return adderBasicBlock(g, x, { out: args.number("planes"), stride: args.number("stride"), norm });
  },
};
