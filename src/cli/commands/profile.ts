import { availableParallelism } from "node:os";
import {
  type ArithmeticForm,
  arithmeticForms,
  arithmetics,
  compile,
  energyOf,
  type Graph,
  initialise,
  type MeasuredCost,
  type MemoryPlan,
  measureCost,
  type NumberType,
  type Operations,
  optimise,
  planMemory,
  type StaticCost,
  typesOf,
  zeros,
} from "../../index.ts";
import type { Context } from "../context.ts";
import { given, hasFlag, networkOptions, type RawOptions, threadsOption, wholeOption } from "../options.ts";
import { energy, grouped, percent, short, table } from "../terminal/text.ts";

const MB = 1e6;

/** `goldcrest profile NAME`: what a network costs, layer by layer, and with --measure how long each takes here. */
export async function profileNetwork(name: string, raw: RawOptions, context: Context): Promise<void> {
  const build = given({
    size: wholeOption(raw, "size", 1),
    batch: wholeOption(raw, "batch", 1),
    channels: wholeOption(raw, "channels", 1),
    classes: wholeOption(raw, "classes", 1),
  });
  const [own, ...others] = arithmeticForms(name, { ...build, ...networkOptions(raw) });
  if ("refused" in own) return;
  const { cost } = own;
  const threads = threadsOption(raw, 1);
  if (threads > availableParallelism()) context.warn(`${threads} threads on ${availableParallelism()} cores wait for each other`);
  const memory = memoryOf(own.graph);
  const isMeasured = hasFlag(raw, "measure");
  const measured = isMeasured ? await measure(own.graph, threads) : undefined;
  const forms: Form[] = [];
  for (const form of others) {
    if ("refused" in form) forms.push(form);
    else forms.push({ ...form, ...(isMeasured ? { milliseconds: (await measure(form.graph, threads)).milliseconds } : {}) });
  }
  if (context.isJson) {
    const arithmetic = { arithmetic: own.arithmetic, microjoules: microjoules(cost), forms: forms.map(jsonForm) };
    context.print(JSON.stringify({ network: name, ...cost, memory, ...arithmetic, ...(measured ? { threads, measured } : {}) }));
  } else {
    context.print(summary(name, cost, memory, forms, measured, threads));
    context.print("");
    context.print(measured ? measuredTable(measured) : costTable(cost));
  }
}

/** Another arithmetic of the network, and with --measure how long a run of that takes here. */
type Form = ArithmeticForm & { readonly milliseconds?: number };

/** The plan of a session for inference; it does not depend on what the weights are. */
function memoryOf(graph: Graph): MemoryPlan {
  const stored = graph.leaves.filter(({ kind }) => kind === "parameter" || kind === "state");
  return planMemory(optimise(graph, new Map(stored.map(({ name = "", shape }) => [name, zeros(shape)]))).graph);
}

function memoryText({ arena, lowerBound, weights, packed }: MemoryPlan): string {
  const text = (bytes: number): string => `${(bytes / MB).toFixed(2)} MB`;
  const rest = text(arena - weights - packed);
  return `${text(arena)} in a session: weights ${text(weights)}, packed ${text(packed)}, activations ${rest}; ${(arena / lowerBound).toFixed(2)} of the least possible`;
}

async function measure(graph: Graph, threads: number): Promise<MeasuredCost> {
  using session = await compile(graph, initialise(graph, 0), { threads });
  session.view("image").data.fill(0.5);
  return measureCost(session);
}

const typeNames = { f32: "float32", f16: "float16", i32: "int32", i8: "int8" } as const;

function microjoules(cost: Operations): Record<string, number> {
  return Object.fromEntries(typesOf(cost).map((type) => [type, energyOf(cost, type)]));
}

/** What the arithmetic would take on hardware of the published table. */
function energyText(cost: StaticCost): string {
  return `${typesOf(cost)
    .map((type) => `${energy(energyOf(cost, type))} in ${typeNames[type]}`)
    .join(", ")}   (45 nm, by table; moving data not counted)`;
}

function jsonForm(form: Form): Record<string, unknown> {
  if ("refused" in form) return { arithmetic: form.arithmetic, refused: form.refused };
  const { arithmetic, milliseconds, cost } = form;
  const { macs, multiplications, adds, comparisons, integerAdds } = cost;
  const counts = { macs, multiplications, adds, comparisons, integerAdds };
  return { arithmetic, ...counts, microjoules: microjoules(cost), ...(milliseconds === undefined ? {} : { milliseconds }) };
}

/** What another arithmetic would take instead, and what it takes here. */
function formText(form: Form, own: StaticCost): string {
  if ("refused" in form) return "not possible: no convolution that a normalisation follows, but the first and the classifier";
  const types = typesOf(form.cost).filter((type) => typesOf(own).includes(type));
  const change = (type: NumberType): string => {
    const share = energyOf(form.cost, type) / energyOf(own, type) - 1;
    return `${energy(energyOf(form.cost, type))} in ${typeNames[type]} (${share > 0 ? "+" : "−"}${percent(Math.abs(share), 0)})`;
  };
  const here = form.milliseconds === undefined ? "" : `; here ${form.milliseconds.toFixed(2)} ms a run`;
  return `${change(types[0])}, ${change(types[types.length - 1])}, ${short(form.cost.macs)} MACs left${here}`;
}

/** Kinds of arithmetic beside the multiply–accumulates, those that occur. */
function kindRows({ multiplications, adds, comparisons, integerAdds }: StaticCost): string[][] {
  const rows = [
    ["multiplications beside", multiplications, "normalisation, gates, means; divisions and exponentials count as one"],
    ["additions", adds, ""],
    ["comparisons", comparisons, ""],
    ["integer additions", integerAdds, "of floats' bits: Mitchell's products"],
  ] as const;
  return rows.filter(([, count]) => count > 0).map(([label, count, note]) => [label, `${grouped(count)}${note ? `   (${note})` : ""}`]);
}

function summary(
  name: string,
  cost: StaticCost,
  memory: MemoryPlan,
  forms: readonly Form[],
  measured: MeasuredCost | undefined,
  threads: number,
): string {
  const rows = [
    ["parameters", grouped(cost.params)],
    ["multiply–accumulates", `${grouped(cost.macs)}   (${short(cost.macs * 2)}FLOPs, counting a multiply–accumulate as two)`],
    ...kindRows(cost),
    ["arithmetic energy", energyText(cost)],
    ["computed otherwise", "what other hardware would take; processors like this one multiply and add in one instruction"],
    ...forms.map((form) => [`  as ${arithmetics[form.arithmetic].title}`, formText(form, cost)]),
    ["bytes moved", `${(cost.bytes / MB).toFixed(2)} MB, float32, layer by layer`],
    ["weights", `${(cost.weightBytes / MB).toFixed(2)} MB, float32`],
    ["peak activations", `${(cost.peakBytes / MB).toFixed(2)} MB, float32`],
    ["memory plan", memoryText(memory)],
  ];
  if (measured) {
    const speed = cost.macs > 0 ? `, ${short(cost.macs / measured.milliseconds / 1e-3)}MAC/s` : "";
    rows.push(["time", `${measured.milliseconds.toFixed(2)} ms a run, ${threads} thread${threads === 1 ? "" : "s"}${speed}`]);
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

/** A row for each layer: parameters and arithmetic. */
export function costTable({ rows, macs }: StaticCost): string {
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

/** A row for each layer: its time and its kernels. */
export function measuredTable({ rows }: MeasuredCost): string {
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
