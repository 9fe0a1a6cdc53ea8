import { writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What to write: pictures of so many pixels a side, so many of each part. */
interface IdxSet {
  readonly side: number;
  readonly labels: number;
  readonly train: number;
  readonly test: number;
}

/** An IDX file of bytes: two zeros, the type 8, the rank, big-endian extents, the bytes. */
function idx(shape: readonly number[], data: Uint8Array): Uint8Array {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.set([0, 0, 8, shape.length]);
  for (const [axis, extent] of shape.entries()) header.writeUInt32BE(extent, 4 + 4 * axis);
  return Buffer.concat([header, data]);
}

/** Writes the four files of a set of the MNIST family: stripes that stand, lie or slant, by label. */
export async function writeIdx(folder: string, { side, labels, train, test }: IdxSet): Promise<void> {
  for (const [part, count] of [
    ["train", train],
    ["t10k", test],
  ] as const) {
    const label = Uint8Array.from({ length: count }, (_, i) => i % labels);
    const pixels = Uint8Array.from({ length: count * side * side }, (_, at) => {
      const i = Math.floor(at / side ** 2);
      const [x, y] = [at % side, Math.floor(at / side) % side];
      return ([x, y, x + y][i % labels] % 4 < 2 ? 200 : 30) + ((i * 7 + x * 3 + y) % 20);
    });
    await writeFile(join(folder, `${part}-images-idx3-ubyte`), idx([count, side, side], pixels));
    await writeFile(join(folder, `${part}-labels-idx1-ubyte`), idx([count], label));
  }
}
