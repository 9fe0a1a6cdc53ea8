import type { Palette } from "./colour.ts";
import { clipped, padded, percent, printable, table, widthOf } from "./text.ts";

/** From white over blue to near black: share 0 … 1 of a row. */
function heat(share: number): readonly [number, number, number] {
  const t = Math.sqrt(Math.max(0, Math.min(1, share)));
  return [Math.round(247 - 239 * t), Math.round(251 - 203 * t), Math.round(255 - 148 * t)];
}

const NAME_COLUMNS = 20;
const SHOWN_PAIRS = 12;

/**
 * The confusion matrix as text: rows are truth, columns prediction; each cell's shade is its share of the row. A matrix wider than
 * `columns` is told as its most frequent confusions.
 */
export function confusionText(
  labels: readonly string[],
  confusion: readonly (readonly number[])[],
  palette: Palette,
  columns: number,
): string {
  const cell = Math.max(4, ...confusion.flat().map((count) => String(count).length + 1));
  const names = labels.map((label, i) => `${i} ${printable(label)}`);
  const name = Math.min(NAME_COLUMNS, Math.max(...names.map(widthOf)));
  if (name + 1 + cell * labels.length + RECALL_COLUMNS > columns) return confusedPairs(labels, confusion);
  const head = `${padded("", name)} ${labels.map((_, i) => padded(String(i), cell, true)).join("")}  recall`;
  const rows = confusion.map((row, truth) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    const cells = row.map((count) => {
      const text = padded(count === 0 ? "·" : String(count), cell, true);
      return palette.on(heat(total ? count / total : 0), text);
    });
    const recall = total ? percent(row[truth] / total) : "–";
    return `${padded(clipped(names[truth], name), name)} ${cells.join("")}  ${padded(recall, 7, true)}`;
  });
  return [palette.dim(head), ...rows].join("\n");
}

const RECALL_COLUMNS = 9;

function confusedPairs(labels: readonly string[], confusion: readonly (readonly number[])[]): string {
  const pairs = confusion.flatMap((row, truth) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return row.flatMap((count, predicted) =>
      count > 0 && predicted !== truth ? [{ truth: labels[truth], predicted: labels[predicted], count, total }] : [],
    );
  });
  if (pairs.length === 0) return "no image was taken for another label";
  pairs.sort((a, b) => b.count - a.count || b.count / b.total - a.count / a.total);
  const named = (label: string): string => clipped(printable(label), NAME_COLUMNS);
  const rows = pairs
    .slice(0, SHOWN_PAIRS)
    .map(({ truth, predicted, count, total }) => [named(truth), named(predicted), String(count), percent(count / total)]);
  return table(["most often confused: truth", "taken for", "images", "share"], rows);
}

function escaped(text: string): string {
  return printable(text).replace(/[<>&"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** The confusion matrix as an SVG picture that needs no fonts beyond the system's. */
export function confusionSvg(labels: readonly string[], confusion: readonly (readonly number[])[], title: string): string {
  const cell = 44;
  const longest = Math.max(...labels.map(widthOf));
  const left = 40 + 8 * Math.min(20, longest);
  const top = 60 + 6 * Math.min(20, longest);
  const side = labels.length * cell;
  const squares = confusion.flatMap((row, truth) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return row.map((count, predicted) => {
      const share = total ? count / total : 0;
      const [x, y] = [left + predicted * cell, top + truth * cell];
      const ink = share > 0.3 ? "#fff" : "#123";
      const label = count > 0 ? `<text x="${x + cell / 2}" y="${y + cell / 2 + 4}" text-anchor="middle" fill="${ink}">${count}</text>` : "";
      return `<rect x="${x}" y="${y}" width="${cell - 1}" height="${cell - 1}" rx="3" fill="rgb(${heat(share).join(",")})"/>${label}`;
    });
  });
  const names = labels.map((label, i) => {
    const at = left + i * cell + cell / 2;
    const text = escaped(clipped(label, 20));
    return `<text x="${left - 8}" y="${top + i * cell + cell / 2 + 4}" text-anchor="end">${text}</text><text transform="translate(${at + 4} ${top - 8}) rotate(-50)">${text}</text>`;
  });
  const [width, height] = [left + side + 70, top + side + 24];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="13">
<rect width="100%" height="100%" fill="#fff"/><text x="16" y="24" font-size="15" font-weight="600">${escaped(title)}</text>
<text x="16" y="42" fill="#667">rows: truth · columns: prediction · shade: share of the row</text>
${names.join("\n")}
${squares.join("\n")}
</svg>
`;
}
