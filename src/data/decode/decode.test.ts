import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { exifBlock, pngChunk, pngFile, riffChunk, withExif, writeSample } from "../../../test/lib/samples.ts";
import { DataError } from "../../core/errors.ts";
import type { Image } from "../image.ts";
import { openNodeCodecs } from "./codecs.node.ts";
import { decodeImage } from "./decode.ts";

const codecs = openNodeCodecs();
const decode = (bytes: Uint8Array, maxPixels?: number): Promise<Image> => decodeImage(bytes, "x", codecs, { maxPixels });

/** A smooth picture without symmetry, so that every turn and mirror image differs. */
function slope(width: number, height: number): Image {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    data.set(
      [Math.round((x * 200) / width) + 20, Math.round((y * 180) / height) + 30, (x < width / 2 ? 40 : 0) + (y < height / 2 ? 150 : 10)],
      i * 3,
    );
  }
  return { width, height, channels: 3, data };
}

function meanDifference(a: Image, b: Image): number {
  assert.deepEqual([a.width, a.height, a.channels], [b.width, b.height, b.channels]);
  return a.data.reduce((sum, byte, i) => sum + Math.abs(byte - b.data[i]), 0) / a.data.length;
}

async function assertRefused(bytes: Uint8Array, message: RegExp, maxPixels?: number): Promise<void> {
  await assert.rejects(decode(bytes, maxPixels), (error) => {
    assert.ok(error instanceof DataError, String(error));
    assert.match(error.message, message);
    assert.ok(error.message.startsWith("x: "));
    return true;
  });
}

const picture = slope(48, 32);

test("PNG gives the exact pixels, JPEG and WebP nearly", async () => {
  assert.deepEqual(await decode(await writeSample(picture, { format: "png" })), picture);
  for (const format of ["jpeg", "webp"] as const) {
    const difference = meanDifference(await decode(await writeSample(picture, { format })), picture);
    assert.ok(difference < 4, `${format}: ${difference}`);
  }
});

/** Where pixel (x, y) of a stored picture stands once shown, by EXIF's definition of the first row and column. */
const placements: ((x: number, y: number, w: number, h: number) => [number, number])[] = [
  (x, y) => [x, y],
  (x, y, w) => [w - 1 - x, y],
  (x, y, w, h) => [w - 1 - x, h - 1 - y],
  (x, y, _w, h) => [x, h - 1 - y],
  (x, y) => [y, x],
  (x, y, _w, h) => [h - 1 - y, x],
  (x, y, w, h) => [h - 1 - y, w - 1 - x],
  (x, y, w) => [y, w - 1 - x],
];

test("all eight EXIF orientations, in both byte orders, turn the picture upright", async () => {
  const jpeg = await writeSample(picture, { format: "jpeg" });
  const stored = await decode(jpeg);
  for (const [i, place] of placements.entries()) {
    const upright = await decode(withExif(jpeg, exifBlock(i + 1, i % 2 === 1)));
    assert.deepEqual([upright.width, upright.height], i < 4 ? [48, 32] : [32, 48]);
    for (let y = 0; y < 32; y++) {
      for (let x = 0; x < 48; x++) {
        const [toX, toY] = place(x, y, 48, 32);
        const from = (y * 48 + x) * 3;
        const to = (toY * upright.width + toX) * 3;
        assert.deepEqual(upright.data.subarray(to, to + 3), stored.data.subarray(from, from + 3), `orientation ${i + 1} at ${x}, ${y}`);
      }
    }
  }
});

