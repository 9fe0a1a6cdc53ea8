import { stat } from "node:fs/promises";
import {
  type Axis,
  type ComparisonPlace,
  type ComparisonRow,
  candidateKey,
  countCandidate,
  energyOf,
  measureCandidates,
  OptionError,
  readComparison,
  scatterPlot,
  TrainingError,
  trainCandidate,
  typesOf,
  writeComparison,
} from "../../index.ts";
import { atomicWrite, readFileBytes } from "../../node.ts";
import { type Dataset, InterruptedError, preprocessingFor, type Recipe, recipe, splitDataset, type TrainingEvent } from "../../train.ts";
import type { Context } from "../context.ts";
import { openData } from "../data.ts";
import { interruptible } from "../interrupt.ts";
import { given, numberOption, type RawOptions, shareOption, textOption, wholeOption } from "../options.ts";
import { duration, energy, grouped, percent, printable, short, table } from "../terminal/text.ts";
import { type AskedComparison, built, readComparisonAsked, sizedCandidates } from "./comparePlan.ts";

/** A comparison under way: what was asked for, what it is done on, and what is known. */
interface Job {
  readonly asked: AskedComparison;
  readonly place: ComparisonPlace;
  readonly learning: Learning | undefined;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly rows: Map<string, ComparisonRow>;
  /** Rows of the same file that this comparison does not ask for. */
  readonly others: readonly ComparisonRow[];
  readonly signal: AbortSignal;
  readonly context: Context;
}

/** What all are trained on, and how. */
interface Learning {
  readonly data: Dataset;
  readonly rules: Recipe;
  readonly seed: number;
  readonly validation: number;
}

const INTERRUPTED = 130;
const EPOCHS = 3;
const VALIDATION = 0.1;
const PHOTO_SIZE = 96;
const SMALL = 64;

/** `goldcrest compare`: networks or designs side by side: counted, and where asked for measured and trained. */
export async function compareCommand(operands: readonly string[], raw: RawOptions, context: Context): Promise<void> {
  const asked = readComparisonAsked(operands, raw);
  const [seed, validation] = [wholeOption(raw, "seed", 0) ?? 0, shareOption(raw, "validation") ?? VALIDATION];
  recipeOf(raw, SMALL);
  if (!asked.isTrained) return compare(asked, undefined, context);
  const data = await openData(undefined, raw, context);
  try {
    const rules = recipeOf(raw, asked.size ?? data.nativeSize ?? PHOTO_SIZE);
    await compare(asked, { data, rules, seed, validation }, context);
  } finally {
    await data.close();
  }
}

function recipeOf(raw: RawOptions, size: number): Recipe {
  const changes = given({
    epochs: numberOption(raw, "epochs") ?? EPOCHS,
    batch: numberOption(raw, "batch"),
    learningRate: numberOption(raw, "lr"),
  });
  return recipe(textOption(raw, "recipe") ?? (size <= SMALL ? "small" : "photos"), changes);
}

async function compare(asked: AskedComparison, learning: Learning | undefined, context: Context): Promise<void> {
  const data = learning?.data;
  const size = asked.size ?? (data ? (data.nativeSize ?? PHOTO_SIZE) : undefined);
  const place = given({ size, channels: data?.channels ?? asked.channels, classes: data?.labels.length ?? asked.classes });
  const { rows, refused } = built(sizedCandidates(asked, size), asked.isNamed, (candidate) => countCandidate(candidate, place));
  if (rows.length === 0) throw new OptionError(`none of these can be built:\n  ${refused.join("\n  ")}`);
  for (const reason of refused) context.warn(printable(reason));
  const settings = await settingsOf(asked, place, learning);
  using stop = interruptible(() => context.note("stopping; what is finished is kept (Ctrl-C again to stop at once)"));
  const job = { asked, place, learning, settings, ...(await knownRows(asked.out, settings, rows, context)), signal: stop.signal, context };
  await save(job);
  const isInterrupted = await work(job);
  const finished = [...job.rows.values()];
  context.progress.clear();
  if (context.isJson) context.print(JSON.stringify({ settings, rows: finished, refused }));
  else context.print(comparisonTable(finished));
  if (asked.svg !== undefined) await draw(asked.svg, finished, job);
  if (!isInterrupted) return;
  context.note(`stopped: ${asked.out === undefined ? "with --out FILE, what is finished would be kept" : "the same command goes on"}`);
  process.exitCode = INTERRUPTED;
}

