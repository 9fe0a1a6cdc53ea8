import type { Orientation } from "./imageHeader.ts";

const ORIENTATION = 0x0112;
const SHORT = 3;
/** Entries looked at; a real first directory has some dozens. */
const MOST_ENTRIES = 1000;

/** The orientation in an EXIF block (a TIFF header and its first directory); 1 where it has none or makes no sense. */
export function readOrientation(block: Uint8Array): Orientation {
  if (block.length < 8) return 1;
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const order = view.getUint16(0);
  const isLittle = order === 0x4949;
  if ((!isLittle && order !== 0x4d4d) || view.getUint16(2, isLittle) !== 42) return 1;
  const directory = view.getUint32(4, isLittle);
  if (directory + 2 > block.length) return 1;
  const entries = Math.min(view.getUint16(directory, isLittle), MOST_ENTRIES);
  for (let entry = 0; entry < entries; entry++) {
    const at = directory + 2 + 12 * entry;
    if (at + 12 > block.length) return 1;
    if (view.getUint16(at, isLittle) !== ORIENTATION || view.getUint16(at + 2, isLittle) !== SHORT) continue;
    const value = view.getUint16(at + 8, isLittle);
    return value >= 1 && value <= 8 ? (value as Orientation) : 1;
  }
  return 1;
}
