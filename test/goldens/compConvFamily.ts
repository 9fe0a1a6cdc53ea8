/** CompConv: the block of the fixtures, and the residual network for small pictures with CompConvs in place of its 3×3 convolutions. */
import { compConv, type Slices } from "../../src/blocks/index.ts";
import type { NameMap } from "../../src/formats/names/index.ts";
import { findNetwork } from "../../src/networks/index.ts";
import type { Build } from "./blocks.ts";
import { Mismatch } from "./compare.ts";
import type { Counterpart } from "./networks.ts";

/** The block by its class name. */
export const compConvBlocks: Readonly<Record<string, Build>> = {
  CompConv(g, x, { args }) {
    args.number("in_channels");
    const form = { kernel: args.number("kernel_size"), depth: args.number("d"), slices: args.text("slices") as Slices };
    return compConv(g, x, { out: args.number("out_channels"), ...form });
  },
};

/** Our design holds the block and its normalisation in one scope: conv1.conv and conv1.bn are the fixture's conv1 and bn1. */
const ours = (name: string): string =>
  name.replace(/^(layer\d\.\d\.)?conv(\d)\b/, "$1conv$2.conv").replace(/^(layer\d\.\d\.)?bn(\d)\b/, "$1conv$2.bn");
const theirs = (name: string): string =>
  name.replace(/^(layer\d\.\d\.)?conv(\d)\.conv\b/, "$1conv$2").replace(/^(layer\d\.\d\.)?conv(\d)\.bn\b/, "$1bn$2");

const names: NameMap = {
  reference: "a reading",
  fromReference: ({ name, shape }) => ({ name: ours(name), shape }),
  toReference: ({ name, shape }) => ({ name: theirs(name), shape }),
  scopeOf: ours,
};

/** Our network for a fixture of the family "compconv". */
export function compConvCounterpart({ num_classes, C0, widths, blocks, slices, ...rest }: Readonly<Record<string, unknown>>): Counterpart {
  const isResnet20 = String(widths) === "16,32,64" && blocks === 3 && typeof C0 === "number" && typeof num_classes === "number";
  if (!isResnet20 || Object.keys(rest).length > 0) throw new Mismatch("unsupported: a CompConv network that is no ResNet-20");
  const options = {
    variant: "projection",
    conv: "compconv",
    classes: num_classes,
    compConv: { base: C0, slices: slices as Slices },
  } as const;
  return { network: findNetwork("resnet-20"), options, names };
}
