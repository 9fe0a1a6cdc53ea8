import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { crc32, deflateSync } from "node:zlib";
import type { Image } from "../../src/data/image.ts";

/** How a sample picture is stored. */
export interface SampleOptions {
  readonly format: "jpeg" | "png" | "webp";
  /** 0–100, JPEG and WebP; default 95. */
  readonly quality?: number;
  /** EXIF orientation to record (JPEG only); the pixels are stored as given. */
  readonly orientation?: number;
}

const { resolve } = createRequire(import.meta.url);

interface Encoder {
  encode(data: Uint8Array, width: number, height: number, options: object): Uint8Array;
}

async function openEncoder(file: string, options: object): Promise<(image: Image) => Uint8Array> {
  const module = new WebAssembly.Module(readFileSync(resolve(`${file}.wasm`)));
  const factory = (await import(`${file}.js`)).default as (options: object) => Promise<Encoder>;
  const encoder = await factory({
    instantiateWasm(imports: WebAssembly.Imports, use: (instance: WebAssembly.Instance) => void) {
      const instance = new WebAssembly.Instance(module, imports);
      use(instance);
      return instance.exports;
    },
  });
  return (image) => Uint8Array.from(encoder.encode(toRgba(image), image.width, image.height, options));
}

function toRgba({ width, height, channels, data }: Image): Uint8Array {
  const at = (i: number, c: number): number => {
    if (c === 3) return channels === 4 ? data[i * 4 + 3] : 255;
    return data[i * channels + (channels === 1 ? 0 : c)];
  };
  return Uint8Array.from({ length: width * height * 4 }, (_, i) => at(i >> 2, i & 3));
}

const channelsToColour = { 1: 0, 3: 2, 4: 6 } as const;

/** One chunk of a PNG file: length, type, contents, checksum. */
export function pngChunk(type: string, data: Uint8Array): Uint8Array {
  const chunk = Buffer.alloc(12 + data.length);
  chunk.writeUInt32BE(data.length);
  chunk.write(type, 4, "latin1");
  chunk.set(data, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.length)), 8 + data.length);
  return chunk;
}

/** A PNG file from its header's numbers and its rows (each beginning with its filter byte), with other chunks before the pixels. */
export function pngFile(
  width: number,
  height: number,
  bits: number,
  colour: number,
  rows: Uint8Array,
  extra: readonly Uint8Array[] = [],
): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([bits, colour], 8);
  const chunks = [pngChunk("IHDR", header), ...extra, pngChunk("IDAT", deflateSync(rows)), pngChunk("IEND", new Uint8Array(0))];
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), ...chunks]);
}

function encodePng({ width, height, channels, data }: Image): Uint8Array {
  const stride = width * channels;
  const rows = new Uint8Array(height * (stride + 1));
  for (let y = 0; y < height; y++) rows.set(data.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1);
  return pngFile(width, height, 8, channelsToColour[channels], rows);
}

/** An EXIF block (a TIFF header and one directory) that holds an orientation and nothing else. */
export function exifBlock(orientation: number, isLittle = false): Uint8Array {
  const bytes = new Uint8Array(26);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, isLittle ? 0x4949 : 0x4d4d);
  view.setUint16(2, 42, isLittle);
  view.setUint32(4, 8, isLittle);
  view.setUint16(8, 1, isLittle);
  view.setUint16(10, 0x0112, isLittle);
  view.setUint16(12, 3, isLittle);
  view.setUint32(14, 1, isLittle);
  view.setUint16(18, orientation, isLittle);
  return bytes;
}

/** Puts an APP1 segment with an EXIF block after a JPEG file's start mark. */
export function withExif(jpeg: Uint8Array, block: Uint8Array): Uint8Array {
  const contents = Buffer.concat([Buffer.from("Exif\0\0", "latin1"), block]);
  const segment = Buffer.from([0xff, 0xe1, (contents.length + 2) >> 8, (contents.length + 2) & 255]);
  return Buffer.concat([jpeg.subarray(0, 2), segment, contents, jpeg.subarray(2)]);
}

/** One chunk of a RIFF file, padded to an even length. */
export function riffChunk(type: string, data: Uint8Array): Uint8Array {
  const chunk = Buffer.alloc(8 + data.length + (data.length & 1));
  chunk.write(type, "latin1");
  chunk.writeUInt32LE(data.length, 4);
  chunk.set(data, 8);
  return chunk;
}

const jpegDefaults = {
  ...{ baseline: false, arithmetic: false, progressive: true, optimize_coding: true, smoothing: 0, color_space: 3, quant_table: 3 },
  ...{ trellis_multipass: false, trellis_opt_zero: false, trellis_opt_table: false, trellis_loops: 1, auto_subsample: true },
  ...{ chroma_subsample: 2, separate_chroma_quality: false, chroma_quality: 75 },
};
const webpDefaults = {
  ...{
    target_size: 0,
    target_PSNR: 0,
    method: 4,
    sns_strength: 50,
    filter_strength: 60,
    filter_sharpness: 0,
    filter_type: 1,
    partitions: 0,
  },
  ...{ segments: 4, pass: 1, show_compressed: 0, preprocessing: 0, autofilter: 0, partition_limit: 0, alpha_compression: 1 },
  ...{ alpha_filtering: 1, alpha_quality: 100, lossless: 0, exact: 0, image_hint: 0, emulate_jpeg_size: 0, thread_level: 0 },
  ...{ low_memory: 0, near_lossless: 100, use_delta_palette: 0, use_sharp_yuv: 0 },
};

const encoders = new Map<string, Promise<(image: Image) => Uint8Array>>();

/** The bytes of an image file with the pixels given: PNG is lossless, JPEG and WebP are written at the quality asked for. */
export async function writeSample(image: Image, { format, quality = 95, orientation }: SampleOptions): Promise<Uint8Array> {
  if (format === "png") return encodePng(image);
  const key = `${format} ${quality}`;
  const open = (): Promise<(image: Image) => Uint8Array> =>
    format === "jpeg"
      ? openEncoder("@jsquash/jpeg/codec/enc/mozjpeg_enc", { ...jpegDefaults, quality })
      : openEncoder("@jsquash/webp/codec/enc/webp_enc", { ...webpDefaults, quality });
  const encoder = encoders.get(key) ?? open();
  encoders.set(key, encoder);
  const bytes = (await encoder)(image);
  return orientation ? withExif(bytes, exifBlock(orientation)) : bytes;
}
