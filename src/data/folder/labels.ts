import { DataError } from "../../core/errors.ts";

/** Compares by code points (UTF-8 bytes sort the same way), so that the order of labels depends on no locale. */
export function compareCodePoints(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = (left[i].codePointAt(0) ?? 0) - (right[i].codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** The label of a folder's name. */
export function labelOfName(name: string): string {
  return name.normalize("NFC");
}

/** What two names have in common that a file system or a reader may take for one: normalised, and folded to one case. */
function foldLabel(name: string): string {
  return labelOfName(name).toUpperCase().toLowerCase().normalize("NFC");
}

/** Sorted labels of sub-folders' names; names that differ only in normalisation or case are refused, since a copy of the folder may merge them. */
export function readLabels(folder: string, names: readonly string[]): string[] {
  const byFold = new Map<string, string>();
  for (const name of names) {
    const other = byFold.get(foldLabel(name));
    if (other !== undefined && other !== name) {
      const how = labelOfName(other) === labelOfName(name) ? "Unicode normalisation" : "upper and lower case";
      throw new DataError(
        `${folder}: found sub-folders ${JSON.stringify(other)} and ${JSON.stringify(name)}, which differ only in ${how}\n` +
          "  needs labels that stay different; merge or rename one of them",
      );
    }
    byFold.set(foldLabel(name), name);
  }
  return [...byFold.values()].map(labelOfName).sort(compareCodePoints);
}
