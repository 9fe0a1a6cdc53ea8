/** The three steps of Winograd's convolution beside its product; winograd.ts tells the idea and where everything lies. */
import { type Code, type Expr, f32, f32x4, i32, type Local, type V128, v128 } from "../assembler.ts";
import type { Epilogue } from "../epilogue.ts";
import { type Arguments, type Fields, type KernelSource, wasmKernel } from "../module.ts";
import { PANEL } from "./groups.ts";
import {
  beginTransform,
  constantsOf,
  type Line,
  type Scheme,
  transformInput,
  transformOutput,
  transformWeight,
} from "./winogradTransforms.ts";

const indices = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** The second half of a transform: across the lines that were transformed first. Values lie `matrix` bytes apart. */
function storeLines(k: Code, transform: Line, lines: readonly (readonly V128[])[], to: Expr<"i32">, matrix: Local<"i32">): void {
  const target = k.local(to);
  for (const i of indices(lines[0].length)) {
    for (const value of transform(lines.map((line) => line[i]))) {
      k.store(target, value);
      target.add(matrix);
    }
  }
}

const weightFields = { u: "i32", source: "i32", outputs: "i32", channels: "i32", run: "i32", matrix: "i32" } as const;

/** U from weights [outputs][3][3][channels]; units are panels of eight outputs, `matrix` bytes lie between two of the n². */
export function weightKernel(scheme: Scheme): KernelSource {
  const fields = { ...weightFields, ...constantsOf(scheme, transformWeight).fields };
  return wasmKernel<Fields>(`winograd${scheme.outputs} weight`, fields, (all, k) => {
    const { u, source, outputs, channels, run, matrix, begin, end } = all as Arguments<typeof weightFields>;
    const transform = beginTransform(k, scheme, transformWeight, all);
    const at = k.local(u.plus(begin.times(run).times(4 * PANEL)));
    const filterRun = k.local(channels.times(4));
    k.for({ from: begin, to: end }, (panel) => {
      const lanes = indices(PANEL).map((lane) => {
        const output = k.local(panel.times(PANEL).plus(lane));
        const isInside = k.local(i32.lt(output, outputs));
        return { isInside, filter: k.local(source.plus(i32.select(isInside, output, 0).times(filterRun).times(9))) };
      });
      k.for({ to: run }, (channel) => {
        for (const half of [0, 4]) {
          const tap = (row: number, column: number): V128 => {
            const offset = filterRun.times(3 * row + column);
            return lanes.slice(half, half + 4).reduce<V128>((vector, { filter, isInside }, lane) => {
              const isThere = i32.and(isInside, i32.lt(channel, channels));
              return f32x4.replace(vector, lane, f32.select(isThere, f32.load(filter.plus(offset)), f32.const(0)));
            }, f32x4.const(0));
          };
          const columns = indices(3).map((column) => transform(indices(3).map((row) => k.local(tap(row, column)))));
          storeLines(k, transform, columns, at.plus(half * 4), matrix);
        }
        at.add(4 * PANEL);
        for (const { filter } of lanes) filter.add(4);
      });
    });
  });
}

const tileFields = { first: "i32", tileRows: "i32", tileColumns: "i32" } as const;

/** Image, row and column of a tile; units are the tiles of a block, of which `first` is the first one's number. */
function tileOf(
  k: Code,
  { first, tileRows, tileColumns }: Arguments<typeof tileFields>,
  unit: Local<"i32">,
): Record<"image" | "row" | "column", Local<"i32">> {
  const index = k.local(unit.plus(first));
  const line = k.local(i32.divU(index, tileColumns));
  const image = k.local(i32.divU(line, tileRows));
  return { image, row: k.local(line.minus(image.times(tileRows))), column: k.local(index.minus(line.times(tileColumns))) };
}

const inputFields = {
  ...tileFields,
  v: "i32",
  x: "i32",
  matrix: "i32",
  lda: "i32",
  height: "i32",
  width: "i32",
  top: "i32",
  left: "i32",
  pixel: "i32",
} as const;

/** A tile's first pixel, perhaps outside the image. */
type Corner = Record<"row" | "column", Local<"i32">>;

/** Copies the part of a tile that lies in the image, and zeros for the rest, pixel by pixel to where the tile's n² values of four channels will lie. */
function copyTile(
  k: Code,
  inputs: number,
  args: Arguments<typeof inputFields>,
  from: Local<"i32">,
  corner: Corner,
  to: Local<"i32">,
): void {
  const { matrix, height, width, pixel } = args;
  const target = k.local(to);
  k.for({ to: inputs }, (i) => {
    const source = k.local(from.plus(i.times(width).times(pixel)));
    k.for({ to: inputs }, (j) => {
      const isInside = i32.and(i32.ltU(corner.row.plus(i), height), i32.ltU(corner.column.plus(j), width));
      k.if(
        isInside,
        () => k.for({ to: pixel, step: 16 }, (at) => k.store(target.plus(at), v128.load(source.plus(at)))),
        () => k.for({ to: pixel, step: 16 }, (at) => k.store(target.plus(at), f32x4.const(0))),
      );
      source.add(pixel);
      target.add(matrix);
    });
  });
}

