import type { CommandRule } from "../commandRule.ts";
import { modelFile, output, strict, where } from "./shared.ts";

/** `goldcrest compile`. */
export const compile: CommandRule = {
  name: "compile",
  about: "Writes a model as one WebAssembly file of only what it uses, with a small JavaScript loader that needs nothing else.",
  operands: [modelFile],
  groups: [
    {
      title: "Result",
      options: {
        out: { value: "name", about: "write name.wasm, name.js and name.d.ts; by default beside the model" },
        weights: { value: "format", about: "how weights are stored: f32, f16 or int8 (expanded to f32 when loaded)", default: "f32" },
        relaxed: {
          about:
            "carry each kernel twice, with and without fused multiply–add: faster where the engine has it, the same file everywhere (default)",
          isNegatable: true,
        },
        "separate-weights": { about: "put the weights into a file of their own, name.weights" },
        size: { value: "pixels", about: "side of the images, where it is not to be the model's" },
        batch: { value: "n", about: "images in a run", default: "1" },
      },
    },
    {
      title: "Accuracy",
      options: {
        data: {
          value: "where",
          about: `measure it before and after on a labelled folder, ${where.about.replace(", instead of a folder", "")}`,
        },
        strict,
      },
    },
    output,
  ],
  examples: ["goldcrest compile birds.safetensors", "goldcrest compile birds.safetensors --out web/birds --weights f16 --data photos"],
  async run([model], options, context) {
    const { compileCommand } = await import("../commands/compile.ts");
    await compileCommand(model, options, context);
  },
};
