/** Names of classes: ImageNet's, and lists in files. */
import { readFile } from "node:fs/promises";
import { DataError } from "../../core/errors.ts";
import { readFileBytes } from "../imageFile.node.ts";

const IMAGENET = new URL("./imagenet-1k.txt", import.meta.url);
const MOST_BYTES = 1 << 24;

/** The 1000 names of ImageNet in the order of its classes. */
export async function imagenetLabels(): Promise<readonly string[]> {
  return (await readFile(IMAGENET, "utf8")).trimEnd().split("\n");
}

/** The labels in a file: a JSON list of texts, or one label a line, in the order of the logits. */
export async function readLabels(path: string): Promise<readonly string[]> {
  const bytes = await readFileBytes(path);
  if (bytes.length > MOST_BYTES) throw new DataError(`${path}: ${bytes.length} bytes of labels, at most ${MOST_BYTES} are accepted`);
  const text = new TextDecoder().decode(bytes).trim();
  const labels = text.startsWith("[") ? parseList(text, path) : text.split(/\r?\n/).map((line) => line.trim());
  const places = new Map<string, number>();
  for (const [i, label] of labels.entries()) {
    if (label === "") throw new DataError(`${path}: label ${i + 1} is empty`);
    const before = places.get(label.normalize("NFC"));
    if (before !== undefined)
      throw new DataError(`${path}: the label ${JSON.stringify(label)} is given twice, as ${before + 1} and ${i + 1}`);
    places.set(label.normalize("NFC"), i);
  }
  return labels;
}

function parseList(text: string, path: string): readonly string[] {
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list) && list.length > 0 && list.every((label) => typeof label === "string")) return list;
  } catch (cause) {
    throw new DataError(`${path}: not valid JSON; it needs a list of texts, or one label a line`, { cause });
  }
  throw new DataError(`${path}: needs a JSON list of at least one text`);
}