/** What the rows of one file have in common, as plain JSON. */
async function settingsOf({ isMeasured, threads }: AskedComparison, place: ComparisonPlace, learning?: Learning): Promise<Job["settings"]> {
  const { data, rules, ...others } = learning ?? {};
  const learned = data ? { data: await data.fingerprint(), recipe: rules, ...others } : {};
  return JSON.parse(JSON.stringify({ ...place, ...(isMeasured ? { threads } : {}), ...learned })) as Job["settings"];
}

/** Rows with what the file knows of them already. */
async function knownRows(
  out: string | undefined,
  settings: Job["settings"],
  rows: readonly ComparisonRow[],
  context: Context,
): Promise<Pick<Job, "rows" | "others">> {
  const isThere = out !== undefined && (await stat(out).catch(() => undefined)) !== undefined;
  const kept = isThere ? readComparison(new TextDecoder().decode(await readFileBytes(out)), settings, out).rows : [];
  const known = new Map(kept.map((row) => [candidateKey(row), row]));
  const all = new Map(rows.map((row) => [candidateKey(row), { ...known.get(candidateKey(row)), ...row }]));
  const found = [...all.values()].filter(({ accuracy, milliseconds }) => accuracy !== undefined || milliseconds !== undefined).length;
  if (found > 0) context.note(`${printable(out ?? "")}: ${found} of ${rows.length} are known already`);
  return { rows: all, others: kept.filter((row) => !all.has(candidateKey(row))) };
}

async function save({ asked, settings, rows, others }: Job): Promise<void> {
  if (asked.out !== undefined)
    await atomicWrite(asked.out, new TextEncoder().encode(writeComparison(settings, [...others, ...rows.values()])));
}

/** Measures, then trains what is not known yet; true where it was stopped. */
async function work(job: Job): Promise<boolean> {
  try {
    if (job.asked.isMeasured) await measure(job);
    if (job.learning) await train(job, job.learning);
    return false;
  } catch (error) {
    if (error instanceof InterruptedError || job.signal.aborted) return true;
    throw error;
  }
}

async function measure(job: Job): Promise<void> {
  const { rows, place, signal, context } = job;
  const each = [...rows.values()];
  // All or none: times are comparable only where they were taken in turns.
  if (each.every(({ milliseconds }) => milliseconds !== undefined)) return;
  const onProgress = (done: number, label: string): void => context.progress.update(done / each.length, `measuring ${label}`);
  const times = await measureCandidates(each, place, { threads: job.asked.threads, signal, onProgress });
  for (const [i, row] of each.entries()) rows.set(candidateKey(row), { ...row, milliseconds: times[i] });
  await save(job);
}

async function train(job: Job, { data, rules, seed, validation }: Learning): Promise<void> {
  const { asked, place, rows, signal, context } = job;
  const parts = splitDataset(data, { validation, test: data.fixedParts?.test ? 0 : VALIDATION, seed });
  const preprocessing = preprocessingFor({ size: place.size as number, channels: data.channels, fit: "crop" });
  context.note(
    `${grouped(parts.train.length)} images train each, epochs: ${rules.epochs}, batch ${rules.batch}; accuracy on ${grouped(parts.test.length)} test images`,
  );
  const all = [...rows.entries()];
  for (const [i, [key, row]] of all.entries()) {
    if (row.accuracy !== undefined) continue;
    const onProgress = ({ step, steps, epoch, imagesPerSecond, secondsLeft }: TrainingEvent): void => {
      const words = `${row.label} (${i + 1} of ${all.length})  epoch ${epoch}/${rules.epochs}  ${grouped(imagesPerSecond)} images/s`;
      context.progress.update((i + step / steps) / all.length, `${words}  ${duration(secondsLeft)} left`);
    };
    try {
      const learning = { data, parts, preprocessing, recipe: rules, seed, threads: asked.threads, signal, onProgress };
      const trained = await trainCandidate(row, learning);
      rows.set(key, trained);
      await save(job);
      context.note(`${row.label}: ${percent(trained.accuracy ?? 0, 2)} in ${duration(trained.trainingSeconds ?? 0)}`);
    } catch (error) {
      if (!(error instanceof TrainingError)) throw error;
      context.warn(`${row.label}: ${printable(error.message.split("\n")[0])}`);
    }
  }
}

