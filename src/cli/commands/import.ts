import { resolve } from "node:path";
import { FormatError, saveModel } from "../../index.ts";
import { atomicWrite } from "../../node.ts";
import type { Context } from "../context.ts";
import { type Importer, importers } from "../importers.ts";
import { type RawOptions, textOption } from "../options.ts";
import { grouped, printable } from "../terminal/text.ts";

/** `goldcrest import PATH`: a model file of what others have written. */
export async function importCommand(path: string, raw: RawOptions, context: Context): Promise<void> {
  const { importer, place } = await findImporter(path);
  const out = textOption(raw, "out") ?? `${resolve(place).replace(/\.(safetensors|onnx)$/, "")}.safetensors`;
  const { model, proof, facts, notes = [] } = await importer.read(place, raw);
  const bytes = await saveModel(model);
  await atomicWrite(out, bytes);
  for (const note of notes) context.note(printable(note));
  if (context.isJson) {
    context.print(JSON.stringify({ model: out, network: model.network, labels: model.labels.length, bytes: bytes.length, ...facts }));
    return;
  }
  context.print(
    `${context.out.good("✓")} ${printable(out)} (${grouped(bytes.length)} bytes): ${printable(model.network)}, ${model.labels.length} labels\n  ${printable(proof)}`,
  );
}

async function findImporter(path: string): Promise<{ readonly importer: Importer; readonly place: string }> {
  for (const importer of importers) {
    const place = await importer.find(path);
    if (place !== undefined) return { importer, place };
  }
  throw new FormatError(`${path}: nothing that goldcrest import reads; it reads\n${importers.map(({ what }) => `  ${what}`).join("\n")}`);
}
