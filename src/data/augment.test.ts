import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../core/random.ts";
import { type Augmentation, checkAugmentation, openAugmenter, sourceSize } from "./augment.ts";
import { autoContrast, brightness, contrast, mirror, saturation, shift, tone, warp } from "./augmentOps.ts";
import { beta, openDraws } from "./draws.ts";

const frame = { size: 5, channels: 3 };
const bytes = Uint8Array.from({ length: 75 }, (_, i) => (i * 37 + 11) & 255);
const applied = (operation: (to: Uint8Array) => void): Uint8Array => {
  const to = new Uint8Array(75).fill(123);
  operation(to);
  return to;
};
const pixel = (data: Uint8Array, x: number, y: number): number[] => [...data.subarray((y * 5 + x) * 3, (y * 5 + x) * 3 + 3)];

test("shifting moves whole pixels and fills with black, also by more than the picture", () => {
  for (const [dx, dy] of [
    [2, -1],
    [-3, 0],
    [0, 4],
    [5, 0],
    [-9, 9],
  ]) {
    const found = applied((to) => shift(bytes, to, frame, dx, dy));
    for (let y = 0; y < 5; y++) {
      for (let x = 0; x < 5; x++) {
        const isInside = x - dx >= 0 && x - dx < 5 && y - dy >= 0 && y - dy < 5;
        assert.deepEqual(pixel(found, x, y), isInside ? pixel(bytes, x - dx, y - dy) : [0, 0, 0], `${dx}, ${dy} at ${x}, ${y}`);
      }
    }
  }
});

test("mirroring twice gives the picture back", () => {
  const once = applied((to) => mirror(bytes, to, frame));
  assert.deepEqual(pixel(once, 0, 2), pixel(bytes, 4, 2));
  assert.deepEqual(
    applied((to) => mirror(once, to, frame)),
    bytes,
  );
});

test("warping by nothing changes nothing, and a quarter turn moves the corners", () => {
  const still = { xx: 1, xy: 0, yx: 0, yy: 1, dx: 0, dy: 0 };
  assert.deepEqual(
    applied((to) => warp(bytes, to, frame, still)),
    bytes,
  );
  const turned = applied((to) => warp(bytes, to, frame, { xx: 0, xy: 1, yx: -1, yy: 0, dx: 0, dy: 0 }));
  assert.deepEqual(pixel(turned, 0, 0), pixel(bytes, 0, 4));
  assert.deepEqual(pixel(turned, 4, 0), pixel(bytes, 0, 0));
});

test("tones clamp, and factor 1 changes nothing", () => {
  assert.deepEqual(
    applied((to) => brightness(bytes, to, 1)),
    bytes,
  );
  assert.deepEqual(
    applied((to) => contrast(bytes, to, 1)),
    bytes,
  );
  assert.deepEqual(
    applied((to) => saturation(bytes, to, frame, 1)),
    bytes,
  );
  assert.ok(applied((to) => brightness(bytes, to, 100)).every((byte, i) => byte === (bytes[i] >= 3 ? 255 : bytes[i] * 100)));
  const grey = applied((to) => saturation(bytes, to, frame, 0));
  for (let i = 0; i < 75; i += 3) assert.ok(grey[i] === grey[i + 1] && grey[i] === grey[i + 2]);
  const stretched = applied((to) =>
    autoContrast(
      bytes.map((byte) => 50 + (byte >> 2)),
      to,
    ),
  );
  assert.deepEqual([Math.min(...stretched), Math.max(...stretched)], [0, 255]);
  assert.ok(applied((to) => tone(bytes, to, (byte) => byte - 300)).every((byte) => byte === 0));
});

test("an augmentation of nothing passes the bytes on", () => {
  const augmenter = openAugmenter({}, 5, frame, openDraws(1, "augment"));
  assert.equal(augmenter.apply(bytes, 0, 0), bytes);
});

test("each option changes pictures, without touching the original, and the same way for the same key only", () => {
  const options: Augmentation[] = [
    { pad: 2 },
    { area: [0.2, 0.8] },
    { isFlipped: true },
    { jitter: 0.4 },
    { randAugment: { operations: 2, magnitude: 9 } },
  ];
  const original = Uint8Array.from(bytes);
  for (const option of options) {
    const open = (seed: number) => openAugmenter(option, 5, frame, openDraws(seed, "augment"));
    const sequence = (seed: number, epoch: number): string => {
      const augmenter = open(seed);
      return Array.from({ length: 12 }, (_, key) => String(augmenter.apply(bytes, epoch, key))).join("\n");
    };
    const text = sequence(1, 3);
    assert.ok(new Set(text.split("\n")).size > 1, JSON.stringify(option));
    assert.equal(sequence(1, 3), text);
    assert.notEqual(sequence(2, 3), text);
    assert.notEqual(sequence(1, 4), text);
    assert.equal(String(open(1).apply(bytes, 3, 7)), text.split("\n")[7], "without those before it");
    assert.deepEqual(bytes, original);
  }
});

test("magnitudes beyond 10 stay within the bytes, and go further than 10", () => {
  const distance = (magnitude: number): number => {
    const open = openAugmenter({ randAugment: { operations: 1, magnitude } }, 5, frame, openDraws(1, "augment"));
    let sum = 0;
    for (let key = 0; key < 200; key++) for (const [i, byte] of open.apply(bytes, 0, key).entries()) sum += Math.abs(byte - bytes[i]);
    return sum;
  };
  assert.ok(distance(5) < distance(10) && distance(10) < distance(30));
});

test("random parts are cut from a larger picture", () => {
  assert.equal(sourceSize(96, undefined, { area: [0.35, 1] }), 110);
  assert.equal(sourceSize(28, 28, { area: [0.35, 1] }), 28);
  assert.equal(sourceSize(96, undefined, { pad: 4 }), 96);
  const large = new Uint8Array(10 * 10 * 3).fill(77);
  const found = openAugmenter({ area: [0.3, 0.9] }, 10, frame, openDraws(1, "augment")).apply(large, 0, 0);
  assert.equal(found.length, 75);
  assert.ok(found.every((byte) => byte === 77));
});

test("numbers that make no sense are refused by name", () => {
  const bad: [Augmentation, RegExp][] = [
    [{ pad: -1 }, /augmentation\.pad/],
    [{ pad: 1.5 }, /augmentation\.pad/],
    [{ area: [0, 1] }, /augmentation\.area/],
    [{ area: [0.8, 0.5] }, /augmentation\.area/],
    [{ jitter: Number.NaN }, /augmentation\.jitter/],
    [{ mixup: -0.1 }, /augmentation\.mixup/],
    [{ randAugment: { operations: 2, magnitude: 31 } }, /randAugment\.magnitude: found 31/],
  ];
  for (const [augmentation, message] of bad) assert.throws(() => checkAugmentation(augmentation), message);
});

test("Beta(α, α) has mean 1/2 and variance 1 / (8α + 4), for small and large α", () => {
  for (const alpha of [0.2, 0.4, 1, 3]) {
    const { uniform } = random(7, "beta", Math.round(alpha * 10));
    let next = 0;
    const values = Array.from({ length: 20000 }, () => beta(alpha, () => uniform(next++)));
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    assert.ok(values.every((value) => value >= 0 && value <= 1));
    assert.ok(Math.abs(mean - 0.5) < 0.01, `α = ${alpha}: mean ${mean}`);
    assert.ok(Math.abs(variance - 1 / (8 * alpha + 4)) < 0.004, `α = ${alpha}: variance ${variance}`);
  }
});
