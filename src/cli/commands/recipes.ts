import { type PublishedRecipe, publishedRecipes, type Recipe, recipe, recipes, type Schedule, type Stage } from "../../train.ts";
import type { Context } from "../context.ts";
import { given, numberOption, type RawOptions } from "../options.ts";
import { percent, table } from "../terminal/text.ts";

/** `goldcrest recipes [name]`: every recipe with its numbers, or one in full. */
export function recipesCommand(name: string | undefined, raw: RawOptions, context: Context): void {
  const changes = given({ epochs: numberOption(raw, "epochs"), batch: numberOption(raw, "batch") });
  const names = name === undefined ? [...Object.keys(recipes), ...Object.keys(publishedRecipes)] : [name];
  const found = names.map((each) => ({ name: each, rules: recipe(each, changes), row: rowOf(each) }));
  if (context.isJson) {
    const entries = found.map(({ name: each, rules, row }) => ({ name: each, recipe: rules, ...(row ? { published: row } : {}) }));
    context.print(JSON.stringify(name === undefined ? entries : entries[0]));
    return;
  }
  if (name !== undefined) {
    context.print(inFull(found[0].rules, found[0].row));
    return;
  }
  const head = ["recipe", "epochs", "batch", "rate", "schedule", "warm-up", "optimiser", "decay", "average", "smoothing", "stages"];
  context.print(
    table(
      head,
      found.map((entry) => [entry.name, ...cells(entry.rules)]),
    ),
  );
  const hint = "one of them with its source: goldcrest recipes NAME   the one of a network: fit --network NETWORK --recipe published";
  context.print(
    context.out.dim(`\nrates of published recipes are those for the batch shown; decay is decoupled from the gradient\n${hint}`),
  );
}

function rowOf(name: string): PublishedRecipe | undefined {
  return Object.hasOwn(publishedRecipes, name) ? publishedRecipes[name as keyof typeof publishedRecipes] : undefined;
}

/** At most four digits, without a tail of zeros. */
function digits(value: number): string {
  return String(Number(value.toPrecision(4)));
}

function scheduleText(schedule: Schedule): string {
  switch (schedule.kind) {
    case "poly":
      return `poly ${schedule.power}`;
    case "step":
      return `×${schedule.factor} every ${digits(schedule.epochs)}`;
    case "milestones":
      return `×${schedule.factor} at ${schedule.epochs.map(digits).join(", ")}`;
    case "cosine":
      return schedule.floor ? `cosine to ${schedule.floor}` : "cosine";
    default:
      return schedule.kind;
  }
}

function optimiserText({ optimiser }: Recipe): string {
  switch (optimiser.kind) {
    case "sgd":
      return `sgd ${optimiser.momentum}${optimiser.isNesterov ? " nesterov" : ""}`;
    case "rmsprop":
      return `rmsprop ${optimiser.decay}, ${optimiser.momentum}, eps ${optimiser.eps}`;
    case "adamw":
      return `adamw ${optimiser.beta1}, ${optimiser.beta2}`;
  }
}

function cells(rules: Recipe): readonly string[] {
  const { epochs, batch, learningRate, schedule, warmUp, weightDecay, average, smoothing, stages } = rules;
  return [
    ...[epochs, batch].map(String),
    ...[digits(learningRate), scheduleText(schedule), digits(warmUp), optimiserText(rules)],
    ...[weightDecay, average, smoothing].map((value) => (value === 0 ? "–" : digits(value))),
    stages ? stages.map(({ scale, size }) => size ?? percent(scale ?? 1, 0)).join(", ") : "–",
  ];
}

function stageCells({ share = 1, size, scale = 1, dropout, magnitude, mixup }: Stage, i: number): readonly string[] {
  const text = (value: number | undefined): string => (value === undefined ? "–" : digits(value));
  return [String(i + 1), digits(share), size === undefined ? percent(scale) : String(size), text(dropout), text(magnitude), text(mixup)];
}

function inFull(rules: Recipe, row: PublishedRecipe | undefined): string {
  const { epochs, batch, learningRate, schedule, warmUp, weightDecay, clip, average, smoothing, dropout, augmentation, stages } = rules;
  const { area, pad, isFlipped, jitter, randAugment, mixup } = augmentation;
  const printed = (value: string | undefined): string => (value === undefined ? "" : `   printed: ${value}`);
  const changes = [
    ...(area ? [`crops of ${percent(area[0], 0)} to ${percent(area[1], 0)} of the area`] : []),
    ...(pad ? [`shifts by up to ${pad} pixels`] : []),
    ...(isFlipped ? ["mirror"] : []),
    ...(jitter ? [`colours ±${percent(jitter, 0)}`] : []),
    ...(randAugment ? [`RandAugment ${randAugment.operations} × ${randAugment.magnitude}`] : []),
    ...(mixup ? [`mixup ${mixup}`] : []),
  ];
  const lines: readonly (readonly [string, string])[] = [
    ["epochs", `${epochs}${printed(row && String(row.epochs))}`],
    ["batch", `${batch}${printed(row && String(row.batch))}`],
    ["learning rate", `${digits(learningRate)}${printed(row && digits(row.learningRate))}`],
    ["schedule", scheduleText(schedule)],
    ["warm-up", `${digits(warmUp)} epochs`],
    ["optimiser", optimiserText(rules)],
    ["weight decay", `${digits(weightDecay)}${printed(row && `${row.weightDecay}, as part of the gradient`)}`],
    ...(clip > 0 ? [["clipping", digits(clip)] as const] : []),
    ["average", average > 0 ? String(average) : "none"],
    ["smoothing", String(smoothing)],
    ["dropout", dropout === undefined ? "the network's own" : String(dropout)],
    ["images", changes.length > 0 ? changes.join(", ") : "as they are"],
    ...(row ? [["source", row.source] as const] : []),
    ...(row?.adapted ?? []).map((text) => ["changed", text] as const),
    ...(row && row.networks.length > 0 ? [["published for", row.networks.map((beginning) => `${beginning}…`).join(", ")] as const] : []),
  ];
  const text = lines.map(([label, value]) => `${label.padEnd(13)}  ${value}`).join("\n");
  if (!stages) return text;
  return `${text}\n\n${table(["stage", "length", "side", "dropout", "magnitude", "mixup"], stages.map(stageCells))}`;
}
