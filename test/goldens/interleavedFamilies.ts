/** The interleaved group convolutions' networks, which references call by their arguments alone. */
import { nameMapOf } from "../../src/formats/names/index.ts";
import { sameNames } from "../../src/formats/names/nameMap.ts";
import { igcv1Of } from "../../src/networks/igcv1.ts";
import { type InterleavedLayout, igcv2Of } from "../../src/networks/igcv2.ts";
import { findNetwork } from "../../src/networks/index.ts";
import { Mismatch } from "./compare.ts";
import type { Counterpart } from "./networks.ts";

type Called = Readonly<Record<string, unknown>>;

/** The constructor's arguments, each a number and no other than these; the class count is optional and taken out. */
function numbers(called: Called, names: readonly string[]): readonly number[] | undefined {
  const given = Object.keys(called).filter((name) => name !== "num_classes");
  const values = names.map((name) => called[name]);
  const isFit = given.length === names.length && values.every((value) => typeof value === "number");
  return isFit ? (values as readonly number[]) : undefined;
}

function igcv1(form: "plain" | "residual", [L, M, D]: readonly number[]): Counterpart {
  return { network: igcv1Of(form, { L, M, D }), options: {}, names: nameMapOf("mxnet", `igcv1-${form}`) };
}

function igcv2({ widths, blocks, K }: Called): Counterpart {
  const layout = { widths, blocks, K } as InterleavedLayout;
  return { network: igcv2Of(layout), options: {}, names: sameNames("a reading") };
}

function found(called: Called): Counterpart | undefined {
  const partitions = ["primary_partition", "secondary_partition"];
  const [plain, residual] = [numbers(called, [...partitions, "net_depth"]), numbers(called, [...partitions, "num_depth"])];
  if (plain) return igcv1("plain", plain);
  if (residual) return igcv1("residual", residual);
  if (Array.isArray(called.widths)) return igcv2(called);
  const model = /^IGC-(L\d+M\d+)$/.exec(String(called.model))?.[1];
  if (model) return { network: findNetwork("igcv1-imagenet"), options: { variant: model }, names: nameMapOf("mxnet", "igcv1-imagenet") };
  const width = numbers(called, ["width_multiplier"]);
  if (!width) return undefined;
  const options = { width: width[0], variant: "pytorch" };
  return { network: findNetwork("igcv3"), options, names: nameMapOf("xxradon", "igcv3", "pytorch") };
}

/** Our network for a fixture of the family "igc". */
export function interleavedCounterpart(called: Called): Counterpart {
  const counterpart = found(called);
  if (!counterpart) throw new Mismatch(`unsupported: no network for igc ${JSON.stringify(called)}`);
  if (called.num_classes === undefined) return counterpart;
  return { ...counterpart, options: { ...counterpart.options, classes: called.num_classes as number } };
}
