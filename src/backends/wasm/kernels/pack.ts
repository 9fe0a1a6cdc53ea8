/**
 * Weights in the order in which the kernels read them, filled up with zeros:
 *   panels   [N/8][run rows][run columns][K][8]   for gemm.ts
 *   lanes    [C/4][taps][4], then C zeros         for depthwise.ts, whose windows take pixels outside the image from those zeros
 */
import type { Value } from "../../../ir/graph.ts";
import { type Code, type Expr, f32, f32x4, i32, type Local, lanes32, type V128, v128 } from "../assembler.ts";
import { type LowerContext, type Pointer, type Step, step } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { type Arguments, wasmKernel } from "../module.ts";
import { formOf, type Groups, PANEL, panelCount } from "./groups.ts";
import { isTurned } from "./narrowGroups.ts";

/** Where B[(row, column, channel)][output] lies: at source + output · outStep + row · rowStep + column · columnStep + channel · channelStep (floats). */
export interface PanelSource {
  readonly source: Pointer;
  readonly n: number;
  readonly rows: number;
  readonly columns: number;
  /** Channels that exist; a run has `run` of them, the rest zeros. Steps may be negative. */
  readonly channels: number;
  readonly run: number;
  readonly outStep: number;
  readonly rowStep: number;
  readonly columnStep: number;
  readonly channelStep: number;
  readonly groups?: Groups;
  /** Added to the place of an output's filter for each group before its own; 0 where outputs lie evenly. */
  readonly groupStep?: number;
}

const panelFields = {
  y: "i32",
  source: "i32",
  n: "i32",
  rows: "i32",
  columns: "i32",
  channels: "i32",
  run: "i32",
  outStep: "i32",
  rowStep: "i32",
  columnStep: "i32",
  channelStep: "i32",
  groupOutputs: "i32",
  groupStep: "i32",
  lastStart: "i32",
  groupPanels: "i32",
  lastFirst: "i32",
  isNarrow: "i32",
  isTurned: "i32",
} as const;

/** One lane of a panel: where its output's filter begins, the first channel of the panel's run that belongs to it, and the one it begins with. */
interface Lane {
  readonly filter: Local<"i32">;
  readonly first: Local<"i32">;
  readonly turn: Local<"i32">;
}

/** A channel number that no run reaches: the lane holds no output. */
const NEVER = 0x7fff_ffff;

/** A run of a whole panel: where it goes, where its tap lies from each lane's filter, and the channels already packed. */
interface Runs {
  readonly at: Local<"i32">;
  readonly tap: Local<"i32">;
  readonly lanes: readonly Lane[];
  readonly channels: Local<"i32">;
  readonly channelStep: Local<"i32">;
  readonly done: Local<"i32">;
}

/** Outputs lie side by side: a channel's eight weights are two vectors. */
function copyRuns(k: Code, { at, tap, lanes, channels, channelStep, done }: Runs): void {
  k.for({ to: channels }, () => {
    const from = k.local(lanes[0].filter.plus(tap));
    k.store(at, v128.load(from));
    k.store(at, v128.load(from, 16), 16);
    at.add(4 * PANEL);
    tap.add(channelStep);
  });
  done.set(channels);
}

/** Rows and columns of a 4 × 4 block change places. */
function transposed(k: Code, rows: readonly V128[]): V128[] {
  const [a, b, c, d] = rows.map((row) => k.local(row));
  const pair = (x: V128, y: V128, half: 0 | 2): V128 => k.local(v128.shuffle(x, y, lanes32(half, half + 4, half + 1, half + 5)));
  return ([0, 2] as const).flatMap((half) => {
    const [low, high] = [pair(a, b, half), pair(c, d, half)];
    return [v128.shuffle(low, high, lanes32(0, 1, 4, 5)), v128.shuffle(low, high, lanes32(2, 3, 6, 7))];
  });
}

