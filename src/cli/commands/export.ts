import { loadModel, OptionError } from "../../index.ts";
import { readFileBytes } from "../../node.ts";
import type { Context } from "../context.ts";
import { exporters } from "../exporters.ts";
import { choiceOption, type RawOptions, textOption } from "../options.ts";
import { grouped, printable, table } from "../terminal/text.ts";

const formats = Object.keys(exporters) as (keyof typeof exporters)[];

/** `goldcrest export MODEL --to FORMAT`: writes it and says what. */
export async function exportCommand(path: string, raw: RawOptions, context: Context): Promise<void> {
  const format = choiceOption(raw, "to", formats);
  if (format === undefined) throw new OptionError(`goldcrest export needs --to, one of ${formats.join(", ")}`);
  const { place, write } = exporters[format];
  const model = await loadModel(await readFileBytes(path), path);
  const out = textOption(raw, "out") ?? place(path);
  const { files, next } = await write(model, out, raw);
  if (context.isJson) context.print(JSON.stringify({ format, out, files }));
  else {
    const rows = files.map(({ name, bytes }) => [name, grouped(bytes)]);
    context.print([printable(out), "", table(["file", "bytes"], rows)].join("\n"));
  }
  context.note(`next: ${next}`);
}