test("the orientation is read from PNG and WebP too, and one that makes no sense is ignored", async () => {
  const rows = new Uint8Array(2 * 7);
  const png = pngFile(2, 2, 8, 2, Uint8Array.of(0, 1, 1, 1, 2, 2, 2, 0, 3, 3, 3, 4, 4, 4), [pngChunk("eXIf", exifBlock(6))]);
  assert.deepEqual([...(await decode(png)).data], [3, 3, 3, 1, 1, 1, 4, 4, 4, 2, 2, 2]);
  const still = await writeSample(picture, { format: "webp" });
  const canvas = Uint8Array.of(8, 0, 0, 0, 47, 0, 0, 31, 0, 0);
  const body = Buffer.concat([Buffer.from("WEBP"), riffChunk("VP8X", canvas), still.subarray(12), riffChunk("EXIF", exifBlock(8))]);
  const turned = await decode(riffChunk("RIFF", body));
  assert.deepEqual([turned.width, turned.height], [32, 48]);
  for (const block of [
    exifBlock(9),
    exifBlock(0),
    exifBlock(6).subarray(0, 15),
    new Uint8Array(0),
    Uint8Array.of(77, 77, 0, 42, 255, 255, 255, 255),
  ]) {
    const bytes = pngFile(2, 2, 8, 2, rows, [pngChunk("eXIf", block)]);
    assert.equal((await decode(bytes)).width, 2);
  }
});

test("transparency is laid over white", async () => {
  const rgba = { width: 4, height: 1, channels: 4, data: Uint8Array.of(9, 8, 7, 255, 9, 8, 7, 0, 100, 0, 255, 128, 0, 0, 0, 51) } as const;
  const found = await decode(await writeSample(rgba, { format: "png" }));
  assert.deepEqual([...found.data], [9, 8, 7, 255, 255, 255, 177, 127, 255, 204, 204, 204]);
  const clear: Image = { width: 16, height: 16, channels: 4, data: new Uint8Array(1024) };
  assert.ok((await decode(await writeSample(clear, { format: "webp" }))).data.every((byte) => byte === 255));
});

test("grey, grey with alpha, palettes with transparency, 1 bit and 16 bits a channel all become RGB", async () => {
  const grey = await decode(pngFile(2, 1, 8, 0, Uint8Array.of(0, 10, 200)));
  assert.deepEqual([...grey.data], [10, 10, 10, 200, 200, 200]);
  const greyAlpha = await decode(pngFile(1, 1, 8, 4, Uint8Array.of(0, 50, 0)));
  assert.deepEqual([...greyAlpha.data], [255, 255, 255]);
  const palette = [pngChunk("PLTE", Uint8Array.of(1, 2, 3, 40, 50, 60)), pngChunk("tRNS", Uint8Array.of(255, 0))];
  assert.deepEqual([...(await decode(pngFile(2, 1, 8, 3, Uint8Array.of(0, 0, 1), palette))).data], [1, 2, 3, 255, 255, 255]);
  assert.deepEqual([...(await decode(pngFile(2, 1, 1, 0, Uint8Array.of(0, 0b01000000)))).data], [0, 0, 0, 255, 255, 255]);
  const deep = await decode(pngFile(1, 1, 16, 2, Uint8Array.of(0, 0x12, 0x34, 0xab, 0xcd, 0xff, 0xff)));
  assert.deepEqual([...deep.data], [0x12, 0xab, 0xff]);
});

test("a four-channel JPEG becomes RGB", async () => {
  const text =
    "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwAFAwQEBAMFBAQEBQUFBgcMCAcHBwcPCwsJDBEPEhIRDxERExYcFxMUGhURERghGBodHR8fHxMXIiQiHiQcHh8e/8AAFAgAIAAg" +
    "BEMRAE0RAFkRAEsRAP/EABYAAQEBAAAAAAAAAAAAAAAAAAAJCP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAOBEMATQBZAEsAAD8A2Wxkxk2WAIzrMAALMIzgAIzrMAAC" +
    "M6zAALMLMAAIzozgALMLMAAP/9k=";
  const bytes = Buffer.from(text, "base64");
  const { width, data } = await decode(bytes);
  const at = (x: number, y: number): number[] =>
    [...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)].map((byte) => Math.round(byte / 16));
  assert.deepEqual(
    [at(8, 8), at(24, 8), at(8, 24), at(24, 24)],
    [
      [16, 0, 0],
      [0, 16, 0],
      [0, 0, 16],
      [16, 16, 16],
    ],
  );
  await assertRefused(Buffer.concat([bytes.subarray(0, 190), Buffer.from([0xff, 0xd9])]), /damaged or truncated JPEG/);
});

