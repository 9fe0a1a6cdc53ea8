import { readOrientation } from "./exif.ts";
import { type ImageHeader, type Orientation, type Refuse, textAt } from "./imageHeader.ts";

/** All that pixels need. Text, colour profiles and animation frames are left out, so compressed bombs in them are never opened. */
const kept = ["IHDR", "PLTE", "tRNS", "IDAT", "IEND"];

function join(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Walks a PNG file's chunks up to its end chunk; the payload holds only those that pixels need. */
export function readPngHeader(bytes: Uint8Array, refuse: Refuse): ImageHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pieces = [bytes.subarray(0, 8)];
  let orientation: Orientation = 1;
  let hasPixels = false;
  for (let at = 8, type = ""; type !== "IEND"; ) {
    if (at + 12 > bytes.length) return refuse("truncated PNG: the file ends before the image does");
    const length = view.getUint32(at);
    type = textAt(bytes, at + 4, 4);
    if (at + 12 + length > bytes.length) return refuse(`truncated PNG: the file ends inside chunk ${JSON.stringify(type)}`);
    if ((type === "IHDR") !== (at === 8) || (type === "IHDR" && length !== 13))
      return refuse("damaged PNG: its header is not where it must be");
    if (type === "eXIf") orientation = readOrientation(bytes.subarray(at + 8, at + 8 + length));
    if (type === "IDAT") hasPixels = true;
    if (kept.includes(type)) pieces.push(bytes.subarray(at, at + 12 + length));
    at += 12 + length;
  }
  if (!hasPixels) return refuse("damaged PNG: it holds no image");
  return { format: "png", width: view.getUint32(16), height: view.getUint32(20), orientation, payload: join(pieces) };
}
