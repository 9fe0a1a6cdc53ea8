/**
 * Weights of bytes in the order in which the kernels read them, filled up with zeros: panels [N/8][taps][K/4][8][4] for products. The
 * weight lies as layout.ts says, [out][kh][kw][in].
 */
import { i32, v128 } from "../../assembler.ts";
import { type LowerContext, type Pointer, type Step, step } from "../../kernel.ts";
import { wasmKernel } from "../../module.ts";
import { PANEL } from "../groups.ts";

const fields = {
  y: "i32",
  isMask: "i32",
  source: "i32",
  outputs: "i32",
  taps: "i32",
  inputs: "i32",
  words: "i32",
  groupOutputs: "i32",
  lastStart: "i32",
} as const;

/** Units are panels. */
const packPanels = wasmKernel("pack byte panels", fields, (args, k) => {
  const { y, isMask, source, outputs, taps, inputs, words, groupOutputs, lastStart, begin, end } = args;
  const panelBytes = k.local(taps.times(words).times(4 * PANEL));
  k.for({ from: begin, to: end }, (panel) => {
    const first = k.local(panel.times(PANEL));
    const start = k.local(i32.min(i32.divU(first, groupOutputs).times(inputs), lastStart));
    k.for({ to: PANEL }, (lane) => {
      const output = k.local(first.plus(lane));
      // The panel's first channel, counted within the output's group: perhaps negative.
      const shift = k.local(start.minus(i32.divU(output, groupOutputs).times(inputs)));
      const isThere = k.local(i32.lt(output, outputs));
      const filter = k.local(source.plus(output.times(taps).times(inputs)));
      const to = k.local(y.plus(panel.times(panelBytes)).plus(lane.times(4)));
      k.for({ to: taps }, () => {
        const channel = k.local(shift);
        k.for({ to: words }, () => {
          const isWhole = i32.and(i32.ge(channel, 0), i32.le(channel.plus(4), inputs));
          k.if(
            i32.and(isThere, isWhole),
            () => k.store(to, i32.or(i32.load(filter.plus(channel)), i32.sub(0, isMask))),
            () => {
              for (let i = 0; i < 4; i++) {
                const at = k.local(channel.plus(i));
                const isWeight = k.local(i32.and(isThere, i32.ltU(at, inputs)));
                k.store8(to, i32.const(0), i);
                k.if(isWeight, () => k.store8(to, i32.or(i32.load8U(filter.plus(at)), i32.sub(0, isMask)), i));
              }
            },
          );
          channel.add(4);
          to.add(4 * PANEL);
        });
        filter.add(inputs);
      });
    });
  });
});

/** A weight of `outputs` filters, each `taps` runs of `inputs` bytes, for runs of `words` words in all groups that a panel touches. */
export interface BytePanels {
  readonly outputs: number;
  readonly taps: number;
  readonly inputs: number;
  readonly words: number;
  readonly groupOutputs: number;
  /** The last channel at which a run may begin. */
  readonly lastStart: number;
}

/** Floats that the panels take. */
export function panelWords({ outputs, taps, words }: BytePanels): number {
  return Math.ceil(outputs / PANEL) * PANEL * taps * words;
}

/** The steps that pack a weight into panels; or masks, all ones where there is a weight. */
export function packBytePanels(target: Pointer, source: Pointer, panels: BytePanels, isMask = false): readonly Step[] {
  return [step(packPanels, Math.ceil(panels.outputs / PANEL), { y: target, source, isMask: isMask ? 1 : 0, ...panels })];
}

const padFields = {
  y: "i32",
  x: "i32",
  height: "i32",
  top: "i32",
  rows: "i32",
  line: "i32",
  left: "i32",
  row: "i32",
  zero: "i32",
} as const;

/** Units are rows of the padded images. Lengths in bytes, multiples of 4, since images of few channels have pixels of 4. */
const padBytes = wasmKernel("pad bytes", padFields, ({ y, x, height, top, rows, line, left, row, zero, begin, end }, k) => {
  const word = k.local(zero.times(0x0101_0101));
  const at = k.local(y.plus(begin.times(row)));
  const fill = (to: ReturnType<typeof i32.const>): void =>
    k.while(
      () => i32.lt(at, to),
      () => {
        k.store(at, word);
        at.add(4);
      },
    );
  k.for({ from: begin, to: end }, (unit) => {
    const image = k.local(i32.divU(unit, rows));
    const from = k.local(unit.minus(image.times(rows)).minus(top));
    const last = k.local(at.plus(row));
    k.if(i32.ltU(from, height), () => {
      const source = k.local(x.plus(image.times(height).plus(from).times(line)));
      fill(k.local(at.plus(left)));
      const whole = k.local(i32.and(line, -16));
      k.for({ to: whole, step: 16 }, (done) => k.store(at.plus(done), v128.load(source.plus(done))));
      k.for({ from: whole, to: line, step: 4 }, (done) => k.store(at.plus(done), i32.load(source.plus(done))));
      at.set(at.plus(line));
    });
    fill(last);
  });
});

/** Images of `lanes` bytes a pixel, what stands for 0 in them, and their size with padding. */
export interface PaddedBytes {
  readonly x: Pointer;
  readonly images: number;
  readonly lanes: number;
  readonly zero: number;
  readonly size: readonly [number, number];
  readonly before: readonly [number, number];
  readonly paddedSize: readonly [number, number];
}

/** A copy of images with zero points around them, so that every window is whole. */
export function paddedBytes(
  { x, images, lanes, zero, size, before, paddedSize }: PaddedBytes,
  context: LowerContext,
): { readonly at: Pointer; readonly steps: readonly Step[] } {
  const row = paddedSize[1] * lanes;
  const at = context.scratch((images * paddedSize[0] * row) / 4);
  const args = {
    y: at,
    x,
    height: size[0],
    top: before[0],
    rows: paddedSize[0],
    line: size[1] * lanes,
    left: before[1] * lanes,
    row,
    zero,
  };
  return { at, steps: [step(padBytes, images * paddedSize[0], args)] };
}
