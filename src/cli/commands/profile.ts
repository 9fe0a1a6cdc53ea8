import { availableParallelism } from "node:os";
import { buildNetwork, compile, energyOf, initialise, type MeasuredCost, measureCost, type StaticCost, staticCost } from "../../index.ts";
import type { Context } from "../context.ts";
import { given, hasFlag, networkOptions, type RawOptions, threadsOption, wholeOption } from "../options.ts";
import { grouped, percent, short, table } from "../terminal/text.ts";

const MB = 1e6;

/** `goldcrest profile NAME`: what a network costs, layer by layer, and with --measure how long each takes here. */
export async function profileNetwork(name: string, raw: RawOptions, context: Context): Promise<void> {
  const build = given({
    size: wholeOption(raw, "size", 1),
    batch: wholeOption(raw, "batch", 1),
    channels: wholeOption(raw, "channels", 1),
    classes: wholeOption(raw, "classes", 1),
  });
  const graph = buildNetwork(name, { ...build, ...networkOptions(raw) });
  const cost = staticCost(graph);
  const threads = threadsOption(raw, 1);
  if (threads > availableParallelism()) context.warn(`${threads} threads on ${availableParallelism()} cores wait for each other`);
  const measured = hasFlag(raw, "measure") ? await measure(graph, threads) : undefined;
  if (context.isJson) context.print(JSON.stringify({ network: name, ...cost, ...(measured ? { threads, measured } : {}) }));
  else {
    context.print(summary(name, cost, measured, threads));
    context.print("");
    context.print(measured ? measuredTable(measured) : costTable(cost));
  }
}

async function measure(graph: ReturnType<typeof buildNetwork>, threads: number): Promise<MeasuredCost> {
  using session = await compile(graph, initialise(graph, 0), { threads });
  session.view("image").data.fill(0.5);
  return measureCost(session);
}

/** What the arithmetic would take on hardware of the published table, for two number types. */
function energyText(cost: StaticCost): string {
  const text = (microjoules: number): string =>
    microjoules < 1000 ? `${microjoules.toPrecision(3)} µJ` : `${(microjoules / 1000).toPrecision(3)} mJ`;
  return `${text(energyOf(cost, "f32"))} in float32, ${text(energyOf(cost, "i8"))} in int8 (45 nm; moving data not counted)`;
}

function summary(name: string, cost: StaticCost, measured: MeasuredCost | undefined, threads: number): string {
  const rows = [
    ["parameters", grouped(cost.params)],
    ["multiply–accumulates", `${grouped(cost.macs)}   (${short(cost.macs * 2)}FLOPs, counting a multiply–accumulate as two)`],
    ["additions", grouped(cost.adds)],
    ["arithmetic energy", energyText(cost)],
    ["bytes moved", `${(cost.bytes / MB).toFixed(2)} MB, float32, layer by layer`],
    ["weights", `${(cost.weightBytes / MB).toFixed(2)} MB, float32`],
    ["peak activations", `${(cost.peakBytes / MB).toFixed(2)} MB, float32`],
  ];
  if (measured) {
    rows.push([
      "time",
      `${measured.milliseconds.toFixed(2)} ms a run, ${threads} thread${threads === 1 ? "" : "s"}, ${short(cost.macs / measured.milliseconds / 1e-3)}MAC/s`,
    ]);
    rows.push([
      "reference",
      measured.fallbacks === 0
        ? "no layer fell back to the reference"
        : `${measured.fallbacks} layers have no kernel and ran on the reference`,
    ]);
  }
  const width = Math.max(...rows.map(([label]) => label.length));
  return [name, ...rows.map(([label, text]) => `  ${label.padEnd(width)}  ${text}`)].join("\n");
}

function costTable({ rows, macs }: StaticCost): string {
  const cells = rows.map((row) => [
    row.scope,
    row.op,
    row.shape.join("×"),
    grouped(row.params),
    grouped(row.macs),
    percent(macs ? row.macs / macs : 0),
    grouped(row.adds),
  ]);
  return table(["layer", "op", "output", "params", "MACs", "share", "additions"], cells);
}

function measuredTable({ rows }: MeasuredCost): string {
  const total = rows.reduce((sum, row) => sum + row.milliseconds, 0);
  const cells = rows.map((row) => [
    row.scope || "–",
    row.op,
    row.milliseconds.toFixed(3),
    percent(total ? row.milliseconds / total : 0),
    row.kernel,
  ]);
  return table(["layer", "op", "ms", "share", "kernel"], cells);
}
