/** Columns that a terminal gives a string: colour codes none, wide (East Asian) characters and emoji two, combining marks none. */
export function widthOf(text: string): number {
  let width = 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes begin with the escape character
  for (const character of text.replace(/\u001b\[[0-9;]*m/g, "")) {
    if (/\p{Mark}|\p{Format}/u.test(character)) continue;
    width += isWide(character.codePointAt(0) ?? 0) ? 2 : 1;
  }
  return width;
}

function isWide(code: number): boolean {
  return (
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0x1f300 && code <= 0x1faff)
  );
}

/** Text from outside (labels, file names) without control characters, so that it cannot steer the terminal. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this removes
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "�");
}

/** Cut to a width, with an ellipsis where something is missing. */
export function clipped(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = "";
  for (const character of text) {
    if (widthOf(kept + character) > width - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

/** Padded to a width; numbers go to the right. */
export function padded(text: string, width: number, isRight = false): string {
  const space = " ".repeat(Math.max(0, width - widthOf(text)));
  return isRight ? space + text : text + space;
}

/** Rows under a head, columns aligned: those that hold only numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => widthOf(row[column] ?? ""))));
  const isNumeric = head.map(
    (_, column) =>
      rows.length > 0 && rows.every((row) => /^[-+–]?[\d,.]*\s?[%A-Za-zµ×]*$/.test(row[column] ?? "") && /\d|–|^$/.test(row[column] ?? "")),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => padded(cell, widths[column], isNumeric[column]))
      .join("  ")
      .trimEnd();
  return [line(head), widths.map((width) => "─".repeat(width)).join("  "), ...rows.map(line)].join("\n");
}

const units = [
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
] as const;

/** 3,504,872 → 3.50 M. */
export function short(count: number): string {
  for (const [size, name] of units) if (count >= size) return `${(count / size).toPrecision(3)} ${name}`;
  return String(Math.round(count * 100) / 100);
}

/** 3504872 → 3,504,872, the same in every locale. */
export function grouped(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** 412.3 → 412 µJ, 1412 → 1.41 mJ. */
export function energy(microjoules: number): string {
  if (microjoules === 0) return "0 µJ";
  return microjoules < 999.5 ? `${microjoules.toPrecision(3)} µJ` : `${(microjoules / 1000).toPrecision(3)} mJ`;
}

/** 0.8725 → 87.25 %. */
export function percent(share: number, digits = 1): string {
  return `${(share * 100).toFixed(digits)} %`;
}

/** Seconds as 45 s, 3 min 05 s, 2 h 10 min. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}
