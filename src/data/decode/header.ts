import { DataError } from "../../core/errors.ts";
import { type ImageHeader, type Refuse, textAt } from "./imageHeader.ts";
import { readJpegHeader } from "./jpegHeader.ts";
import { readPngHeader } from "./pngHeader.ts";
import { readWebpHeader } from "./webpHeader.ts";

/** Formats that are recognised only to be named in the refusal: name, offset of the mark, the mark. */
const others: readonly (readonly [string, number, string])[] = [
  ["GIF", 0, "GIF8"],
  ["TIFF", 0, "II*\0"],
  ["TIFF", 0, "MM\0*"],
  ["BMP", 0, "BM"],
  ["AVIF", 4, "ftypavi"],
  ["HEIC", 4, "ftyphei"],
  ["HEIC", 4, "ftypmif1"],
  ["JPEG XL", 0, "\xff\x0a"],
  ["JPEG XL", 4, "JXL "],
  ["JPEG 2000", 4, "jP  "],
  ["Photoshop", 0, "8BPS"],
  ["PDF", 0, "%PDF"],
  ["ZIP", 0, "PK\x03\x04"],
  ["gzip", 0, "\x1f\x8b"],
];

function nameFormat(bytes: Uint8Array): string {
  const found = others.find(([, offset, mark]) => textAt(bytes, offset, mark.length) === mark);
  if (found) return found[0];
  const start = textAt(bytes, 0, 512).trimStart().toLowerCase();
  if (/^(?:\xef\xbb\xbf)?<(?:svg|\?xml|!doctype svg|!--)/.test(start) && start.includes("<svg")) return "SVG";
  if (/^(<!doctype html|<html)/.test(start)) return "HTML";
  return "unknown";
}

/** Recognises a file by its contents and reads its header; sizes of zero or above `maxPixels`, and files that end too early, are refused. */
export function readHeader(bytes: Uint8Array, name: string, maxPixels: number): ImageHeader {
  const refuse: Refuse = (reason) => {
    throw new DataError(`${name}: ${reason}`);
  };
  const header = readAny(bytes, refuse);
  const { width, height } = header;
  if (width === 0 || height === 0) refuse(`found an image of ${width} × ${height} pixels, needs at least 1 × 1`);
  if (width * height > maxPixels) {
    refuse(
      `found ${width} × ${height} = ${((width * height) / 1e6).toFixed(1)} megapixels, needs at most ${maxPixels / 1e6}; make it smaller`,
    );
  }
  return header;
}

function readAny(bytes: Uint8Array, refuse: Refuse): ImageHeader {
  if (bytes.length === 0) refuse("the file is empty");
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return readJpegHeader(bytes, refuse);
  if (textAt(bytes, 0, 8) === "\x89PNG\r\n\x1a\n") return readPngHeader(bytes, refuse);
  if (textAt(bytes, 0, 4) === "RIFF" && textAt(bytes, 8, 4) === "WEBP") return readWebpHeader(bytes, refuse);
  const format = nameFormat(bytes);
  return refuse(`found ${format === "unknown" ? "no known image format" : `a file in ${format} format`}, needs JPEG, PNG or WebP`);
}