/** Channels lie side by side: four of them of eight outputs are two 4 × 4 blocks. */
function transposeRuns(k: Code, { at, tap, lanes, channels, done }: Runs): void {
  done.set(i32.and(channels, -4));
  k.for({ to: done, step: 4 }, () => {
    for (const half of [0, 4]) {
      const rows = lanes.slice(half, half + 4).map(({ filter }) => v128.load(filter.plus(tap)));
      for (const [i, column] of transposed(k, rows).entries()) k.store(at, column, i * 4 * PANEL + half * 4);
    }
    at.add(16 * PANEL);
    tap.add(16);
  });
}

/** The lanes of a panel (groups.ts tells which outputs they are). */
function lanesOf(k: Code, args: Arguments<typeof panelFields>, panel: Local<"i32">): readonly Lane[] {
  const { source, n, channels, outStep, channelStep, groupOutputs, groupStep, lastStart, groupPanels, lastFirst, isNarrow, isTurned } =
    args;
  const before = k.local(i32.divU(panel, groupPanels));
  const within = i32.min(panel.minus(before.times(groupPanels)).times(PANEL), lastFirst);
  const firstOutput = k.local(before.times(groupOutputs).plus(within));
  const start = k.local(i32.min(i32.divU(firstOutput, groupOutputs).times(channels), lastStart));
  return Array.from({ length: PANEL }, (_, lane): Lane => {
    const output = k.local(firstOutput.plus(lane));
    const group = k.local(i32.divU(output, groupOutputs));
    const first = k.local(i32.select(isNarrow, 0, group.times(channels).minus(start)));
    const turn = i32.select(isTurned, output.minus(group.times(groupOutputs)), 0);
    k.if(i32.ge(output, n), () => {
      first.set(NEVER);
      output.set(0);
    });
    const filter = source.plus(output.times(outStep)).plus(group.times(groupStep)).minus(first.times(channelStep));
    return { filter: k.local(filter), first, turn: k.local(turn) };
  });
}

/** Units are panels. `channels` counts those of one group. */
const packPanels = wasmKernel("pack panels", panelFields, (args, k) => {
  const { y, source, n, rows, columns, channels, run, outStep, rowStep, columnStep, channelStep, groupOutputs, begin, end } = args;
  const at = k.local(
    y.plus(
      begin
        .times(rows)
        .times(columns)
        .times(run)
        .times(4 * PANEL),
    ),
  );
  k.for({ from: begin, to: end }, (panel) => {
    const lanes = lanesOf(k, args, panel);
    const isPlain = k.local(i32.and(i32.eq(groupOutputs, NEVER), i32.le(panel.plus(1).times(PANEL), n)));
    k.for({ to: rows }, (row) => {
      k.for({ to: columns }, (column) => {
        const tap = k.local(row.times(rowStep).plus(column.times(columnStep)));
        const done = k.local(i32.const(0));
        // One input has both steps at once: a run is packed by one of the two.
        k.if(
          i32.and(isPlain, i32.eq(outStep, 4)),
          () => copyRuns(k, { at, tap, lanes, channels, channelStep, done }),
          () => k.if(i32.and(isPlain, i32.eq(channelStep, 4)), () => transposeRuns(k, { at, tap, lanes, channels, channelStep, done })),
        );
        k.for({ from: done, to: run }, (channel) => {
          for (const [lane, { filter, first, turn }] of lanes.entries()) {
            const isInside = k.local(i32.ltU(channel.minus(first), channels));
            const turned = i32.select(i32.lt(channel.plus(turn), channels), turn, turn.minus(channels)).times(channelStep);
            const from = i32.select(isInside, filter.plus(tap).plus(i32.select(turn, turned, 0)), source);
            k.store(at, f32.select(isInside, f32.load(from), f32.const(0)), lane * 4);
          }
          at.add(4 * PANEL);
          tap.add(channelStep);
        });
      });
    });
  });
});

