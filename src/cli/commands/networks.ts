import {
  type Arithmetic,
  arithmetics,
  buildNetwork,
  type CatalogueEntry,
  catalogue,
  energyOf,
  families,
  nearest,
  networks,
  numberTypes,
  type Operations,
  OptionError,
  staticCost,
  typesOf,
} from "../../index.ts";
import type { Context } from "../context.ts";
import { choiceOption, hasFlag, type RawOptions, textOption } from "../options.ts";
import { energy, grouped, short, table } from "../terminal/text.ts";

/** What --sort takes: how two entries compare, and which of them have nothing to compare. */
const columns = {
  name: (entry) => `${entry.network} ${entry.label}`,
  params: (entry) => entry.params,
  macs: (entry) => entry.macs,
  top1: (entry) => entry.published.top1,
  year: (entry) => entry.year,
  size: (entry) => entry.size,
} satisfies Record<string, (entry: CatalogueEntry) => number | string | undefined>;

type Column = keyof typeof columns;

/** An entry, and where asked for what its arithmetic consists of and takes. */
type Listed = CatalogueEntry & {
  readonly arithmetic?: Arithmetic;
  readonly operations?: Operations;
  readonly microjoules?: Record<string, number>;
};

/** Rows at which the networks' readings are told too. */
const FEW = 16;

/** `goldcrest networks`: every network at every published size, its counts beside the published ones. */
export async function listNetworks(raw: RawOptions, context: Context): Promise<void> {
  const listed = sorted(chosen(raw), choiceOption(raw, "sort", Object.keys(columns) as Column[]));
  const isCosted = hasFlag(raw, "energy") || textOption(raw, "arithmetic") !== undefined;
  const entries: readonly Listed[] = isCosted ? costed(listed, raw) : listed;
  if (context.isJson) {
    context.print(
      JSON.stringify(entries.map(({ network, ...entry }) => ({ name: network, ...entry, variants: networks[network].variants }))),
    );
    return;
  }
  context.print(isCosted ? costTable(entries) : entriesTable(entries));
  const names = [...new Set(entries.map(({ network }) => network))];
  if (entries.length <= FEW) context.print(`\n${readings(names, context)}`);
  if (isCosted) {
    context.print(
      context.out.dim(
        "\nfloat32 … int8: the arithmetic's energy by the published table of 45 nm if every number had the type; moving data not counted",
      ),
    );
    return;
  }
  const sizes = `${names.length} networks, ${entries.length} published sizes; params and MACs are counted on our graphs; C10: on CIFAR-10, C100: on CIFAR-100, the others on ImageNet`;
  const hint =
    entries.length <= FEW ? "" : "\nreadings of a network: goldcrest networks --filter NAME   its layers: goldcrest explain NAME";
  context.print(context.out.dim(`\n${sizes}${hint}`));
}

/** Builds each entry, with --arithmetic computing so; what cannot compute so is left out. */
function costed(entries: readonly CatalogueEntry[], raw: RawOptions): readonly Listed[] {
  const arithmetic = choiceOption(raw, "arithmetic", Object.keys(arithmetics) as Arithmetic[]);
  const listed = entries.flatMap((entry): Listed[] => {
    try {
      const options = { ...entry.options, ...(arithmetic === undefined ? {} : { arithmetic }) };
      const cost = staticCost(buildNetwork(entry.network, { ...options, size: entry.size, classes: entry.classes }));
      const { macs, multiplications, adds, comparisons, integerAdds } = cost;
      const microjoules = Object.fromEntries(typesOf(cost).map((type) => [type, energyOf(cost, type)]));
      const operations = { macs, multiplications, adds, comparisons, integerAdds };
      return [{ ...entry, macs, options, operations, microjoules, ...(arithmetic ? { arithmetic } : {}) }];
    } catch (error) {
      if (error instanceof OptionError && arithmetic !== undefined) return [];
      throw error;
    }
  });
  if (listed.length === 0)
    throw new OptionError(`none of these networks can compute with --arithmetic ${arithmetic}; nearest legal value product`);
  return listed;
}

/** Counts by kind of arithmetic, and its energy by number type. */
function costTable(entries: readonly Listed[]): string {
  const cells = entries.map(({ network, label, size, params, operations, microjoules }) => {
    const { macs, multiplications = 0, adds, comparisons = 0, integerAdds = 0 } = operations as Operations;
    const counts = [macs, multiplications, adds, comparisons, integerAdds].map((count) => (count === 0 ? "–" : short(count)));
    const energies = numberTypes.map((type) => (microjoules?.[type] === undefined ? "–" : energy(microjoules[type])));
    return [label === "" ? network : `${network}  ${label}`, String(size), grouped(params), ...counts, ...energies];
  });
  const kinds = ["MACs", "other ×", "additions", "comparisons", "int adds"];
  return table(["network", "size", "params", ...kinds, "float32", "float16", "int32", "int8"], cells);
}

function chosen(raw: RawOptions): readonly CatalogueEntry[] {
  const [family, filter] = [textOption(raw, "family"), textOption(raw, "filter")?.toLowerCase()];
  if (family !== undefined && !families.some(({ name }) => name === family)) {
    const names = families.map(({ name }) => name);
    const near = nearest(family, names);
    throw new OptionError(`unknown family ${JSON.stringify(family)}\n  ${near ? `did you mean "${near}"?   ` : ""}(${names.join(", ")})`);
  }
  const found = catalogue().filter(
    (entry) =>
      (family === undefined || entry.family === family) &&
      (filter === undefined ||
        [entry.network, entry.title, entry.label, entry.paper, entry.family].join(" ").toLowerCase().includes(filter)),
  );
  if (found.length === 0) throw new OptionError(`no network matches --filter ${JSON.stringify(filter)}; goldcrest networks lists all`);
  return found;
}

/** Sorted by a column, what has no value there last; the best accuracy and the newest come first. */
function sorted(entries: readonly CatalogueEntry[], column: Column | undefined): readonly CatalogueEntry[] {
  if (column === undefined) return entries;
  const isDown = column === "top1" || column === "year";
  return [...entries].sort((a, b) => {
    const [x, y] = [columns[column](a), columns[column](b)];
    if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined);
    const order = typeof x === "string" ? (x < String(y) ? -1 : Number(x > String(y))) : x - Number(y);
    return isDown ? -order : order;
  });
}

function entriesTable(entries: readonly CatalogueEntry[]): string {
  const cells = entries.map(({ network, label, size, params, macs, published, year, paper }) => [
    label === "" ? network : `${network}  ${label}`,
    String(size),
    grouped(params),
    short(macs),
    published.params ?? "–",
    published.macs ?? "–",
    accuracy(published),
    String(year),
    paper,
  ]);
  return table(["network", "size", "params", "MACs", "paper: params", "MACs", "top-1", "year", "source"], cells);
}

/** Top-1 in per cent; those of CIFAR are marked. */
function accuracy({ top1, on }: CatalogueEntry["published"]): string {
  if (top1 === undefined) return "–";
  const digits = Number.isInteger(Math.round(top1 * 100) / 10) ? 1 : 2;
  return `${top1.toFixed(digits)}${on === undefined ? "" : ` ${on.replace("CIFAR-", "C")}`}`;
}

function readings(names: readonly string[], { out }: Context): string {
  return names
    .map((name) => {
      const [first, ...others] = Object.entries(networks[name].variants).map(([variant, meaning]) => `${variant}: ${meaning}`);
      return `${out.bold(name)}  ${first}${others.map((other) => `\n${" ".repeat(name.length + 2)}${other}`).join("")}`;
    })
    .join("\n");
}
