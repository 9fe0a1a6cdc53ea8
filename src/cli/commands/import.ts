import { resolve } from "node:path";
import { FormatError, OptionError, saveModel } from "../../index.ts";
import { atomicWrite } from "../../node.ts";
import type { Context } from "../context.ts";
import { type Importer, importers } from "../importers/index.ts";
import { type RawOptions, textOption } from "../options.ts";
import { grouped, printable } from "../terminal/text.ts";

/** `goldcrest import PATH`: a model file of what others have written. */
export async function importCommand(path: string, raw: RawOptions, context: Context): Promise<void> {
  const { importer, place } = await findImporter(path);
  const out = textOption(raw, "out") ?? besideOf(place);
  if (resolve(out) === resolve(path)) throw new OptionError(`--out is ${JSON.stringify(out)}, the file itself; give another one`);
  const { model, proof, lines = [], facts, notes = [] } = await importer.read(place, raw, context);
  if (!context.isJson && lines.length > 0) context.print(lines.join("\n"));
  if (!model) {
    if (context.isJson) context.print(JSON.stringify({ model: null, ...facts }));
    throw new FormatError(proof);
  }
  const bytes = await saveModel(model);
  await atomicWrite(out, bytes);
  for (const note of notes) context.note(printable(note));
  const { network, labels, preprocessing } = model;
  if (context.isJson) {
    context.print(JSON.stringify({ model: out, network, labels: labels.length, preprocessing, bytes: bytes.length, ...facts }));
    return;
  }
  context.print(
    `${context.out.good("✓")} ${printable(out)} (${grouped(bytes.length)} bytes): ${printable(network)}, ${labels.length} labels\n  ${printable(proof)}`,
  );
}

/** The model file beside what is read, with its name; where that is a .safetensors itself, with one word more. */
function besideOf(place: string): string {
  const name = resolve(place).replace(/\.(safetensors|onnx|pth|pt|bin|npz)$/, "");
  return /\.safetensors$/.test(place) ? `${name}.goldcrest.safetensors` : `${name}.safetensors`;
}

async function findImporter(path: string): Promise<{ readonly importer: Importer; readonly place: string }> {
  for (const importer of importers) {
    const place = await importer.find(path);
    if (place !== undefined) return { importer, place };
  }
  throw new FormatError(`${path}: nothing that goldcrest import reads; it reads\n${importers.map(({ what }) => `  ${what}`).join("\n")}`);
}
