/** The pages of docs/zoo and the README's table, generated from the networks themselves and the texts of this folder. */
import {
  type Arithmetic,
  blockDiagram,
  blocks,
  buildNetwork,
  type CatalogueEntry,
  catalogue,
  designGraph,
  energyOf,
  type Family,
  families,
  findNetwork,
  isDesign,
  networkDiagram,
  networks,
  type OutlineBlock,
  outline,
  staticCost,
  typesOf,
} from "../../src/index.ts";
import { first } from "./first.ts";
import type { Figure, Page } from "./page.ts";
import { second } from "./second.ts";

const pages: readonly Page[] = [...first, ...second];
const FOLDER = "docs/zoo";
const BEGIN = "<!-- designs:begin -->";
const END = "<!-- designs:end -->";

const grouped = (count: number): string => Math.round(count).toLocaleString("en-US");

function short(count: number): string {
  for (const [size, name] of [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const)
    if (count >= size) return `${(count / size).toPrecision(3)} ${name}`;
  return String(count);
}

/** Rows as a Markdown table; the columns named in `right` are set to the right. */
function table(head: readonly string[], right: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((name) => (right.includes(name) ? "---:" : "---"))), ...rows.map(line)].join("\n");
}

/** A figure can be drawn where what it shows exists. */
function isDrawable(figure: Figure): boolean {
  return "design" in figure ? isDesign(figure.design) : Object.hasOwn(networks, figure.network);
}

function figureName(figure: Figure): string {
  if ("design" in figure) return [figure.design, ...(figure.place ? Object.values(figure.place) : [])].join("-");
  return [figure.network, ...(figure.options ? Object.values(figure.options) : []), ...(figure.block ? [figure.block] : [])].join("-");
}

function joined(found: readonly OutlineBlock[]): OutlineBlock {
  return { ...found[0], nodes: found.flatMap(({ nodes }) => nodes) };
}

function drawn(figure: Figure): string {
  if ("design" in figure) {
    const graph = designGraph(figure.design, figure.place);
    const { title, paper, about } = blocks.designs[figure.design as keyof typeof blocks.designs];
    return blockDiagram(graph, graph.nodes, graph.leaves[0], { title, subtitle: `${paper} · ${about}` });
  }
  const network = findNetwork(figure.network);
  const graph = buildNetwork(network, { ...figure.options, ...(network.classes ? { classes: network.classes } : {}) });
  const { input, output, stages, params, macs } = outline(graph);
  const title = [network.title, ...Object.entries(figure.options ?? {}).map(([option, value]) => `${option} ${value}`)].join(", ");
  if (figure.block !== undefined) {
    const wanted = figure.block;
    const found = joined(stages.flatMap((stage) => stage.blocks).filter(({ path }) => path === wanted || path.startsWith(`${wanted}.`)));
    return blockDiagram(graph, found.nodes, found.input, { title: `${title}: ${wanted}`, subtitle: found.text });
  }
  const shapes = `${input.slice(1).join("×")} → ${output[1]} classes`;
  return networkDiagram(graph, { title, subtitle: `${network.paper} · ${shapes} · ${short(params)} parameters · ${short(macs)} MACs` });
}

function top1({ published: { top1: found, on } }: CatalogueEntry): string {
  return found === undefined ? "–" : `${found}${on ? ` (${on})` : ""}`;
}

/** Adders of an entry, each two additions; the networks of products have none. */
function adders({ network, options, size, classes }: CatalogueEntry): number {
  const graph = buildNetwork(network, { ...options, size, classes });
  const layers = new Set(graph.nodes.flatMap(({ op, scope }) => (op.takesSimilarity ? [scope] : [])));
  return staticCost(graph).rows.reduce((sum, { scope, macs, adds }) => sum + (layers.has(scope) && macs === 0 ? adds / 2 : 0), 0);
}

function sizesTable(entries: readonly CatalogueEntry[]): string {
  const isAdding = entries.some(({ network }) => findNetwork(network).arithmetic === "adder");
  const rows = entries.map((entry) => [
    `\`${entry.network}\`${entry.label ? ` ${entry.label}` : ""}`,
    String(entry.size),
    grouped(entry.params),
    entry.published.params ?? "–",
    grouped(entry.macs),
    ...(isAdding ? [grouped(adders(entry))] : [entry.published.macs ?? "–"]),
    top1(entry),
  ]);
  const head = ["network", "pixels", "parameters", "printed", "multiply–accumulates", isAdding ? "adders" : "printed ", "top-1"];
  return table(head, ["pixels", "parameters", "multiply–accumulates", "adders"], rows);
}