function comparisonTable(rows: readonly ComparisonRow[]): string {
  const [isMeasured, isTrained] = [rows.some((row) => row.milliseconds !== undefined), rows.some((row) => row.accuracy !== undefined)];
  const order = isTrained
    ? [...rows].sort((a, b) => (b.accuracy ?? -1) - (a.accuracy ?? -1))
    : [...rows].sort((a, b) => energyOf(a) - energyOf(b));
  const head = [
    "network",
    "size",
    "params",
    "MACs",
    "additions",
    "comparisons",
    "float32",
    "int8",
    ...(isMeasured ? ["ms"] : []),
    ...(isTrained ? ["accuracy", "trained in"] : []),
  ];
  const cells = order.map((row) => {
    const { label, size, params, macs, adds, comparisons = 0, milliseconds, accuracy, trainingSeconds } = row;
    return [
      label,
      String(size),
      grouped(params),
      short(macs),
      short(adds),
      short(comparisons),
      energy(energyOf(row, "f32")),
      typesOf(row).includes("i8") ? energy(energyOf(row, "i8")) : "–",
      ...(isMeasured ? [milliseconds === undefined ? "–" : milliseconds.toPrecision(3)] : []),
      ...(isTrained
        ? [accuracy === undefined ? "–" : percent(accuracy, 2), trainingSeconds === undefined ? "–" : duration(trainingSeconds)]
        : []),
    ];
  });
  const note = "float32, int8: the arithmetic's energy by the published table of 45 nm, moving data not counted";
  return `${table(head, cells)}\n\n${note}`;
}

/** What the picture shows as cost: measured time; else multiply–accumulates, or where some do without, energy. */
function costAxis(rows: readonly ComparisonRow[]): { readonly axis: Axis; of(row: ComparisonRow): number } {
  if (rows.every(({ milliseconds }) => milliseconds !== undefined))
    return { axis: { title: "milliseconds an image, here", kind: "ms" }, of: ({ milliseconds }) => milliseconds as number };
  if (rows.every(({ macs, adds }) => adds <= 2 * macs))
    return { axis: { title: "multiply–accumulates an image", kind: "count" }, of: ({ macs }) => Math.max(1, macs) };
  return {
    axis: { title: "microjoules of arithmetic an image, float32, by the table of 45 nm", kind: "count" },
    of: (row) => energyOf(row),
  };
}

/** Cost against accuracy where anything was trained, else against size. */
async function draw(file: string, rows: readonly ComparisonRow[], { place: { size }, learning, context }: Job): Promise<void> {
  const cost = costAxis(rows);
  const trained = rows.filter(({ accuracy }) => accuracy !== undefined);
  const shown = trained.length > 0 ? trained : rows;
  const points = shown.map((row) => {
    const { label, group, params, accuracy } = row;
    return { label, group, params, x: cost.of(row), y: accuracy ?? params };
  });
  const images = size === undefined ? "each at its published size" : `${size}×${size} pixels`;
  const how = learning && trained.length > 0 ? `${learning.data.name}, epochs: ${learning.rules.epochs}, one recipe for all` : "one image";
  const svg = scatterPlot(points, {
    title: trained.length > 0 ? "Accuracy beside cost" : "Size beside cost",
    subtitle: `${shown.length} networks, ${images}, ${how}`,
    x: cost.axis,
    y: trained.length > 0 ? { title: "accuracy", kind: "percent" } : { title: "parameters", kind: "count" },
  });
  await atomicWrite(file, new TextEncoder().encode(svg));
  context.note(`the picture: ${printable(file)}`);
}
