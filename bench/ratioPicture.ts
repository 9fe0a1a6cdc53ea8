/** Our time over other engines', a bar for each network and peer, as an SVG file. */
import { box, paper, svgFile, textAt, tints } from "../src/profile/svg.ts";
import type { InferenceRow } from "./inference.ts";
import type { Machine } from "./machine.ts";

const BAR = 15;
const GAP = 14;
const LEFT = 196;
const TOP = 92;
const WIDTH = 920;
/** Bars end here at the latest; longer ratios are cut and say their number. */
const MOST_RATIO = 2;

const colours = [tints.dense, tints.linear, tints.depthwise, tints.grouped];

/** One bar and its words. */
function bar(row: InferenceRow, y: number, across: (ratio: number) => number, tint: (typeof colours)[number]): string {
  const end = across(Math.min(row.ratio, MOST_RATIO));
  const words = `${row.ratio.toFixed(2)}   ${row.oursMs.toFixed(1)} of ${row.peerMs.toFixed(1)} ms`;
  return box(LEFT, y, end - LEFT, BAR, tint, 3) + textAt(end + 7, y + BAR - 4, words, { size: 11, fill: paper.soft });
}

/** The picture of the rows of one run. */
export function ratioPicture(rows: readonly InferenceRow[], { cpu, node }: Machine): string {
  const peers = [...new Set(rows.map(({ peer }) => peer))];
  const networks = [...new Set(rows.map(({ network }) => network))];
  const most = Math.min(MOST_RATIO, Math.max(1, ...rows.map(({ ratio }) => ratio)) * 1.02);
  const across = (ratio: number): number => LEFT + (ratio / most) * (WIDTH - LEFT - 140);
  const parts: string[] = [];
  let y = TOP;
  for (const network of networks) {
    const own = rows.filter((row) => row.network === network);
    const middle = y + (own.length * BAR) / 2;
    parts.push(textAt(LEFT - 12, middle + 4, `${network}, ${own[0].size}²`, { size: 12.5, anchor: "end" }));
    for (const row of own) {
      parts.push(bar(row, y, across, colours[peers.indexOf(row.peer) % colours.length]));
      y += BAR;
    }
    y += GAP;
  }
  const one = across(1);
  const line = `<path d="M${one} ${TOP - 10}V${y}" stroke="${paper.ink}" stroke-dasharray="3 3"/>`;
  const legend = peers.map((peer, i) => {
    const x = LEFT + i * 170;
    return box(x, 54, 12, 12, colours[i % colours.length], 3) + textAt(x + 18, 64, peer, { size: 12 });
  });
  const { precision, threads } = rows[0];
  const title = `Inference, batch 1, ${precision}, ${threads === 1 ? "one thread" : `${threads} threads`}: our time over theirs`;
  const head = textAt(20, 32, title, { size: 17, weight: 600 }) + textAt(one + 6, TOP - 4, "as fast", { size: 11, fill: paper.faint });
  const foot = textAt(20, y + 18, `${cpu}, Node ${node}; shorter is faster; turns interleaved, medians`, { size: 11, fill: paper.faint });
  return svgFile(WIDTH, y + 34, title, [head, ...legend, line, ...parts, foot].join("\n"));
}
