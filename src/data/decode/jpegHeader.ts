import { readOrientation } from "./exif.ts";
import { type ImageHeader, type Orientation, type Refuse, textAt } from "./imageHeader.ts";

const [SOI, EOI, SOS, APP1, DNL] = [0xd8, 0xd9, 0xda, 0xe1, 0xdc];
/** Ways of coding: baseline, extended, progressive can be decoded; the others are named in the refusal. */
const processes: Readonly<Record<number, string>> = {
  195: "lossless",
  197: "hierarchical",
  198: "hierarchical",
  199: "hierarchical",
  201: "arithmetic",
  202: "arithmetic",
  203: "arithmetic",
  205: "arithmetic",
  206: "arithmetic",
  207: "arithmetic",
};
/** Most pixels times scans: decoding a progressive file takes time for every pixel in each of its scans. */
const MOST_WORK = 4e9;

interface Frame {
  width: number;
  height: number;
  components: number;
}

function readFrame(bytes: Uint8Array, at: number, length: number, marker: number, refuse: Refuse): Frame {
  if (processes[marker]) refuse(`found JPEG with ${processes[marker]} coding, needs baseline or progressive`);
  if (length < 8) refuse("damaged JPEG: its frame header is too short");
  if (bytes[at + 2] !== 8) refuse(`found JPEG with ${bytes[at + 2]} bits a channel, needs 8`);
  const frame = { height: (bytes[at + 3] << 8) | bytes[at + 4], width: (bytes[at + 5] << 8) | bytes[at + 6], components: bytes[at + 7] };
  if (![1, 3, 4].includes(frame.components)) refuse(`found JPEG with ${frame.components} channels, needs 1, 3 or 4`);
  return frame;
}

/** The position of the next marker after entropy-coded data: 0xff not followed by a stuffed zero, a restart marker or a fill byte. */
function endOfScan(bytes: Uint8Array, from: number): number {
  let at = bytes.indexOf(0xff, from);
  while (at >= 0 && at + 1 < bytes.length) {
    const next = bytes[at + 1];
    if (next !== 0 && next !== 0xff && !(next >= 0xd0 && next <= 0xd7)) return at;
    at = bytes.indexOf(0xff, next === 0xff ? at + 1 : at + 2);
  }
  return bytes.length;
}

/** Walks a JPEG file's segments up to its end mark, which must be there: decoders fill what is missing with grey. */
export function readJpegHeader(bytes: Uint8Array, refuse: Refuse): ImageHeader {
  let frame: Frame | undefined;
  let orientation: Orientation = 1;
  let scans = 0;
  let at = 2;
  for (;;) {
    while (bytes[at] === 0xff && bytes[at + 1] === 0xff) at++;
    if (at + 1 >= bytes.length) return refuse("truncated JPEG: the file ends before the image does");
    if (bytes[at] !== 0xff) return refuse(`damaged JPEG: no marker at byte ${at}`);
    const marker = bytes[at + 1];
    at += 2;
    if (marker === EOI) break;
    if (marker === SOI || marker === 1 || (marker >= 0xd0 && marker <= 0xd7)) continue;
    const length = (bytes[at] << 8) | bytes[at + 1];
    if (at + 2 > bytes.length || at + length > bytes.length) return refuse("truncated JPEG: the file ends inside a segment");
    if (length < 2) return refuse(`damaged JPEG: a segment of length ${length} at byte ${at}`);
    if (marker === APP1 && textAt(bytes, at + 2, 6) === "Exif\0\0" && orientation === 1) {
      orientation = readOrientation(bytes.subarray(at + 8, at + length));
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame && frame) return refuse("damaged JPEG: two frame headers");
    if (isFrame) frame = readFrame(bytes, at, length, marker, refuse);
    if (marker === DNL) return refuse("found JPEG that tells its height after the image, needs it before");
    at += length;
    if (marker === SOS) {
      scans++;
      at = endOfScan(bytes, at);
    }
  }
  if (!frame || scans === 0) return refuse("damaged JPEG: it holds no image");
  if (scans > 20 && scans * frame.width * frame.height > MOST_WORK) return refuse(`damaged JPEG: ${scans} scans of one image`);
  const { width, height, components } = frame;
  return { format: "jpeg", width, height, orientation, payload: bytes.subarray(0, at), isCmyk: components === 4 };
}