const swapped = ["resnet-20", "vgg-16-cifar", "vanilla"] as const;

function costs(network: string, conv?: string): readonly [params: number, macs: number] {
  const { classes } = findNetwork(network);
  const options = { ...(classes ? { classes } : {}), ...(conv === undefined ? {} : { conv: conv as keyof typeof blocks.designs }) };
  const { params, macs } = staticCost(buildNetwork(network, options));
  return [params, macs];
}

/** What an arithmetic does to networks made for products. */
function arithmeticTable(arithmetic: Arithmetic): string {
  const rows = ["resnet-20", "mobilenet-v2", "shufflenet-v2", "ghostnet", "efficientnet-b0", "resnet-50"].map((name) => {
    const { classes = 1000 } = findNetwork(name);
    const [own, other] = [{}, { arithmetic }].map((options) => staticCost(buildNetwork(name, { classes, ...options })));
    const narrow = typesOf(other)[typesOf(other).length - 1];
    const energies = (["f32", narrow] as const).map((type) => `${energy(energyOf(own, type))} → ${energy(energyOf(other, type))}`);
    return [`\`${name}\``, short(own.macs), short(other.macs), short(other.adds), ...energies];
  });
  const narrow = arithmetic === "mitchell" ? "float16" : "int8";
  const head = ["network", "products", "left", "additions", "energy in float32", `in ${narrow}`];
  const words =
    "Energy is that of the arithmetic alone by the published table of 45 nm: what hardware with such units could save. A processor that multiplies and adds in one instruction saves nothing; `goldcrest profile NAME --measure` tells the times here.";
  return `Any network that can (\`--arithmetic ${arithmetic}\`). ${words}\n\n${table(head, head.slice(1), rows)}`;
}

function energy(microjoules: number): string {
  return microjoules < 999.5 ? `${microjoules.toPrecision(3)} µJ` : `${(microjoules / 1000).toPrecision(3)} mJ`;
}

/** What a design does to plain backbones. */
function swapTable(designs: readonly string[]): string {
  const rows = ["vanilla", ...designs.filter((design) => design !== "vanilla")].map((design) => [
    `\`${design}\``,
    ...swapped.flatMap((network) => costs(network, design).map(short)),
  ]);
  const head = ["`conv`", ...swapped.flatMap((network) => [`${network}: params`, "MACs"])];
  return table(head, head.slice(1), rows);
}

function readings(names: readonly string[]): string {
  return names
    .flatMap((name) => {
      const variants = Object.entries(networks[name].variants);
      if (variants.length < 2 || variants.length > 6) return [];
      return [`* \`${name}\`: ${variants.map(([variant, meaning]) => `\`${variant}\`, ${meaning}`).join("; ")}`];
    })
    .join("\n");
}

function unreproduced(names: readonly string[], open: readonly string[]): string {
  const listed = names.flatMap((name) => (networks[name].unreproduced ?? []).map(({ what, why }) => `\`${name}\`, ${what}: ${why}.`));
  return [...new Set([...open, ...listed])].map((line) => `* ${line}`).join("\n");
}

function section(title: string, body: string): string {
  return body === "" ? "" : `\n## ${title}\n\n${body}\n`;
}

function paperLink(paper: string): string {
  return paper.replace(/arXiv (\d{4}\.\d{5})/, "[arXiv $1](https://arxiv.org/abs/$1)");
}

