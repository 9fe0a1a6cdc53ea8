import { type Family, families, familyOf } from "./families.ts";
import { type Network, type NetworkOptions, networks } from "./index.ts";
import { type PublishedFigures, publishedRows } from "./publishedRows.ts";

/** A network at one of its published sizes, with what is printed for it and what our graph counts. */
export interface CatalogueEntry {
  readonly network: string;
  /** What distinguishes the size; empty for the network's own. */
  readonly label: string;
  readonly title: string;
  readonly family: string;
  readonly paper: string;
  readonly year: number;
  /** Pixels of a side. */
  readonly size: number;
  readonly classes: number;
  readonly options: NetworkOptions;
  readonly published: PublishedFigures;
  /** Counted on our graph. */
  readonly params: number;
  readonly macs: number;
}

function printed({ params, macs, top1, on }: PublishedFigures): PublishedFigures {
  const isPrinted = (text: string | undefined): text is string => text !== undefined && text !== "–";
  return {
    ...(isPrinted(params) ? { params } : {}),
    ...(isPrinted(macs) ? { macs } : {}),
    ...(top1 === undefined ? {} : { top1, ...(on === undefined ? {} : { on }) }),
  };
}

function entriesOf(network: Network): CatalogueEntry[] {
  const { name, title, paper, year, inputSize, classes = 1000, published, exact } = network;
  // Networks of ten classes are CIFAR's; what is printed for them is read there.
  const figures = classes === 10 ? { ...published, on: "CIFAR-10" } : published;
  const shared = { network: name, title, family: familyOf(name)?.name ?? "", paper, year, classes };
  const own = { ...shared, label: "", size: inputSize, options: {}, published: printed(figures), ...exact };
  const others = publishedRows.filter((row) => row.network === name);
  return [
    own,
    ...others.map((row) => ({
      ...shared,
      ...row.exact,
      ...rest(row),
      size: row.size ?? inputSize,
      classes: row.options.classes ?? classes,
    })),
  ];
}

function rest({ label, options, published }: (typeof publishedRows)[number]): Pick<CatalogueEntry, "label" | "options" | "published"> {
  return { label, options, published: printed(published) };
}

/** Every network at every published size, family by family in the survey's order. */
export function catalogue(): readonly CatalogueEntry[] {
  const entries = Object.values(networks).flatMap(entriesOf);
  const place = (entry: CatalogueEntry): number => families.findIndex((family: Family) => family.name === entry.family);
  return entries.sort((a, b) => place(a) - place(b));
}
