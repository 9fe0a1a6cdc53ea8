/**
 * A checkpoint is a sealed safetensors file: `current.*` holds every parameter and state of the training graph (weights, running statistics,
 * optimiser, moving average), `best.*` the weights of the best epoch so far, and the metadata the position. Everything random is a
 * pure function of (seed, purpose, step), so the position is the random state.
 */
import { FormatError } from "../core/errors.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Weights } from "../engine/session.ts";
import { elementsAsFloat32 } from "../formats/safetensors.ts";
import { seal, unseal } from "../formats/sealedFile.ts";
import type { CheckpointStore } from "./checkpointStore.ts";
import type { Recipe } from "./recipe.ts";

/** What a training is a function of; resuming with another one is refused. */
export interface Identity {
  /** The network with its options, as plain JSON. */
  readonly network: unknown;
  readonly recipe: Recipe;
  /** Hash of the images and of their division into parts. */
  readonly data: string;
  readonly preprocessing: unknown;
  readonly seed: number;
}

/** What an epoch came to. */
export interface EpochMetrics {
  /** Counted from 1. */
  readonly epoch: number;
  /** Means over the training images as they were seen: augmented, with smoothed and mixed targets. */
  readonly loss: number;
  readonly accuracy: number;
  /** Of the validation part; absent where there is none. */
  readonly validation?: { readonly loss: number; readonly accuracy: number };
}

/** Sums over the epoch that is under way. */
export interface Running {
  readonly loss: number;
  readonly correct: number;
  readonly images: number;
}

/** Where a training stands. The epoch under way is `epochs.length`, the place in it follows from `step`. */
export interface Progress {
  /** Optimiser steps done. */
  readonly step: number;
  readonly epochs: readonly EpochMetrics[];
  readonly running: Running;
  /** The epoch that the kept weights come from. */
  readonly best?: EpochMetrics;
  /** Spent so far, over all runs; takes no part in any decision. */
  readonly seconds: number;
}

/** A checkpoint in memory. */
export interface Checkpoint {
  readonly identity: Identity;
  readonly progress: Progress;
  readonly current: Weights;
  readonly best: Weights;
}

const KEY = "goldcrest.checkpoint";
const VERSION = 1;

/** The bytes of a checkpoint file; the same checkpoint gives the same bytes. */
export async function encodeCheckpoint({ identity, progress, current, best }: Checkpoint): Promise<Uint8Array> {
  const tensors = new Map<string, Tensor>();
  for (const [name, value] of current) tensors.set(`current.${name}`, value);
  for (const [name, value] of best) tensors.set(`best.${name}`, value);
  return seal(KEY, { version: VERSION, identity, progress }, tensors);
}

/** Reads a checkpoint file; throws FormatError where a single bit of it is not as written. */
export async function decodeCheckpoint(file: Uint8Array, where: string): Promise<Checkpoint> {
  const { content, tensors } = await unseal(KEY, "a checkpoint of a training", file, where);
  const { version, identity, progress } = content as { version: number; identity: Identity; progress: Progress };
  if (version !== VERSION) throw new FormatError(`${where}: a checkpoint of version ${version}; this release reads version ${VERSION}`);
  const parts: Record<"current" | "best", Map<string, Tensor>> = { current: new Map(), best: new Map() };
  for (const [name, stored] of tensors) {
    const part = name.startsWith("best.") ? "best" : "current";
    parts[part].set(name.slice(part.length + 1), elementsAsFloat32(stored));
  }
  return { identity, progress, ...parts };
}

/** The newest checkpoint of a store that is whole; damaged ones are set aside and reported through `onNotice`. */
export async function loadCheckpoint(store: CheckpointStore, onNotice: (sentence: string) => void): Promise<Checkpoint | undefined> {
  const held = await store.list();
  let damage: FormatError | undefined;
  for (const stored of held) {
    try {
      const checkpoint = await decodeCheckpoint(await stored.bytes(), stored.name);
      if (damage) onNotice(`${damage.message}; going on from the one before, step ${checkpoint.progress.step}`);
      return checkpoint;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      damage = error;
      await stored.setAside();
    }
  }
  if (damage) throw new FormatError(`${damage.message}; there is no whole checkpoint to resume from: start again without resuming`);
  return undefined;
}

/** The first differing places of two JSON values, as "recipe.epochs was 10, is 20". */
function differences(before: unknown, now: unknown, path: string): string[] {
  const areObjects = [before, now].every((value) => typeof value === "object" && value !== null && !Array.isArray(value));
  if (!areObjects) {
    const [was, is] = [before, now].map((value) => JSON.stringify(value) ?? "absent");
    return was === is ? [] : [`${path} was ${was}, is ${is}`];
  }
  const [a, b] = [before, now] as Record<string, unknown>[];
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return names.flatMap((name) => differences(a[name], b[name], path ? `${path}.${name}` : name));
}

/** What distinguishes two trainings, one sentence a difference; empty where resuming one as the other is sound. */
export function identityDifferences(before: Identity, now: Identity): readonly string[] {
  const [a, b] = [before, now].map(({ data: _, ...rest }) => JSON.parse(JSON.stringify(rest)) as unknown);
  const ofData = before.data === now.data ? [] : ["the images, their labels or their division into parts differ"];
  return [...ofData, ...differences(a, b, "")];
}
