import { beta, type Draws } from "./draws.ts";
import type { PixelTarget } from "./normalise.ts";

/** Mixes elements i and j of the first axis in place: each becomes share · itself + (1 − share) · the other. */
function mixPair({ shape, strides, data }: PixelTarget, i: number, j: number, share: number): void {
  const [, channels, height = 1, width = 1] = shape;
  const [perImage, perChannel, perRow = 0, perColumn = 0] = strides;
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const within = c * perChannel + y * perRow + x * perColumn;
        const own = data[i * perImage + within];
        const other = data[j * perImage + within];
        data[i * perImage + within] = share * own + (1 - share) * other;
        data[j * perImage + within] = share * other + (1 - share) * own;
      }
    }
  }
}

/** Mixup (arXiv 1710.09412) of a filled batch: the first picture with the last, the second with the last but one, each pair with its own share. */
export function mixUp(image: PixelTarget, target: PixelTarget, alpha: number, draws: Draws, epoch: number, batch: number): void {
  const count = image.shape[0];
  for (let i = 0, j = count - 1; i < j; i++, j--) {
    draws.start(epoch, batch * count + i);
    const share = beta(alpha, draws.uniform);
    mixPair(image, i, j, share);
    mixPair(target, i, j, share);
  }
}