test("an animated PNG or WebP gives its first frame, on its canvas", async () => {
  const control = pngChunk("acTL", Uint8Array.of(0, 0, 0, 2, 0, 0, 0, 0));
  assert.deepEqual([...(await decode(pngFile(1, 1, 8, 0, Uint8Array.of(0, 77), [control]))).data], [77, 77, 77]);
  const frame = (still: Uint8Array, left: number, top: number): Uint8Array => {
    const head = Uint8Array.of(left / 2, 0, 0, top / 2, 0, 0, 47, 0, 0, 31, 0, 0, 100, 0, 0, 0);
    return riffChunk("ANMF", Buffer.concat([head, still.subarray(12)]));
  };
  const still = await writeSample(picture, { format: "webp" });
  const other = await writeSample({ ...picture, data: picture.data.map((byte) => 255 - byte) }, { format: "webp" });
  const canvas = riffChunk("VP8X", Uint8Array.of(2, 0, 0, 0, 59, 0, 0, 39, 0, 0));
  const animated = (left: number): Uint8Array => {
    const chunks = [canvas, riffChunk("ANIM", new Uint8Array(6)), frame(still, left, 4), frame(other, 0, 0)];
    return riffChunk("RIFF", Buffer.concat([Buffer.from("WEBP"), ...chunks]));
  };
  const found = await decode(animated(6));
  assert.deepEqual([found.width, found.height], [60, 40]);
  const alone = await decode(still);
  assert.deepEqual([...found.data.subarray(0, 3)], [255, 255, 255]);
  assert.deepEqual(found.data.subarray((4 * 60 + 6) * 3, (4 * 60 + 54) * 3), alone.data.subarray(0, 48 * 3));
  await assertRefused(animated(20), /first frame leaves the canvas/);
});

test("a file cut off anywhere is refused, whatever its format", async () => {
  for (const format of ["jpeg", "png", "webp"] as const) {
    const bytes = await writeSample(slope(80, 60), { format });
    for (const share of [0.02, 0.3, 0.6, 0.9, 0.99])
      await assertRefused(bytes.subarray(0, Math.floor(bytes.length * share)), /truncated|no known|damaged/);
  }
});

test("a JPEG whose image ends early is refused even where its end mark is there", async () => {
  const bytes = await writeSample(slope(80, 60), { format: "jpeg" });
  for (const share of [0.5, 0.8]) {
    const cut = Buffer.concat([bytes.subarray(0, Math.floor(bytes.length * share)), Buffer.from([0xff, 0xd9])]);
    await assertRefused(cut, /truncated JPEG/);
  }
});

test("a PNG with too few or damaged rows is refused", async () => {
  await assertRefused(pngFile(10, 10, 8, 0, new Uint8Array(50)), /damaged or truncated PNG/);
  const bytes = Buffer.from(await writeSample(slope(30, 30), { format: "png" }));
  bytes[60] ^= 255;
  await assertRefused(bytes, /damaged or truncated PNG/);
});

test("decoding goes on after failures and after large images", async () => {
  const good = { jpeg: await writeSample(picture, { format: "jpeg" }), png: await writeSample(picture, { format: "png" }) };
  const large = await writeSample({ width: 4000, height: 2500, channels: 1, data: new Uint8Array(1e7).fill(99) }, { format: "png" });
  assert.deepEqual((await decode(large)).data.subarray(0, 3), Uint8Array.of(99, 99, 99));
  for (let round = 0; round < 5; round++) {
    await assertRefused(pngFile(100, 100, 8, 0, new Uint8Array(50)), /damaged/);
    await assertRefused(good.jpeg.subarray(0, 200), /truncated|damaged/);
    assert.equal((await decode(good.png)).width, 48);
    assert.equal((await decode(good.jpeg)).width, 48);
  }
});

