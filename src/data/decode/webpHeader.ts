import { readOrientation } from "./exif.ts";
import { type ImageHeader, type Orientation, type Refuse, textAt } from "./imageHeader.ts";

interface Chunk {
  readonly type: string;
  /** Contents without the 8 bytes of type and length. */
  readonly data: Uint8Array;
}

function uint24(data: Uint8Array, at: number): number {
  return data[at] | (data[at + 1] << 8) | (data[at + 2] << 16);
}

/** The chunks of a stretch of a RIFF file. */
function readChunks(bytes: Uint8Array, refuse: Refuse): Chunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Chunk[] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at + 4, true);
    if (at + 8 + length > bytes.length) return refuse("truncated WebP: the file ends before the image does");
    chunks.push({ type: textAt(bytes, at, 4), data: bytes.subarray(at + 8, at + 8 + length) });
    at += 8 + length + (length & 1);
  }
  return chunks;
}

/** Width and height in a lossy (VP8) or lossless (VP8L) stream. */
function streamSize({ type, data }: Chunk, refuse: Refuse): { width: number; height: number } {
  if (type === "VP8L") {
    if (data.length < 5 || data[0] !== 0x2f) return refuse("damaged WebP: its lossless image has no header");
    const bits = data[1] | (data[2] << 8) | (data[3] << 16) | (data[4] << 24);
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  }
  if (data.length < 10 || textAt(data, 3, 3) !== "\x9d\x01\x2a") return refuse("damaged WebP: its lossy image has no header");
  return { width: (data[6] | (data[7] << 8)) & 0x3fff, height: (data[8] | (data[9] << 8)) & 0x3fff };
}

function writeChunk(type: string, data: Uint8Array): Uint8Array {
  const chunk = new Uint8Array(8 + data.length + (data.length & 1));
  chunk.set(new TextEncoder().encode(type));
  new DataView(chunk.buffer).setUint32(4, data.length, true);
  chunk.set(data, 8);
  return chunk;
}

/** A file of one still image, from its stream and (for lossy images) its alpha plane. */
function writeStill(stream: Chunk, alpha: Chunk | undefined, { width, height }: { width: number; height: number }): Uint8Array {
  const extended = new Uint8Array(10);
  extended[0] = 0x10;
  const edges = [width - 1, height - 1];
  edges.forEach((edge, i) => {
    for (let byte = 0; byte < 3; byte++) extended[4 + 3 * i + byte] = edge >> (8 * byte);
  });
  const isExtended = alpha && stream.type === "VP8 ";
  const chunks = isExtended ? [writeChunk("VP8X", extended), writeChunk("ALPH", alpha.data)] : [];
  chunks.push(writeChunk(stream.type, stream.data));
  const body = new Uint8Array(4 + chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  body.set(new TextEncoder().encode("WEBP"));
  let at = 4;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return writeChunk("RIFF", body);
}

/** Reads a WebP file's chunks; of an animation the first frame becomes a still image of its own. */
export function readWebpHeader(bytes: Uint8Array, refuse: Refuse): ImageHeader {
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(4, true);
  if (length + 8 > bytes.length) return refuse("truncated WebP: the file ends before the image does");
  const chunks = readChunks(bytes.subarray(12, 8 + length), refuse);
  const exif = chunks.find(({ type }) => type === "EXIF")?.data ?? new Uint8Array(0);
  const orientation: Orientation = readOrientation(textAt(exif, 0, 6) === "Exif\0\0" ? exif.subarray(6) : exif);
  const animation = chunks.find(({ type }) => type === "ANMF")?.data;
  const parts = animation ? readChunks(animation.subarray(16), refuse) : chunks;
  const stream = parts.find(({ type }) => type === "VP8 " || type === "VP8L");
  if (!stream) return refuse("damaged WebP: it holds no image");
  const alpha = parts.find(({ type }) => type === "ALPH");
  const size = streamSize(stream, refuse);
  const payload = writeStill(stream, alpha, size);
  const canvas = chunks.find(({ type }) => type === "VP8X")?.data;
  if (!animation || !canvas) return { format: "webp", ...size, orientation, payload };
  if (canvas.length < 10) return refuse("damaged WebP: its canvas has no size");
  const [width, height] = [uint24(canvas, 4) + 1, uint24(canvas, 7) + 1];
  const frame = { left: 2 * uint24(animation, 0), top: 2 * uint24(animation, 3), ...size };
  if (frame.left + size.width > width || frame.top + size.height > height) return refuse("damaged WebP: its first frame leaves the canvas");
  return { format: "webp", width, height, orientation, payload, frame };
}
