/**
 * Weights in the order in which the kernels read them, filled up with zeros:
 *   panels   [N/8][run rows][run columns][K][8]   for gemm.ts
 *   lanes    [C/4][taps][4], then C zeros         for depthwise.ts, whose windows take pixels outside the image from those zeros
 */
import type { Value } from "../../../ir/graph.ts";
import { type Code, type Expr, f32, f32x4, i32, type Local } from "../assembler.ts";
import { type LowerContext, type Pointer, type Step, step } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { wasmKernel } from "../module.ts";
import { type Groups, PANEL, packedFloats } from "./gemm.ts";

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
} as const;

/** One lane of a panel: where its output's filter begins, and the first channel of the panel's run that belongs to it. */
interface Lane {
  readonly filter: Local<"i32">;
  readonly first: Local<"i32">;
}

/** A channel number that no run reaches: the lane holds no output. */
const NEVER = 0x7fff_ffff;

/** Units are panels. `channels` counts those of one group. */
const packPanels = wasmKernel("pack panels", panelFields, (args, k) => {
  const { y, source, n, rows, columns, channels, run, outStep, rowStep, columnStep, channelStep, begin, end } = args;
  const { groupOutputs, groupStep, lastStart } = args;
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
    const start = k.local(i32.min(i32.divU(panel.times(PANEL), groupOutputs).times(channels), lastStart));
    const lanes = Array.from({ length: PANEL }, (_, lane): Lane => {
      const output = k.local(panel.times(PANEL).plus(lane));
      const group = k.local(i32.divU(output, groupOutputs));
      const first = k.local(group.times(channels).minus(start));
      k.if(i32.ge(output, n), () => {
        first.set(NEVER);
        output.set(0);
      });
      const filter = source.plus(output.times(outStep)).plus(group.times(groupStep)).minus(first.times(channelStep));
      return { filter: k.local(filter), first };
    });
    k.for({ to: rows }, (row) => {
      k.for({ to: columns }, (column) => {
        const tap = k.local(row.times(rowStep).plus(column.times(columnStep)));
        k.for({ to: run }, (channel) => {
          for (const [lane, { filter, first }] of lanes.entries()) {
            const isInside = k.local(i32.ltU(channel.minus(first), channels));
            const from = i32.select(isInside, filter.plus(tap), source);
            k.store(at, f32.select(isInside, f32.load(from), f32.const(0)), lane * 4);
          }
          at.add(4 * PANEL);
          tap.add(channelStep);
        });
      });
    });
  });
});

/** Fills `target` (`packedFloats(n, run · rows · columns)` floats) with panels. */
export function packPanelSteps(target: Pointer, panels: PanelSource): readonly Step[] {
  const { source, n, rows, columns, channels, run, outStep, rowStep, columnStep, channelStep, groups } = panels;
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
  };
  return [step(packPanels, Math.ceil(n / PANEL), args)];
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
export function panelFloats({ n, rows, columns, run }: PanelSource): number {
  return packedFloats(n, rows * columns * run);
}
