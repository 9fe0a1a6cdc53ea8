import { type DesignName, designNames } from "../blocks/index.ts";
import { OptionError } from "../core/errors.ts";
import { nearest } from "../core/suggest.ts";
import { type Arithmetic, arithmetics, gradientsOf } from "../passes/setArithmetic.ts";
import type { Network, NetworkOptions, NetworkSettings } from "./network.ts";

const LEAST_WIDTH = 0.05;
const MOST_WIDTH = 8;
/** Compound scaling goes to φ = 20, and 1.2²⁰ is 38. */
const MOST_DEPTH = 64;
/** Widths are fractions such as 8/17, which people write with four digits. */
const WIDTH_TOLERANCE = 1e-4;
const known = [
  ...(["width", "depth", "classes", "dropout", "stochasticDepth", "variant"] as const),
  ...(["isSmallImage", "droppedStrides", "padding", "conv", "compConv", "arithmetic", "gradient", "normMomentum", "normEps"] as const),
] as const;

// The compiler holds the list to the interface: a key missing here would be refused as unknown.
known satisfies readonly (keyof NetworkOptions)[];

/** How many halving layers to drop so that about 4×4 pixels reach the classifier: three stay up to 40 pixels, four up to 111. */
function droppedAt(size: number, { strides, keepsStrides, leastSize }: Network): number {
  if (size >= 112) return 0;
  if (keepsStrides) {
    let dropped = 0;
    while (dropped < strides && size < (leastSize?.(dropped) ?? 1)) dropped++;
    return dropped;
  }
  return Math.max(0, strides - (size <= 40 ? 3 : 4));
}

function needNumber(network: Network, option: string, value: unknown, least: number, most: number, isWhole: boolean): void {
  const isFit = typeof value === "number" && value >= least && value <= most && (!isWhole || Number.isSafeInteger(value));
  if (isFit) return;
  const kind = isWhole ? "a whole number" : "a number";
  const clamped =
    typeof value === "number" && !Number.isNaN(value) ? Math.min(Math.max(isWhole ? Math.round(value) : value, least), most) : undefined;
  const remedy = clamped === undefined ? "" : `; nearest legal value ${clamped}`;
  throw new OptionError(`${network.name}: ${option} ${String(value)} is not ${kind} from ${least} to ${most}${remedy}`);
}

function needName(network: Network, option: string, value: unknown, names: readonly string[]): void {
  if (typeof value === "string" && names.includes(value)) return;
  const near = nearest(String(value), names);
  throw new OptionError(
    `${network.name}: unknown ${option} ${JSON.stringify(value)}\n  ${near ? `did you mean "${near}"?   ` : ""}(${names.join(", ")})`,
  );
}

/** The width that the network is built with is the one asked for, or it is refused. */
function needLegalWidth(network: Network, { width, variant }: NetworkSettings): void {
  const legal = legalWidth(network, width, variant);
  if (Math.abs(legal - width) < WIDTH_TOLERANCE) return;
  const shown = Number(legal.toFixed(4));
  throw new OptionError(
    `${network.name}: at width ${width} the channels cannot be divided as the network needs; nearest legal value ${shown}`,
  );
}

/** The nearest width at which a network can be built: a family whose groups must divide the channels has steps. */
export function legalWidth(network: Network, width: number, variant: string = Object.keys(network.variants)[0]): number {
  const clamped = Math.min(Math.max(Number.isNaN(width) ? 1 : width, LEAST_WIDTH), MOST_WIDTH);
  return network.nearestWidth?.(clamped, variant) ?? clamped;
}

/** Depth and stochastic depth belong to some families only. */
function needOwnOption(network: Network, option: string, value: number, neutral: number, isOwn: boolean): void {
  if (isOwn || value === neutral) return;
  throw new OptionError(`${network.name}: ${option} ${value} is not an option of this family; nearest legal value ${neutral}`);
}

/** A design by name, and only where there are ordinary convolutions to replace. */
function needDesign(network: Network, conv: DesignName): void {
  needName(network, "conv", conv, designNames);
  if (network.takesDesigns || conv === "vanilla") return;
  throw new OptionError(
    `${network.name}: conv "${conv}" needs a plain backbone, whose convolutions it can replace; nearest legal value "vanilla"`,
  );
}

const choicesOfCompConv = { slices: ["prefix", "disjoint"], surplus: ["end", "tail"] } as const;

