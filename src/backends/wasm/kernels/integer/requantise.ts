/** From sums of 32 bits back to bytes or to floats, where a product stores its panels (ops/requantise.ts has the definition). */
import type { Node } from "../../../../ir/graph.ts";
import type { Requantised } from "../../../../ir/integer.ts";
import { type Code, f32x4, i8x16, i16x8, i32, type Local, type V128, v128 } from "../../assembler.ts";
import { type Epilogue, epilogueOf } from "../../epilogue.ts";
import type { LowerContext } from "../../kernel.ts";
import type { Arguments, Fields } from "../../module.ts";
import { expressions } from "../expressions.ts";
import type { PanelResult } from "../panelResult.ts";
import { type Bounds, boundsOf } from "./bounds.ts";
import { wholeSums } from "./byteTap.ts";

const fields = { ratio: "i32", offset: "i32" } as const;

/** The arguments of the product that a result reads beside its own. */
type Args = Arguments<typeof fields & { readonly y: "i32"; readonly ldy: "i32"; readonly width: "i32" }>;

/** Factors and offsets of a panel's eight outputs, two vectors each. */
function scaling(k: Code, { ratio, offset }: Args, output: Local<"i32">): (sum: V128, half: number) => V128 {
  const at = k.local(output.times(4));
  const [ratios, offsets] = [ratio, offset].map((row) => [0, 16].map((half) => k.local(v128.load(row.plus(at), half))));
  return (sum, half) => f32x4.add(f32x4.mul(f32x4.fromI32x4(sum), ratios[half]), offsets[half]);
}

/** Two rows make a vector of bytes. A panel of few outputs stores only a word of each. */
function storeBytes(k: Code, args: Args, bounds: Bounds, isThin: boolean): ReturnType<PanelResult["begin"]> {
  const finish = bounds.begin(k, args);
  return (given, row, first) => {
    const output = k.local(first);
    const scale = scaling(k, args, output);
    const sums = wholeSums(k, given);
    const shorts = Array.from({ length: sums.length / 2 }, (_, i) => {
      const [low, high] = [0, 1].map((half) => k.truncate(scale(sums[2 * i + half], half)));
      return i16x8.narrow(low, high);
    });
    const at = k.local(args.y.plus(row.times(args.ldy)).plus(output));
    const bytes = isThin ? 4 : 8;
    for (let i = 0; i < shorts.length; i += 2) {
      const pair = k.local(finish(i8x16.narrowU(shorts[i], shorts[i + 1] ?? shorts[i])));
      k.storeLow(at, pair, bytes);
      at.add(args.ldy);
      if (i + 1 === shorts.length) break;
      k.storeHigh(at, pair, bytes);
      at.add(args.ldy);
    }
  };
}

/** Floats lie in vectors of four; the last panel may have only one. What follows on floats is in `finish`. */
function storeFloats(k: Code, args: Args, finish: ReturnType<Epilogue["begin"]>): ReturnType<PanelResult["begin"]> {
  return (given, row, first) => {
    const output = k.local(first);
    const scale = scaling(k, args, output);
    const sums = wholeSums(k, given).map((sum) => k.local(sum));
    const at = k.local(row.times(args.ldy).plus(output.times(4)));
    const store = (half: number, sum: V128): void => {
      const place = k.local(at.plus(half * 16));
      k.store(args.y.plus(place), finish(scale(sum, half), place));
    };
    const isWhole = k.local(i32.lt(output.times(4).plus(16), args.width));
    for (let i = 0; i < sums.length; i += 2) {
      store(0, sums[i]);
      k.if(isWhole, () => store(1, sums[i + 1]));
      at.add(args.ldy);
    }
  };
}

/** What becomes of the sums of a node (x, weight, ratio, offset), or undefined where its epilogue has no kernel. */
export function requantised(node: Node, context: LowerContext): PanelResult | undefined {
  const attrs = node.attrs as Requantised;
  const [, , ratio, offset] = node.inputs;
  const args = { ratio: context.at(ratio), offset: context.at(offset) };
  if (attrs.to === "f32") {
    const epilogue = epilogueOf(node, context, expressions);
    if (!epilogue) return undefined;
    return {
      key: ` to floats${epilogue.key}`,
      fields: { ...fields, ...epilogue.fields },
      args: { ...args, ...epilogue.args },
      begin: (k, given) => storeFloats(k, given as unknown as Args, epilogue.begin(k, given as Arguments<Record<string, "i32">>)),
    };
  }
  const bounds = boundsOf(node, context);
  if (!bounds) return undefined;
  const isThin = node.outputs[0].shape[1] <= 4;
  return {
    key: `${isThin ? " thin" : ""} to bytes${bounds.key}`,
    fields: { ...fields, ...bounds.fields },
    args: { ...args, ...bounds.args },
    begin: (k: Code, given: Arguments<Fields>) => storeBytes(k, given as unknown as Args, bounds, isThin),
  };
}