/** Fills `target` (`panelFloats` floats) with panels. */
export function packPanelSteps(target: Pointer, panels: PanelSource): readonly Step[] {
  const { source, n, rows, columns, channels, run, outStep, rowStep, columnStep, channelStep, groups } = panels;
  const form = groups && formOf(groups);
  const args = {
    y: target,
    source,
    n,
    rows,
    columns,
    channels: groups?.inputs ?? channels,
    run,
    outStep: outStep * 4,
    rowStep: rowStep * 4,
    columnStep: columnStep * 4,
    channelStep: channelStep * 4,
    groupOutputs: groups?.outputs ?? NEVER,
    groupStep: (panels.groupStep ?? 0) * 4,
    lastStart: groups ? groups.channels - run : 0,
    groupPanels: groups && form === "aligned" ? Math.ceil(groups.outputs / PANEL) : NEVER,
    lastFirst: groups && form === "aligned" ? groups.outputs - PANEL : NEVER,
    isNarrow: form === "narrow" ? 1 : 0,
    isTurned: groups && form === "narrow" && isTurned(groups) ? 1 : 0,
  };
  return [step(packPanels, panelCount(n, groups), args)];
}

const laneFields = { y: "i32", source: "i32", channels: "i32", taps: "i32", channelStep: "i32", tapStep: "i32" } as const;

/** Units are blocks of four channels, and as many again that write four zeros each. */
const packLanes = wasmKernel("pack lanes", laneFields, ({ y, source, channels, taps, channelStep, tapStep, begin, end }, k) => {
  const blocks = k.local(i32.shr(channels.plus(3), 2));
  const zeros = k.local(y.plus(blocks.times(taps).times(16)));
  k.for({ from: begin, to: end }, (unit) => {
    k.if(
      i32.ge(unit, blocks),
      () => k.store(zeros.plus(unit.minus(blocks).times(16)), f32x4.const(0)),
      () => packBlock(k, { to: y.plus(unit.times(taps).times(16)), source, channel: unit.times(4), channels, taps, channelStep, tapStep }),
    );
  });
});

interface Block {
  readonly to: Expr<"i32">;
  readonly source: Local<"i32">;
  readonly channel: Expr<"i32">;
  readonly channels: Local<"i32">;
  readonly taps: Local<"i32">;
  readonly channelStep: Local<"i32">;
  readonly tapStep: Local<"i32">;
}

function packBlock(k: Code, { to, source, channel, channels, taps, channelStep, tapStep }: Block): void {
  const at = k.local(to);
  k.for({ to: taps }, (tap) => {
    for (let lane = 0; lane < 4; lane++) {
      const isInside = k.local(i32.lt(channel.plus(lane), channels));
      const from = source.plus(channel.plus(lane).times(channelStep)).plus(tap.times(tapStep));
      k.store(at, f32.select(isInside, f32.load(i32.select(isInside, from, source)), f32.const(0)), lane * 4);
    }
    at.add(16);
  });
}

/** Floats of lane-packed weights for `channels` channels, their zeros included. */
export function laneFloats(channels: number, taps: number): number {
  return pad4(channels) * (taps + 1);
}

/** Fills `target` (`laneFloats` floats); tap t of channel c lies at source + c · channelStep + t · tapStep. */
export function packLaneSteps(
  target: Pointer,
  source: Pointer,
  channels: number,
  taps: number,
  channelStep: number,
  tapStep: number,
): readonly Step[] {
  const args = { y: target, source, channels, taps, channelStep: channelStep * 4, tapStep: tapStep * 4 };
  return [step(packLanes, pad4(channels) / 2, args)];
}

/** Packed weights where a node reads them, and the steps that must come before the node's own. */
export interface Packed {
  readonly at: Pointer;
  readonly steps: readonly Step[];
}

/** Packs a stored value once and keeps it; a value that the graph computes is packed in every run. */
export function packed(
  context: LowerContext,
  key: string,
  source: Value,
  floats: number,
  pack: (target: Pointer) => readonly Step[],
): Packed {
  if (source.kind !== "computed") return { at: context.prepared(key, source, floats, pack), steps: [] };
  const at = context.scratch(floats);
  return { at, steps: pack(at) };
}

/** Floats of a convolution's panels. */
export function panelFloats({ n, rows, columns, run, groups }: PanelSource): number {
  return panelCount(n, groups) * PANEL * rows * columns * run;
}
