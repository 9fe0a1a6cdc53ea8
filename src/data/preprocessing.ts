import { OptionError } from "../core/errors.ts";
import type { PixelRule } from "./image.ts";

/**
 * From an image file to a network's input, as the model file records it: the pixels of the rule, then
 * (byte / 255 − mean[c]) / std[c]. Training, evaluation and classification all use this one record. Plain JSON.
 */
export interface Preprocessing extends PixelRule {
  /** One number a channel, in units of full brightness. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Mean and deviation of ImageNet's channels, which most published recipes assume for photographs. */
const photographs = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
/** Mean and deviation of Fashion-MNIST's 60,000 training images. */
const greyDrawings = { mean: [0.286], std: [0.353] };

/** The smallest square that is still a part of an image, as a share of its shorter side. */
const LEAST_SHARE = 0.05;

/** A preprocessing record with the usual mean and deviation for its number of channels. */
export function preprocessingFor(rule: PixelRule): Preprocessing {
  const { mean, std } = rule.channels === 1 ? greyDrawings : photographs;
  return checkPreprocessing({ size: rule.size, channels: rule.channels, fit: rule.fit, mean, std });
}

/** Refuses a record, read from a model file or built by hand, that cannot be carried out; returns only the known fields. */
export function checkPreprocessing(record: unknown): Preprocessing {
  const { size, channels, fit, share, mean, std } = (record ?? {}) as Partial<Preprocessing>;
  const refuse = (field: string, found: unknown, needed: string): never => {
    throw new OptionError(`preprocessing.${field}: found ${JSON.stringify(found) ?? "nothing"}, needs ${needed}`);
  };
  if (!Number.isInteger(size) || !size || size < 1 || size > 4096) return refuse("size", size, "an integer from 1 to 4096");
  if (channels !== 1 && channels !== 3) return refuse("channels", channels, "1 or 3");
  if (fit !== "crop" && fit !== "squash") return refuse("fit", fit, '"crop" or "squash"');
  if (share !== undefined && !(typeof share === "number" && share >= LEAST_SHARE && share <= 1))
    return refuse("share", share, `a number from ${LEAST_SHARE} to 1`);
  const areNumbers = (list: unknown, least: number): list is number[] =>
    Array.isArray(list) && list.length === channels && list.every((x) => Number.isFinite(x) && x >= least);
  if (!areNumbers(mean, -1000)) return refuse("mean", mean, `${channels} finite numbers`);
  if (!areNumbers(std, 1e-6)) return refuse("std", std, `${channels} positive numbers`);
  return { size, channels, fit, ...(share === undefined ? {} : { share }), mean: [...mean], std: [...std] };
}
