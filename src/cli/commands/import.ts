import { resolve } from "node:path";
import { FormatError, OptionError, saveModel } from "../../index.ts";
import { atomicWrite } from "../../node.ts";
import type { Context } from "../context.ts";
import { type Importer, importers } from "../importers.ts";
import { type RawOptions, textOption } from "../options.ts";
import { grouped, printable } from "../terminal/text.ts";

/** `goldcrest import PATH`: a model file of what others have written. */
export async function importCommand(path: string, raw: RawOptions, context: Context): Promise<void> {
  const asked = textOption(raw, "out");
  if (asked !== undefined && resolve(asked) === resolve(path))
    throw new OptionError(`--out is ${JSON.stringify(asked)}, the file itself; give another one`);
  const { importer, place } = await findImporter(path);
  const { model, refusal, lines, facts, ...usual } = await importer.read(place, raw, context);
  if (!context.isJson) context.print(lines.join("\n"));
  if (!model) {
    if (context.isJson) context.print(JSON.stringify({ model: null, ...facts }));
    throw new FormatError(refusal ?? `${path}: no model`);
  }
  const out = asked ?? usual.out;
  if (resolve(out) === resolve(path)) throw new OptionError(`the model would replace ${JSON.stringify(path)} itself; give --out`);
  const bytes = await saveModel(model);
  await atomicWrite(out, bytes);
  const { network, options, labels, preprocessing } = model;
  if (context.isJson)
    context.print(JSON.stringify({ model: out, bytes: bytes.length, network, options, labels: labels.length, preprocessing, ...facts }));
  else context.print(`model    ${context.out.good(printable(out))} (${grouped(bytes.length)} bytes, ${grouped(labels.length)} labels)`);
}

async function findImporter(path: string): Promise<{ readonly importer: Importer; readonly place: string }> {
  for (const importer of importers) {
    const place = await importer.find(path);
    if (place !== undefined) return { importer, place };
  }
  throw new FormatError(`${path}: nothing that goldcrest import reads; it reads\n${importers.map(({ what }) => `  ${what}`).join("\n")}`);
}
