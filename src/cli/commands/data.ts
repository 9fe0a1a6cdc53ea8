import { OptionError } from "../../index.ts";
import { downloadFashionMnist } from "../../node.ts";
import type { Context } from "../context.ts";
import { type RawOptions, textOption } from "../options.ts";

const MB = 1e6;

/** `goldcrest data fashion-mnist`: fetches the whole set into the cache. */
export async function dataCommand(name: string, raw: RawOptions, context: Context): Promise<void> {
  if (name !== "fashion-mnist")
    throw new OptionError(
      `unknown data set ${JSON.stringify(name)}\n  known is fashion-mnist; a folder of labelled images needs no download`,
    );
  const from = textOption(raw, "from");
  const folder = await downloadFashionMnist({
    ...(from === undefined ? {} : { baseUrl: from.endsWith("/") ? from : `${from}/` }),
    onProgress: ({ name: file, received, total }) => {
      const size = total === undefined ? "" : ` of ${(total / MB).toFixed(1)}`;
      context.progress.update(total ? received / total : 0, `${file}  ${(received / MB).toFixed(1)}${size} MB`);
    },
  });
  context.progress.clear();
  context.print(context.isJson ? JSON.stringify({ folder }) : `Fashion-MNIST, 60,000 + 10,000 images, is in ${folder}`);
}
