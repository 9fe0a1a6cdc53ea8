/** Networks as circles: cost against accuracy or size, area for parameters, as an SVG file. */
import { shortCount } from "./diagram.ts";
import { type Frame, type Labelled, type LabelPlace, placeLabels } from "./placeLabels.ts";
import { paper, svgFile, textAt, textWidth } from "./svg.ts";

/** One circle. */
export interface ScatterPoint {
  readonly label: string;
  /** Circles of one group share a colour. */
  readonly group: string;
  readonly x: number;
  readonly y: number;
  /** Given by the circle's area. */
  readonly params: number;
}

/** What an axis shows: "count" in units with k, M and G, "ms", or "percent" of 1. */
export interface Axis {
  readonly title: string;
  readonly kind: "count" | "ms" | "percent";
}

/** A scatter's axes and words. */
export interface ScatterOptions {
  readonly title: string;
  readonly subtitle?: string;
  readonly x: Axis;
  readonly y: Axis;
}

const palette = [
  "#2f63c9",
  "#cf7433",
  "#1f9480",
  "#c54b87",
  "#7a55cf",
  "#8a6d12",
  "#c0392b",
  "#3d4656",
  "#4a8f29",
  "#2c8fb5",
  "#a0522d",
  "#6b7a99",
  "#b8860b",
  "#5b8c85",
  "#8e44ad",
  "#d35d6e",
  "#2e8b57",
];
/** Many points get a larger picture, so that their labels find room. */
const MANY = 24;

function frameFor(points: number): Frame {
  const [width, height] = points > MANY ? [1240, 860] : [960, 620];
  return { left: 84, top: 100, right: width - 28, bottom: height - 66 };
}

const MOST_RADIUS = 26;

interface Scale {
  readonly ticks: readonly number[];
  at(value: number): number;
}

/** Above a tenfold range of costs, each step is a factor. */
const LOG_FROM = 10;

function scaleFor(values: readonly number[], { kind }: Axis, from: number, to: number): Scale {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return kind !== "percent" && least > 0 && most / least > LOG_FROM
    ? logarithmic(least, most, from, to)
    : linear(least, most, kind, from, to);
}

function logarithmic(least: number, most: number, from: number, to: number): Scale {
  const [low, high] = [Math.log10(least / 1.5), Math.log10(most * 1.5)];
  const ticks: number[] = [];
  const steps = high - low > 4 ? [1] : high - low > 2 ? [1, 3] : [1, 2, 5];
  for (let power = Math.floor(low); power <= high; power++)
    for (const step of steps) {
      const tick = step * 10 ** power;
      if (Math.log10(tick) >= low && Math.log10(tick) <= high) ticks.push(tick);
    }
  return { ticks, at: (value) => from + ((Math.log10(value) - low) / (high - low)) * (to - from) };
}

function linear(least: number, most: number, kind: Axis["kind"], from: number, to: number): Scale {
  const room = Math.max((most - least) * 0.12, most * 0.005, 1e-9);
  const low = kind === "percent" ? least - room : Math.max(0, least - room);
  const high = kind === "percent" ? Math.min(1, most + room) : most + room;
  const raw = (high - low) / 6;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw) as number;
  const ticks = Array.from({ length: Math.floor(high / step) - Math.ceil(low / step) + 1 }, (_, i) => (Math.ceil(low / step) + i) * step);
  return { ticks, at: (value) => from + ((value - low) / (high - low)) * (to - from) };
}

function tickText(value: number, kind: Axis["kind"]): string {
  if (kind === "percent") return `${Number((100 * value).toFixed(2))} %`;
  if (kind === "ms") return `${Number(value.toPrecision(3))}`;
  return shortCount(value).replace(/\.0+ /, " ");
}

function grid(scale: Scale, { title, kind }: Axis, frame: Frame, isAcross: boolean): string {
  const lines = scale.ticks.map((tick) => {
    const at = scale.at(tick);
    const label = tickText(tick, kind);
    if (isAcross)
      return `<path d="M${at} ${frame.top}V${frame.bottom}" stroke="${paper.rule}"/>${textAt(at, frame.bottom + 20, label, { size: 11, fill: paper.soft, anchor: "middle" })}`;
    return `<path d="M${frame.left} ${at}H${frame.right}" stroke="${paper.rule}"/>${textAt(frame.left - 10, at + 4, label, { size: 11, fill: paper.soft, anchor: "end" })}`;
  });
  const name = isAcross
    ? textAt((frame.left + frame.right) / 2, frame.bottom + 46, title, { size: 12.5, anchor: "middle" })
    : textAt(frame.left - 62, frame.top - 14, title, { size: 12.5 });
  return lines.join("") + name;
}

