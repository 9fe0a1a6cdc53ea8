/** Pictures that a network learns to tell apart within an epoch: stripes that lie or stand, of differing brightness. */
import assert from "node:assert/strict";
import { openWorkplace, type Workplace } from "./commandLine.ts";
import { writeSample } from "./samples.ts";

const SIDE = 16;

function stripes(isLying: boolean, seed: number): Promise<Uint8Array> {
  const data = Uint8Array.from({ length: SIDE * SIDE }, (_, i) => {
    const [x, y] = [i % SIDE, Math.floor(i / SIDE)];
    const isBright = ((isLying ? y : x) + seed) % 4 < 2;
    return isBright ? 255 - (seed % 7) * 20 : (seed % 5) * 15 + ((i * seed) % 9);
  });
  return writeSample({ width: SIDE, height: SIDE, channels: 1, data }, { format: "png" });
}

/** So many files of each of two labels, named by a number. */
export async function stripeFiles(
  folder: string,
  count = 12,
  [lying, standing] = ["lying", "standing"],
): Promise<Record<string, Uint8Array>> {
  const files: Record<string, Uint8Array> = {};
  for (let i = 0; i < count; i++) {
    files[`${folder}/${lying}/${i}.png`] = await stripes(true, i);
    files[`${folder}/${standing}/${i}.png`] = await stripes(false, i);
  }
  return files;
}

/** Options of a training that takes a moment. */
export function quick(epochs = 2): string[] {
  return [
    ...["--network", "vanilla-compact", "--width", "0.5", "--size", "16"],
    ...["--epochs", String(epochs), "--batch", "8", "--threads", "1"],
  ];
}

/** A workplace with a folder "bars" of such pictures and "model.safetensors", trained on them for an epoch. */
export async function openTrained(): Promise<Workplace> {
  const work = await openWorkplace();
  await work.write(await stripeFiles("bars"));
  const { code, stderr } = await work.run(["fit", "bars", ...quick(1)]);
  assert.equal(code, 0, stderr);
  return work;
}
