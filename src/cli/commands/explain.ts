import {
  blockDiagram,
  blocks,
  buildNetwork,
  designGraph,
  findNetwork,
  type Graph,
  isDesign,
  nearest,
  networkDiagram,
  networks,
  OptionError,
  type OutlineBlock,
  outline,
} from "../../index.ts";
import { atomicWrite } from "../../node.ts";
import type { Context } from "../context.ts";
import { given, hasFlag, networkOptions, type RawOptions, textOption, wholeOption } from "../options.ts";
import { blockText, outlineText } from "../terminal/outline.ts";
import { grouped, printable, short } from "../terminal/text.ts";

/** What is explained: a graph, what it is called, and which of its blocks, if only one. */
interface Subject {
  readonly graph: Graph;
  readonly title: string;
  readonly source: string;
  readonly block: OutlineBlock | undefined;
}

/** `goldcrest explain NAME`: a network stage by stage, or a block op by op, as text and as a picture. */
export async function explainCommand(name: string, raw: RawOptions, context: Context): Promise<void> {
  const svg = textOption(raw, "svg");
  const subject = subjectOf(name, raw);
  const { graph, title, source, block } = subject;
  const whole = outline(graph);
  const { params, macs, adds } = block ?? whole;
  if (svg !== undefined) await atomicWrite(svg, new TextEncoder().encode(pictureOf(subject)));
  if (context.isJson) {
    context.print(JSON.stringify({ name, title, params, macs, adds, ...(block ? jsonBlock(block) : { stages: jsonStages(whole) }) }));
  } else {
    const shapes = block ? [block.input.shape, block.output.shape] : [whole.input, whole.output];
    const [from, to] = shapes.map((shape) => shape.slice(1).join("×"));
    context.print(`${context.out.bold(title)}  ${from} → ${to}   ${context.out.dim(source)}`);
    context.print(`${grouped(params)} parameters, ${short(macs)} MACs, ${short(adds)} plain additions\n`);
    context.print(block ? blockText(block, graph, context.out) : outlineText(whole, context.out, context.columns));
  }
  if (svg !== undefined) context.note(`the figure: ${printable(svg)}`);
}

function subjectOf(name: string, raw: RawOptions): Subject {
  const isNetwork = Object.hasOwn(networks, name) && !hasFlag(raw, "design");
  if (!isNetwork && isDesign(name)) return designSubject(name, raw);
  if (!isNetwork && !isDesign(name) && hasFlag(raw, "design")) designGraph(name);
  if (!isNetwork) refuse(name);
  const network = findNetwork(name);
  const build = given({
    size: wholeOption(raw, "size", 1),
    channels: wholeOption(raw, "channels", 1),
    classes: wholeOption(raw, "classes", 1),
  });
  const options = networkOptions(raw);
  const graph = buildNetwork(network, { ...build, ...(network.classes ? { classes: network.classes } : {}), ...build, ...options });
  const path = textOption(raw, "block");
  const details = Object.entries(options).map(([option, value]) => `${option} ${value}`);
  const title = [network.title, ...details].join(", ");
  if (path === undefined) return { graph, title, source: network.paper, block: undefined };
  return { graph, title: `${title}: ${path}`, source: network.paper, block: blockAt(graph, path) };
}

function refuse(name: string): never {
  const names = [...Object.keys(networks), ...Object.keys(blocks.designs)];
  const near = nearest(name, names);
  throw new OptionError(
    `unknown network or design ${JSON.stringify(name)}\n  ${near ? `did you mean "${near}"?   ` : ""}(goldcrest networks lists the networks; designs: ${Object.keys(blocks.designs).join(", ")})`,
  );
}

function designSubject(name: keyof typeof blocks.designs, raw: RawOptions): Subject {
  const place = given({
    inputs: wholeOption(raw, "inputs", 1),
    outputs: wholeOption(raw, "outputs", 1),
    stride: wholeOption(raw, "stride", 1),
    size: wholeOption(raw, "size", 1),
  });
  const graph = designGraph(name, place);
  const { title, paper, about } = blocks.designs[name];
  const all = outline(graph).stages.flatMap((stage) => stage.blocks);
  return { graph, title, source: `${paper}: ${about}`, block: joined(all) };
}

/** A design's parts as one block. */
function joined(all: readonly OutlineBlock[]): OutlineBlock {
  const sum = (pick: (block: OutlineBlock) => number): number => all.reduce((total, block) => total + pick(block), 0);
  return {
    ...all[0],
    output: all[all.length - 1].output,
    nodes: all.flatMap(({ nodes }) => nodes),
    parts: all.flatMap(({ parts }) => parts),
    params: sum(({ params }) => params),
    macs: sum(({ macs }) => macs),
    adds: sum(({ adds }) => adds),
  };
}

function blockAt(graph: Graph, path: string): OutlineBlock {
  const all = outline(graph).stages.flatMap((stage) => stage.blocks);
  const found = all.filter((block) => block.path === path || block.path.startsWith(`${path}.`));
  if (found.length > 0) return joined(found);
  const paths = all.map((block) => block.path);
  const near = nearest(path, paths);
  throw new OptionError(`there is no block ${JSON.stringify(path)}\n  ${near ? `did you mean "${near}"?   ` : ""}(${paths.join(", ")})`);
}

function pictureOf({ graph, title, source, block }: Subject): string {
  if (block) return blockDiagram(graph, block.nodes, block.input, { title, subtitle: source });
  const { input, output, params, macs } = outline(graph);
  const numbers = `${input.slice(1).join("×")} → ${output[1]} classes · ${short(params)} parameters · ${short(macs)} MACs`;
  return networkDiagram(graph, { title, subtitle: `${source} · ${numbers}` });
}

function jsonBlock({ path, input, output, text, params, macs, adds }: OutlineBlock): Record<string, unknown> {
  return { path, text, input: input.shape, output: output.shape, params, macs, adds };
}

function jsonStages({ stages }: ReturnType<typeof outline>): unknown {
  return stages.map(({ title, blocks: each, ...cost }) => ({ title, ...cost, blocks: each.map(jsonBlock) }));
}