/** CompConv's choices, and only where it stands in. */
function needChoices(network: Network, { conv, compConv }: NetworkSettings): void {
  if (typeof compConv !== "object") throw new OptionError(`${network.name}: compConv ${String(compConv)} needs an object of choices`);
  for (const [choice, value] of Object.entries(compConv)) {
    if (value === undefined) continue;
    const names = choicesOfCompConv[choice as keyof typeof choicesOfCompConv];
    if (names) needName(network, `compConv.${choice}`, value, names);
    else if (choice === "base" || choice === "shuffle") needNumber(network, `compConv.${choice}`, value, 1, 1_000_000, true);
    else throw new OptionError(`${network.name}: unknown option "compConv.${choice}"\n  (base, slices, surplus, shuffle)`);
    if (conv !== "compconv") throw new OptionError(`${network.name}: compConv.${choice} needs conv "compconv", found "${conv}"`);
  }
}

/** An arithmetic by name, and a gradient that it has. */
function needArithmetic(network: Network, arithmetic: Arithmetic, gradient: string | undefined): void {
  needName(network, "arithmetic", arithmetic, Object.keys(arithmetics));
  if (gradient !== undefined) needName(network, `gradient of the arithmetic "${arithmetic}":`, gradient, gradientsOf(arithmetic));
}

/** Refuses what the network cannot be. */
function checkSettings(network: Network, settings: NetworkSettings): void {
  needNumber(network, "width", settings.width, LEAST_WIDTH, MOST_WIDTH, false);
  needNumber(network, "depth", settings.depth, LEAST_WIDTH, MOST_DEPTH, false);
  needOwnOption(network, "depth", settings.depth, 1, network.scalesDepth === true);
  needNumber(network, "classes", settings.classes, 1, 1_000_000, true);
  needNumber(network, "dropout", settings.dropout, 0, 0.95, false);
  needNumber(network, "stochasticDepth", settings.stochasticDepth, 0, 0.95, false);
  needOwnOption(network, "stochasticDepth", settings.stochasticDepth, 0, network.stochasticDepth !== undefined);
  needNumber(network, "droppedStrides", settings.droppedStrides, 0, network.strides, true);
  needNumber(network, "normMomentum", settings.normMomentum, 1e-4, 1, false);
  needNumber(network, "normEps", settings.normEps, 1e-12, 1, false);
  needName(network, "variant", settings.variant, Object.keys(network.variants));
  needName(network, "padding", settings.padding, ["symmetrical", "tensorflow"]);
  needDesign(network, settings.conv);
  needChoices(network, settings);
  needArithmetic(network, settings.arithmetic, settings.gradient);
  needLegalWidth(network, settings);
}

/** Fills in what was left out and refuses what the network cannot be; `size` is the shorter side in pixels. */
export function resolveOptions(network: Network, options: NetworkOptions, size: number = network.inputSize): NetworkSettings {
  for (const option of Object.keys(options)) {
    if ((known as readonly string[]).includes(option)) continue;
    const near = nearest(option, known);
    throw new OptionError(
      `${network.name}: unknown option ${JSON.stringify(option)}\n  ${near ? `did you mean "${near}"?   ` : ""}(${known.join(", ")})`,
    );
  }
  const { isSmallImage = false } = options;
  if (typeof isSmallImage !== "boolean") throw new OptionError(`${network.name}: isSmallImage ${String(isSmallImage)} needs true or false`);
  const variant = options.variant ?? Object.keys(network.variants)[0];
  const settings: NetworkSettings = {
    width: options.width ?? 1,
    depth: options.depth ?? 1,
    classes: options.classes ?? network.classes ?? 1000,
    dropout: options.dropout ?? network.dropout,
    stochasticDepth: options.stochasticDepth ?? network.stochasticDepth ?? 0,
    variant,
    droppedStrides: options.droppedStrides ?? (isSmallImage ? droppedAt(size, network) : 0),
    padding: options.padding ?? network.paddings?.[variant] ?? "symmetrical",
    conv: options.conv ?? "vanilla",
    compConv: options.compConv ?? {},
    arithmetic: options.arithmetic ?? network.arithmetic ?? "product",
    gradient: options.gradient,
    normMomentum: options.normMomentum ?? network.normMomentum,
    normEps: options.normEps ?? network.normEps?.(variant) ?? 1e-5,
  };
  checkSettings(network, settings);
  return settings;
}
