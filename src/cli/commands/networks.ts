import { buildNetwork, networks, staticCost } from "../../index.ts";
import type { Context } from "../context.ts";
import { grouped, short, table } from "../terminal/text.ts";

/** `goldcrest networks`: every network with its counts beside the published ones. */
export async function listNetworks(context: Context): Promise<void> {
  const rows = Object.values(networks).map((network) => {
    const { params, macs } = staticCost(buildNetwork(network));
    const { name, title, paper, year, published, inputSize, variants } = network;
    return { name, title, paper, year, params, macs, published, inputSize, variants };
  });
  if (context.isJson) {
    context.print(JSON.stringify(rows));
    return;
  }
  const cells = rows.map(({ name, inputSize, params, macs, published, year, paper }) => [
    name,
    String(inputSize),
    grouped(params),
    short(macs),
    published.params,
    published.macs,
    published.top1 === undefined ? "–" : published.top1.toFixed(1),
    String(year),
    paper,
  ]);
  context.print(table(["network", "size", "params", "MACs", "paper: params", "MACs", "top-1", "year", "source"], cells));
  context.print("");
  for (const { name, variants } of rows) {
    const [first, ...others] = Object.entries(variants).map(([variant, meaning]) => `${variant}: ${meaning}`);
    context.print(`${context.out.bold(name)}  ${first}${others.map((other) => `\n${" ".repeat(name.length + 2)}${other}`).join("")}`);
  }
  context.print(
    context.out.dim(
      "\nparams and MACs at width 1, 1000 classes and the published size; --width, --variant and --size change a network (goldcrest profile NAME)",
    ),
  );
}
