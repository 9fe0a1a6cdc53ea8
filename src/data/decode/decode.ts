import { DataError } from "../../core/errors.ts";
import type { Image } from "../image.ts";
import { layOverWhite } from "../overWhite.ts";
import type { Codecs } from "./codecs.ts";
import { readHeader } from "./header.ts";
import type { ImageHeader } from "./imageHeader.ts";
import { orient } from "./orient.ts";

/** Limits of decoding. */
export interface DecodeOptions {
  /** Images of more pixels are refused before they are decoded. Default 100 million. */
  readonly maxPixels?: number;
}

/** Default of `maxPixels`. */
export const MOST_PIXELS = 100e6;

/** The first frame of an animation on its canvas, which is white elsewhere. */
function placeOnCanvas(image: Image, { width, height, frame }: ImageHeader): Image {
  if (!frame || (frame.width === width && frame.height === height)) return image;
  const data = new Uint8Array(width * height * 3).fill(255);
  for (let y = 0; y < frame.height; y++) {
    const row = image.data.subarray(y * frame.width * 3, (y + 1) * frame.width * 3);
    data.set(row, ((frame.top + y) * width + frame.left) * 3);
  }
  return { width, height, channels: 3, data };
}

/**
 * Decodes a JPEG, PNG or WebP file, recognised by its contents, to upright RGB. Transparency is laid over white, 16-bit channels keep
 * their upper 8 bits, CMYK becomes RGB without a colour profile, an animation gives its first frame. Anything else, and a file that
 * is damaged, truncated or too large, is a DataError beginning with `name`.
 */
export async function decodeImage(bytes: Uint8Array, name: string, codecs: Codecs, options: DecodeOptions = {}): Promise<Image> {
  const header = readHeader(bytes, name, options.maxPixels ?? MOST_PIXELS);
  const { format, payload, isCmyk } = header;
  const raw = await (isCmyk ? codecs.decodeCmyk(payload) : codecs.decode(format, payload)).catch((cause: Error) => {
    throw new DataError(`${name}: damaged or truncated ${format.toUpperCase()} (${cause.message})`, { cause });
  });
  const { width, height } = header.frame ?? header;
  if (raw.width !== width || raw.height !== height) {
    throw new DataError(`${name}: its header says ${width} × ${height} pixels, but it holds ${raw.width} × ${raw.height}`);
  }
  return orient(placeOnCanvas(layOverWhite(raw, raw.data), header), header.orientation);
}
