/** EXIF's orientation, 1–8; 1 is upright. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** What an image file says about itself, known without decoding it. */
export interface ImageHeader {
  readonly format: "jpeg" | "png" | "webp";
  /** Stored size, before turning it upright. */
  readonly width: number;
  readonly height: number;
  readonly orientation: Orientation;
  /** The bytes to give to the decoder: without what it does not need, and of an animation the first frame only. */
  readonly payload: Uint8Array;
  /** JPEG with four components. */
  readonly isCmyk?: boolean;
  /** Animations: where the first frame lies on the canvas; the canvas has the size above. */
  readonly frame?: { readonly left: number; readonly top: number; readonly width: number; readonly height: number };
}

/** Ends the reading of one file with its name and what is wrong. */
export type Refuse = (reason: string) => never;

/** The bytes at an offset as Latin-1 text. */
export function textAt(bytes: Uint8Array, offset: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(offset, offset + length));
}
