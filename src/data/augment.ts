import { OptionError } from "../core/errors.ts";
import { autoContrast, brightness, contrast, type Frame, mirror, saturation, shift, tone, warp } from "./augmentOps.ts";
import type { Draws } from "./draws.ts";
import { resize, type Window } from "./resize.ts";

/** Random changes made to training images only. Each is off where absent; all are keyed by (seed, epoch, index of the image). */
export interface Augmentation {
  /** Shift by up to this many pixels each way, the border filled with black ("random crop with padding"). */
  readonly pad?: number;
  /** Crop a random part of this share of the area (e.g. [0.35, 1]) and 3/4 to 4/3 proportions, resized back. */
  readonly area?: readonly [number, number];
  /** Mirror left–right for every second image. */
  readonly isFlipped?: boolean;
  /** Largest relative change of brightness, contrast and saturation, e.g. 0.2. */
  readonly jitter?: number;
  /** RandAugment (arXiv 1909.13719): `operations` random operations a picture; `magnitude` 10 is its full strength, up to 30 goes beyond. */
  readonly randAugment?: { readonly operations: number; readonly magnitude: number };
  /** Mixup (arXiv 1710.09412): the α of Beta(α, α). Mixes pairs of a batch, images and targets alike. */
  readonly mixup?: number;
}

/** Refuses numbers that make no sense, naming the option. */
export function checkAugmentation({ pad = 0, area = [1, 1], jitter = 0, randAugment, mixup = 0 }: Augmentation): void {
  const check = (name: string, found: unknown, holds: boolean, needed: string): void => {
    if (!holds) throw new OptionError(`augmentation.${name}: found ${JSON.stringify(found)}, needs ${needed}`);
  };
  check("pad", pad, Number.isInteger(pad) && pad >= 0 && pad <= 1024, "an integer from 0 to 1024");
  check("area", area, area[0] > 0 && area[0] <= area[1] && area[1] <= 1, "two shares, 0 < least ≤ most ≤ 1");
  check("jitter", jitter, jitter >= 0 && jitter < 1, "a number from 0 to below 1");
  check("mixup", mixup, mixup >= 0 && mixup <= 100, "a number from 0 to 100");
  const { operations, magnitude } = randAugment ?? { operations: 1, magnitude: 0 };
  check("randAugment.operations", operations, Number.isInteger(operations) && operations >= 0 && operations <= 8, "an integer from 0 to 8");
  check("randAugment.magnitude", magnitude, magnitude >= 0 && magnitude <= 30, "a number from 0 to 30");
}

/** Side of the pictures to ask the data set for: larger than `size` where random parts are cut out, so that they stay sharp. */
export function sourceSize(size: number, nativeSize: number | undefined, { area }: Augmentation): number {
  if (!area || area[0] === 1) return size;
  return nativeSize && nativeSize >= size ? nativeSize : Math.ceil((size * 8) / 7);
}

type Operation = (from: Uint8Array, to: Uint8Array, frame: Frame, strength: number, draws: Draws) => void;

/** RandAugment's operations; strength is 0–1 up to magnitude 10 and more beyond it, and those with a direction choose it by a further draw. */
const operations: readonly Operation[] = [
  (from, to, frame, strength, draws) => {
    const angle = signed(strength, draws) * (Math.PI / 6);
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    warp(from, to, frame, { xx: cos, xy: sin, yx: -sin, yy: cos, dx: 0, dy: 0 });
  },
  (from, to, frame, strength, draws) => warp(from, to, frame, { ...still, xy: signed(strength, draws) * 0.3 }),
  (from, to, frame, strength, draws) => warp(from, to, frame, { ...still, yx: signed(strength, draws) * 0.3 }),
  (from, to, frame, strength, draws) => shift(from, to, frame, Math.round(signed(strength, draws) * 0.3 * frame.size), 0),
  (from, to, frame, strength, draws) => shift(from, to, frame, 0, Math.round(signed(strength, draws) * 0.3 * frame.size)),
  (from, to, _frame, strength, draws) => brightness(from, to, factor(strength, draws)),
  (from, to, _frame, strength, draws) => contrast(from, to, factor(strength, draws)),
  (from, to, frame, strength, draws) => saturation(from, to, frame, factor(strength, draws)),
  (from, to, _frame, strength) => tone(from, to, (byte) => byte & (0xff00 >> (8 - Math.min(7, Math.round(strength * 4))))),
  (from, to, _frame, strength) => tone(from, to, (byte) => (byte < 256 - strength * 256 ? byte : 255 - byte)),
  (from, to) => autoContrast(from, to),
];