test("giant images are refused from their header, before anything is decoded", async () => {
  const flat = pngFile(14000, 14000, 1, 0, new Uint8Array(14000 * 1751));
  await assertRefused(flat, /found 14000 × 14000 = 196.0 megapixels, needs at most 100/);
  await assertRefused(await writeSample(picture, { format: "jpeg" }), /megapixels, needs at most 0.001/, 1000);
  await assertRefused(await writeSample(picture, { format: "webp" }), /megapixels, needs at most 0.001/, 1000);
});

test("a size of zero is refused in every format", async () => {
  await assertRefused(pngFile(0, 5, 8, 0, new Uint8Array(5)), /found an image of 0 × 5 pixels/);
  const jpeg = Buffer.from(await writeSample(picture, { format: "jpeg" }));
  const frame = [0xc0, 0xc1, 0xc2].map((marker) => jpeg.indexOf(Uint8Array.of(0xff, marker))).find((at) => at > 0) ?? 0;
  jpeg.fill(0, frame + 5, frame + 7);
  await assertRefused(jpeg, /found an image of 48 × 0 pixels/);
  const webp = Buffer.from(await writeSample(picture, { format: "webp" }));
  webp.fill(0, 26, 28);
  await assertRefused(webp, /found an image of 0 × 32 pixels/);
});

test("compressed bombs in colour profiles and texts are never opened", async () => {
  const bomb = deflateSync(new Uint8Array(50_000_000));
  const extra = ["iCCP", "zTXt"].map((type) => pngChunk(type, Buffer.concat([Buffer.from("name\0\0"), bomb])));
  const before = process.memoryUsage().arrayBuffers;
  assert.deepEqual([...(await decode(pngFile(1, 1, 8, 0, Uint8Array.of(0, 5), extra))).data], [5, 5, 5]);
  assert.ok(process.memoryUsage().arrayBuffers - before < 20_000_000);
});

test("a bomb in the pixels themselves gives no more than the image's size", async () => {
  const found = await decode(pngFile(1, 1, 8, 0, Buffer.concat([Uint8Array.of(0, 5), new Uint8Array(50_000_000)])));
  assert.deepEqual([...found.data], [5, 5, 5]);
});

test("other formats are refused by their name, whatever the file is called", async () => {
  const text = (content: string): Uint8Array => Buffer.from(content.padEnd(64, " "), "latin1");
  const cases: [Uint8Array, RegExp][] = [
    [text("II*\0"), /TIFF format, needs JPEG, PNG or WebP/],
    [text("MM\0*"), /TIFF/],
    [text("<svg xmlns='http://www.w3.org/2000/svg'/>"), /SVG/],
    [text("<?xml version='1.0'?>\n<!-- x -->\n<svg/>"), /SVG/],
    [text("<!DOCTYPE html><html>"), /HTML/],
    [text("GIF89a"), /GIF/],
    [text("BM"), /BMP/],
    [text("\0\0\0\x20ftypheic"), /HEIC/],
    [text("\0\0\0\x20ftypavif"), /AVIF/],
    [text("PK\x03\x04"), /ZIP/],
    [text("hello"), /no known image format/],
    [new Uint8Array(0), /the file is empty/],
  ];
  for (const [bytes, message] of cases) await assertRefused(bytes, message);
});

test("damaged headers never do worse than a typed refusal", async () => {
  for (const format of ["jpeg", "png", "webp"] as const) {
    const bytes = await writeSample(slope(24, 20), { format });
    for (let trial = 0; trial < 120; trial++) {
      const changed = Uint8Array.from(bytes);
      for (let flip = 0; flip <= trial % 3; flip++)
        changed[(Math.imul(trial * 3 + flip + 1, 0x9e3779b1) % changed.length) >>> 0] ^= 1 << (trial % 8);
      const found = await decode(changed, 1e6).catch((error) => error);
      assert.ok(found instanceof DataError || found.channels === 3, `${format} ${trial}: ${found}`);
    }
  }
});