/** V from the image. A tile that reaches beyond the image is first copied to its place in V; values replace pixels four channels at a time. */
export function inputKernel(scheme: Scheme): KernelSource {
  const { inputs, outputs } = scheme;
  const fields = { ...inputFields, ...constantsOf(scheme, transformInput).fields };
  return wasmKernel<Fields>(`winograd${outputs} input`, fields, (all, k) => {
    const args = all as Arguments<typeof inputFields>;
    const { matrix, height, width, pixel } = args;
    const transform = beginTransform(k, scheme, transformInput, all);
    const [rowStep, columnStep, from] = [k.variable("i32"), k.variable("i32"), k.variable("i32")];
    k.for({ from: args.begin, to: args.end }, (unit) => {
      const tile = tileOf(k, args, unit);
      const row = k.local(tile.row.times(outputs).minus(args.top));
      const column = k.local(tile.column.times(outputs).minus(args.left));
      const to = k.local(args.v.plus(unit.times(args.lda)));
      from.set(args.x.plus(tile.image.times(height).plus(row).times(width).plus(column).times(pixel)));
      columnStep.set(pixel);
      rowStep.set(width.times(pixel));
      const isRows = i32.and(i32.ge(row, 0), i32.le(row.plus(inputs), height));
      const isColumns = i32.and(i32.ge(column, 0), i32.le(column.plus(inputs), width));
      k.if(i32.eqz(i32.and(isRows, isColumns)), () => {
        copyTile(k, inputs, args, from, { row, column }, to);
        from.set(to);
        columnStep.set(matrix);
        rowStep.set(matrix.times(inputs));
      });
      const rows = indices(inputs).map((i) => k.local(from.plus(rowStep.times(i))));
      const columns = indices(inputs).map((j) => k.local(columnStep.times(j)));
      k.for({ to: pixel, step: 16 }, () => {
        const lines = columns.map((offset) => transform(rows.map((start) => k.local(v128.load(start.plus(offset))))));
        storeLines(k, transform, lines, to, matrix);
        for (const start of rows) start.add(16);
        to.add(16);
      });
    });
  });
}

const outputFields = {
  ...tileFields,
  y: "i32",
  m: "i32",
  matrix: "i32",
  ldm: "i32",
  height: "i32",
  width: "i32",
  pixel: "i32",
} as const;

/** The result from M. Pixels beyond the result are written where the last ones inside lie, before those. */
export function outputKernel(scheme: Scheme, hasBias: boolean, epilogue: Epilogue): KernelSource {
  const { inputs, outputs } = scheme;
  const biasFields: Fields = hasBias ? { bias: "i32" } : {};
  const fields = { ...outputFields, ...constantsOf(scheme, transformOutput).fields, ...biasFields, ...epilogue.fields };
  return wasmKernel<Fields>(`winograd${outputs} output${hasBias ? " bias" : ""}${epilogue.key}`, fields, (all, k) => {
    const args = all as Arguments<typeof outputFields & { readonly bias: "i32" }>;
    const { y, m, matrix, ldm, height, width, pixel, begin, end } = args;
    const transform = beginTransform(k, scheme, transformOutput, all);
    const finish = epilogue.begin(k, all as Arguments<Record<string, "i32">>);
    k.for({ from: begin, to: end }, (unit) => {
      const tile = tileOf(k, args, unit);
      const from = k.local(m.plus(unit.times(ldm)));
      const top = k.local(tile.image.times(height));
      const rows = indices(outputs).map((i) => {
        const row = top.plus(i32.min(tile.row.times(outputs).plus(i), height.minus(1)));
        return k.local(row.times(width).times(pixel));
      });
      const columns = indices(outputs).map((j) => k.local(i32.min(tile.column.times(outputs).plus(j), width.minus(1)).times(pixel)));
      k.for({ to: pixel, step: 16 }, (channel) => {
        const source = k.local(from);
        const lines = indices(inputs).map(() => {
          const products = indices(inputs).map(() => {
            const product = k.local(v128.load(source));
            source.add(matrix);
            return product;
          });
          return transform(products);
        });
        const start = hasBias ? k.local(v128.load(args.bias.plus(channel))) : undefined;
        for (const j of indices(outputs).reverse()) {
          for (const [i, value] of [...transform(lines.map((line) => line[j])).entries()].reverse()) {
            const at = k.local(rows[i].plus(columns[j]).plus(channel));
            k.store(y.plus(at), finish(start ? f32x4.add(value, start) : value, at));
          }
        }
        from.add(16);
      });
    });
  });
}
