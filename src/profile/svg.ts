/** What the figures share: elements as text, colours by role, and widths of text without a browser. */
import type { Role } from "./labels.ts";

/** Text as it may stand in an SVG file. */
function escaped(text: string): string {
  return text.replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Colours of a role: inside, outline, and text. */
export interface Tint {
  readonly fill: string;
  readonly stroke: string;
  readonly ink: string;
}

const tint = (fill: string, stroke: string, ink: string): Tint => ({ fill, stroke, ink });

/** One tint for each role, light enough for dark text. */
export const tints: Readonly<Record<Role, Tint>> = {
  dense: tint("#cddfff", "#2f63c9", "#173a7d"),
  pointwise: tint("#e9f1ff", "#7da1de", "#274a86"),
  depthwise: tint("#d2f0e9", "#1f9480", "#0d5a4d"),
  grouped: tint("#e6ddfb", "#7a55cf", "#442a85"),
  channelwise: tint("#fbdcea", "#c54b87", "#7d1f4f"),
  linear: tint("#fde5d5", "#cf7433", "#7b3d12"),
  pool: tint("#f1f3f6", "#8b93a1", "#3d4656"),
  shuffle: tint("#fdf2cc", "#c79a1c", "#6d5309"),
  join: tint("#ffffff", "#3d4656", "#3d4656"),
  norm: tint("#f7f8fa", "#c5cad3", "#5a6373"),
  activation: tint("#f7f8fa", "#c5cad3", "#5a6373"),
  view: tint("#f7f8fa", "#c5cad3", "#5a6373"),
};

/** What the roles are called in a legend. */
export const roleNames: Partial<Record<Role, string>> = {
  dense: "dense convolution",
  pointwise: "1×1 convolution",
  depthwise: "depthwise convolution",
  grouped: "grouped convolution",
  channelwise: "convolution along channels",
  linear: "fully connected",
  pool: "pooling",
  shuffle: "split or shuffle",
};

/** Colours of a figure's text and lines. */
export const paper = { ink: "#1d2433", soft: "#5a6373", faint: "#8b93a1", line: "#3d4656", rule: "#e4e7ec", band: "#f8f9fb" } as const;

const narrow = new Set("fijlrt.,:;|!()[]/ ·-'");
const wide = new Set("mwMW×→⊕⊗%–");

/** Pixels that text takes at a font size, near enough for boxes: no browser is asked. */
export function textWidth(text: string, fontSize: number): number {
  let units = 0;
  for (const character of text) units += narrow.has(character) ? 0.33 : wide.has(character) ? 0.8 : /[A-Z]/.test(character) ? 0.68 : 0.56;
  return units * fontSize;
}

/** How a text is set. */
export interface TextStyle {
  readonly size?: number;
  readonly fill?: string;
  readonly anchor?: "start" | "middle" | "end";
  readonly weight?: number;
}

const round = (n: number): number => Math.round(n * 10) / 10;

/** A text with its baseline at y. */
export function textAt(
  x: number,
  y: number,
  text: string,
  { size = 12, fill = paper.ink, anchor = "start", weight }: TextStyle = {},
): string {
  const more = `${anchor === "start" ? "" : ` text-anchor="${anchor}"`}${weight ? ` font-weight="${weight}"` : ""}`;
  return `<text x="${round(x)}" y="${round(y)}" font-size="${size}" fill="${fill}"${more}>${escaped(text)}</text>`;
}

/** A rectangle with round corners. */
export function box(
  x: number,
  y: number,
  width: number,
  height: number,
  { fill, stroke }: Pick<Tint, "fill" | "stroke">,
  radius = 5,
): string {
  const line = stroke === "none" ? "" : ` stroke="${stroke}"`;
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="${radius}" fill="${fill}"${line}/>`;
}

/** A line from point to point; between points of different height a curve that leaves and arrives level (or upright). */
export function curve(points: readonly (readonly [x: number, y: number])[], { isUpright = false, isArrow = false } = {}): string {
  const [[startX, startY], ...others] = points;
  let [x, y] = [startX, startY];
  let d = `M${round(x)} ${round(y)}`;
  for (const [toX, toY] of others) {
    const isStraight = x === toX || y === toY;
    const [midX, midY] = [(x + toX) / 2, (y + toY) / 2];
    const control = isUpright
      ? `${round(x)} ${round(midY)} ${round(toX)} ${round(midY)}`
      : `${round(midX)} ${round(y)} ${round(midX)} ${round(toY)}`;
    d += isStraight ? `L${round(toX)} ${round(toY)}` : `C${control} ${round(toX)} ${round(toY)}`;
    [x, y] = [toX, toY];
  }
  return `<path d="${d}" fill="none" stroke="${paper.line}" stroke-width="1.2"${isArrow ? ' marker-end="url(#arrow)"' : ""}/>`;
}

/** A whole SVG file on white, readable without other fonts than the system's. */
export function svgFile(width: number, height: number, title: string, body: string): string {
  const [w, h] = [Math.ceil(width), Math.ceil(height)];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" role="img" font-family="system-ui, 'Segoe UI', Helvetica, Arial, sans-serif">
<title>${escaped(title)}</title>
<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 1L7 4L0 7z" fill="${paper.line}"/></marker></defs>
<rect width="100%" height="100%" fill="#fff"/>
${body}
</svg>
`;
}
