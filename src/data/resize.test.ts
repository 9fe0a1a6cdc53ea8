import assert from "node:assert/strict";
import { test } from "node:test";
import type { Image } from "./image.ts";
import { luma, prepare, resize, windowFor } from "./resize.ts";

function noise(width: number, height: number, channels: 1 | 3 | 4): Image {
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => (Math.imul(i + 1, 0x9e3779b1) >>> 24) & 255);
  return { width, height, channels, data };
}

const whole = (image: Image) => ({ left: 0, top: 0, width: image.width, height: image.height });

/** The triangle filter in float64, straight from its definition; both axes at once, without intermediate rounding. */
function reference(image: Image, width: number, height: number): Float64Array {
  const weight = (input: number, output: number, i: number, j: number): number => {
    const scale = Math.max(1, input / output);
    return Math.max(0, 1 - Math.abs(j + 0.5 - ((i + 0.5) * input) / output) / scale);
  };
  const out = new Float64Array(width * height * image.channels);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const sums = new Float64Array(image.channels);
      let total = 0;
      for (let v = 0; v < image.height; v++) {
        for (let u = 0; u < image.width; u++) {
          const share = weight(image.height, height, y, v) * weight(image.width, width, x, u);
          total += share;
          for (let c = 0; c < image.channels; c++) sums[c] += share * image.data[(v * image.width + u) * image.channels + c];
        }
      }
      for (let c = 0; c < image.channels; c++) out[(y * width + x) * image.channels + c] = sums[c] / total;
    }
  }
  return out;
}

test("resizing up, down and by odd ratios stays within one level of the float64 triangle filter", () => {
  for (const [w, h, width, height] of [
    [17, 11, 5, 7],
    [5, 4, 13, 9],
    [31, 3, 8, 8],
    [1, 1, 6, 6],
    [64, 64, 1, 1],
    [9, 200, 28, 28],
  ]) {
    for (const channels of [1, 3] as const) {
      const image = noise(w, h, channels);
      const expected = reference(image, width, height);
      const found = resize(image, whole(image), width, height).data;
      const worst = Math.max(...expected.map((value, i) => Math.abs(value - found[i])));
      assert.ok(worst <= 1.01, `${w}×${h} → ${width}×${height} differs by ${worst}`);
    }
  }
});

test("resizing to the same size changes nothing, and a flat image stays flat at any ratio", () => {
  const image = noise(28, 28, 1);
  assert.deepEqual(resize(image, whole(image), 28, 28).data, image.data);
  const flat: Image = { width: 997, height: 13, channels: 3, data: new Uint8Array(997 * 13 * 3).fill(201) };
  assert.ok(resize(flat, whole(flat), 28, 31).data.every((byte) => byte === 201));
});

test("resized bytes are fixed for ever: every engine and every version must give these", () => {
  const image = noise(13, 9, 3);
  assert.deepEqual(
    [...prepare(image, { size: 2, channels: 3, fit: "crop" })],
    [114, 133, 130, 141, 112, 143, 136, 112, 143, 122, 142, 112],
  );
});

test("crop keeps the centre square of the longer side, squash keeps everything", () => {
  assert.deepEqual(windowFor(10, 5, { fit: "crop" }), { left: 2, top: 0, width: 5, height: 5 });
  assert.deepEqual(windowFor(5, 10, { fit: "crop" }), { left: 0, top: 2, width: 5, height: 5 });
  assert.deepEqual(windowFor(10, 5, { fit: "squash" }), { left: 0, top: 0, width: 10, height: 5 });
  // 224 of 256 pixels of the shorter side.
  assert.deepEqual(windowFor(640, 512, { fit: "crop", share: 0.875 }), { left: 96, top: 32, width: 448, height: 448 });
  assert.deepEqual(windowFor(3, 2, { fit: "crop", share: 0.05 }), { left: 1, top: 0, width: 1, height: 1 });
  const stripes: Image = { width: 3, height: 1, channels: 1, data: Uint8Array.of(0, 90, 255) };
  assert.deepEqual([...prepare(stripes, { size: 1, channels: 1, fit: "crop" })], [90]);
  assert.notDeepEqual([...prepare(stripes, { size: 1, channels: 1, fit: "squash" })], [90]);
});

test("grey pixels keep their value through luma, and colours follow BT.601", () => {
  for (let value = 0; value < 256; value++) assert.equal(luma(value, value, value), value);
  assert.deepEqual([luma(255, 0, 0), luma(0, 255, 0), luma(0, 0, 255)], [76, 150, 29]);
});

test("a grey image becomes three equal channels, and a colour image of equal channels the same grey", () => {
  const grey = noise(20, 12, 1);
  const colour = prepare(grey, { size: 8, channels: 3, fit: "crop" });
  const asColour: Image = { ...grey, channels: 3, data: Uint8Array.from({ length: 720 }, (_, i) => grey.data[Math.floor(i / 3)]) };
  assert.deepEqual(prepare(asColour, { size: 8, channels: 3, fit: "crop" }), colour);
  assert.deepEqual(prepare(asColour, { size: 8, channels: 1, fit: "crop" }), prepare(grey, { size: 8, channels: 1, fit: "crop" }));
});