function pageOf({ family: name, idea, figures, designs, arithmetic, survey, open }: Page): string {
  const family = families.find((each) => each.name === name) as Family;
  const entries = catalogue().filter((entry) => entry.family === name);
  const names = [...new Set(entries.map(({ network }) => network))];
  const present = designs.filter(isDesign);
  const pictures = figures
    .filter(isDrawable)
    .map((figure) => `![${figure.caption}](figures/${figureName(figure)}.svg)\n\n${figure.caption}`);
  const swaps =
    present.length === 0 ? "" : `Every ordinary 3×3 convolution of a plain backbone replaced (\`--conv\`):\n\n${swapTable(present)}`;
  const variants = readings(names);
  return [
    `<!-- Written by npm run docs:zoo from the networks and scripts/zoo; changes here are lost. -->\n\n# ${family.title}\n`,
    `${family.papers.map(paperLink).join(" · ")}\n\n${idea}\n`,
    section("Figures", pictures.length === 0 ? "" : `${pictures.join("\n\n")}\n\nDrawn from the graphs by \`goldcrest explain\`.`),
    section("Sizes", entries.length === 0 ? "" : `Counted on our graphs, beside what the papers print.\n\n${sizesTable(entries)}`),
    section("Readings", variants),
    section("In place of the ordinary convolution", swaps),
    section("In any network", arithmetic ? arithmeticTable(arithmetic) : ""),
    section("What the survey's code does differently", survey.map((line) => `* ${line}`).join("\n")),
    section("What could not be reproduced, and what was left open", unreproduced(names, open)),
  ].join("");
}

/** From the smallest to the largest count of a family. */
function range(counts: readonly number[]): string {
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return least === most ? short(least) : `${short(least)} – ${short(most)}`;
}

function readmeTable(): string {
  const rows = pages.map(({ family: name, designs }) => {
    const family = families.find((each) => each.name === name) as Family;
    const entries = catalogue().filter((entry) => entry.family === name);
    const best = Math.max(0, ...entries.filter(({ published }) => published.on === undefined).map(({ published }) => published.top1 ?? 0));
    const present = designs.filter(isDesign);
    const swap = present.map((design) => `\`${design}\` ${costs("resnet-20", design).map(short).join(", ")}`).join("; ");
    return [
      `[${family.title}](docs/zoo/${name}.md)`,
      String(family.year),
      entries.length === 0 ? "–" : String(entries.length),
      entries.length === 0 ? "–" : range(entries.map(({ params }) => params)),
      entries.length === 0 ? "–" : range(entries.map(({ macs }) => macs)),
      best === 0 ? "–" : String(best),
      swap || "–",
    ];
  });
  const head = ["Family", "Year", "Sizes", "Parameters", "MACs", "Top-1, printed", "`--conv`: parameters and MACs of ResNet-20 with it"];
  return `${table(head, ["Sizes"], rows)}\n\nCounts are of our graphs and tested; top-1 is ImageNet's, of the family's best, as its paper prints it.`;
}

/** The README with its table of designs as it should be. */
export function withDesigns(readme: string): string {
  const [begin, end] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`README.md: the marks ${BEGIN} and ${END} are missing`);
  return `${readme.slice(0, begin + BEGIN.length)}\n${readmeTable()}\n${readme.slice(end)}`;
}

function indexPage(): string {
  const lines = pages.map(({ family: name, idea }) => {
    const family = families.find((each) => each.name === name) as Family;
    return `* [${family.title}](${name}.md) (${family.year}): ${idea.split(/(?<=[.:]) /)[0].replace(/:$/, ".")}`;
  });
  return `<!-- Written by npm run docs:zoo from the networks and scripts/zoo; changes here are lost. -->\n\n# The zoo\n\nOne page for each family of the survey: the idea, figures drawn from our own graphs, sizes with our counts beside the printed ones, what the survey's code does differently, and what could not be reproduced.\n\n${lines.join("\n")}\n`;
}

/** Every generated file by its path from the repository's root. */
export function zooDocuments(): ReadonlyMap<string, string> {
  const files = new Map<string, string>([[`${FOLDER}/README.md`, indexPage()]]);
  for (const page of pages) {
    files.set(`${FOLDER}/${page.family}.md`, pageOf(page));
    for (const figure of page.figures.filter(isDrawable)) files.set(`${FOLDER}/figures/${figureName(figure)}.svg`, drawn(figure));
  }
  return files;
}

/** Families that no page is written for, and pages without a family. */
export function unmatchedPages(): readonly string[] {
  const written = pages.map(({ family }) => family);
  const known = families.map(({ name }) => name);
  return [...known.filter((name) => !written.includes(name)), ...written.filter((name) => !known.includes(name))];
}