/** The best for their cost: nothing that costs as little is better. */
function frontier(points: readonly ScatterPoint[]): readonly ScatterPoint[] {
  const best: ScatterPoint[] = [];
  for (const point of [...points].sort((a, b) => a.x - b.x || b.y - a.y)) {
    if (best.every(({ y }) => y < point.y)) best.push(point);
  }
  return best;
}

/** All circles, and over them all labels. */
function drawnPoints(points: readonly ScatterPoint[], at: (point: ScatterPoint) => Labelled, places: readonly LabelPlace[]): string {
  const groups = [...new Set(points.map(({ group }) => group))];
  const drawn = points.map((point, i) => {
    const { x, y, radius } = at(point);
    const colour = palette[groups.indexOf(point.group) % palette.length];
    const middle = `cx="${x.toFixed(1)}" cy="${y.toFixed(1)}"`;
    const circle = `<circle ${middle} r="${radius.toFixed(1)}" fill="${colour}" fill-opacity="0.25" stroke="${colour}" stroke-width="1.3"/>`;
    return {
      circle: `${circle}<circle ${middle} r="1.6" fill="${colour}"/>`,
      label: drawnLabel(point.label, at(point), places[i], colour),
    };
  });
  return [...drawn.map(({ circle }) => circle), ...drawn.map(({ label }) => label)].join("\n");
}

function drawnLabel(text: string, { x, y, radius, width, height }: Labelled, place: LabelPlace, colour: string): string {
  const words = textAt(place.x, place.y + 4, text, { size: 11.5, fill: colour, anchor: "middle", weight: 500 });
  const halo = `<g paint-order="stroke" stroke="#fff" stroke-width="3" stroke-linejoin="round">${words}</g>`;
  if (!place.isFar) return halo;
  const length = Math.hypot(place.x - x, place.y - y) || 1;
  const [across, down] = [(place.x - x) / length, (place.y - y) / length];
  // The line ends where it meets the label's box.
  const inside = Math.min(width / 2 / Math.max(Math.abs(across), 1e-6), height / 2 / Math.max(Math.abs(down), 1e-6)) + 1;
  const [endX, endY] = [place.x - across * inside, place.y - down * inside];
  const start = `${(x + across * radius).toFixed(1)} ${(y + down * radius).toFixed(1)}`;
  return `<path d="M${start}L${endX.toFixed(1)} ${endY.toFixed(1)}" stroke="${colour}" stroke-opacity="0.5"/>${halo}`;
}

/** The scatter of some points; where y is an accuracy, a line joins those that nothing cheaper beats. */
export function scatterPlot(points: readonly ScatterPoint[], { title, subtitle = "", x, y }: ScatterOptions): string {
  const frame = frameFor(points.length);
  const across = scaleFor(
    points.map((point) => point.x),
    x,
    frame.left + 20,
    frame.right - 20,
  );
  const up = scaleFor(
    points.map((point) => point.y),
    y,
    frame.bottom - 16,
    frame.top + 16,
  );
  const most = Math.max(...points.map(({ params }) => params));
  const at = (point: ScatterPoint): Labelled => ({
    x: across.at(point.x),
    y: up.at(point.y),
    radius: Math.max(4, MOST_RADIUS * Math.sqrt(point.params / most)),
    width: 1.14 * textWidth(point.label, 11.5),
    height: 13,
  });
  const places = placeLabels(points.map(at), frame);
  const line = frontier(points).map((point) => `${across.at(point.x).toFixed(1)} ${up.at(point.y).toFixed(1)}`);
  const best =
    y.kind === "percent" && line.length > 1
      ? `<path d="M${line.join("L")}" fill="none" stroke="${paper.faint}" stroke-dasharray="3 4"/>`
      : "";
  const area = `area: parameters, the largest ${shortCount(most)}${best === "" ? "" : "; dashed: nothing as cheap is better"}`;
  const body = [
    textAt(24, 34, title, { size: 20, weight: 650 }),
    textAt(24, 54, subtitle, { size: 12, fill: paper.soft }),
    grid(across, x, frame, true),
    grid(up, y, frame, false),
    best,
    drawnPoints(points, at, places),
    textAt(frame.right, frame.top - 14, area, { size: 10.5, fill: paper.faint, anchor: "end" }),
  ];
  return svgFile(frame.right + 28, frame.bottom + 66, title, body.join("\n"));
}