const still = { xx: 1, xy: 0, yx: 0, yy: 1, dx: 0, dy: 0 };

function signed(strength: number, draws: Draws): number {
  return draws.uniform() < 0.5 ? -strength : strength;
}

/** Nothing is turned into its negative, however strong. */
function factor(strength: number, draws: Draws): number {
  return Math.max(0, 1 + signed(strength, draws) * 0.9);
}

/** A random window of a share of the area and proportions within 3/4 and 4/3 (Inception's crop, ten tries, then the whole picture). */
function randomWindow(side: number, [least, most]: readonly [number, number], draws: Draws): Window {
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = side * side * draws.between(least, most);
    const proportion = Math.exp(draws.between(Math.log(3 / 4), Math.log(4 / 3)));
    const width = Math.round(Math.sqrt(area * proportion));
    const height = Math.round(Math.sqrt(area / proportion));
    if (width < 1 || height < 1 || width > side || height > side) continue;
    return { left: draws.below(side - width + 1), top: draws.below(side - height + 1), width, height };
  }
  return { left: 0, top: 0, width: side, height: side };
}

/** Changes one picture at a time; the result is valid until the next call. */
export interface Augmenter {
  apply(bytes: Uint8Array, epoch: number, key: number): Uint8Array;
}

/** An augmenter with its own two buffers, from pictures of `source`² to pictures of `size`². */
export function openAugmenter(augmentation: Augmentation, source: number, { size, channels }: Frame, draws: Draws): Augmenter {
  checkAugmentation(augmentation);
  const { pad = 0, area, isFlipped, jitter = 0, randAugment } = augmentation;
  const frame = { size, channels };
  const buffers = [new Uint8Array(size * size * channels), new Uint8Array(size * size * channels)];
  let current: Uint8Array;
  const change = (operation: (from: Uint8Array, to: Uint8Array) => void): void => {
    const to = current === buffers[0] ? buffers[1] : buffers[0];
    operation(current, to);
    current = to;
  };
  const cut = (bytes: Uint8Array): Uint8Array => {
    const window = area ? randomWindow(source, area, draws) : { left: 0, top: 0, width: source, height: source };
    return resize({ width: source, height: source, channels: channels === 1 ? 1 : 3, data: bytes }, window, size, size).data;
  };
  const recolour = (): void => {
    const factor = (): number => draws.between(1 - jitter, 1 + jitter);
    const [light, depth, colour] = [factor(), factor(), factor()];
    change((from, to) => brightness(from, to, light));
    change((from, to) => contrast(from, to, depth));
    if (channels === 3) change((from, to) => saturation(from, to, frame, colour));
  };
  return {
    apply(bytes, epoch, key) {
      draws.start(epoch, key);
      current = source !== size || area ? cut(bytes) : bytes;
      if (pad > 0) {
        const [dx, dy] = [draws.below(2 * pad + 1) - pad, draws.below(2 * pad + 1) - pad];
        change((from, to) => shift(from, to, frame, dx, dy));
      }
      if (isFlipped && draws.uniform() < 0.5) change((from, to) => mirror(from, to, frame));
      for (let turn = 0; turn < (randAugment?.operations ?? 0); turn++) {
        const operation = operations[draws.below(operations.length)];
        change((from, to) => operation(from, to, frame, (randAugment?.magnitude ?? 0) / 10, draws));
      }
      if (jitter > 0) recolour();
      return current;
    },
  };
}
