import type { CommandRule } from "../commandRule.ts";
import { modelFile, output, strict, where } from "./shared.ts";

/** Formats that `goldcrest export` writes; src/cli/exporters.ts says how. */
export const exportFormats = {
  onnx: "one file for other engines; a quantised model goes out in integers",
  pytorch: "a folder with the network as Python source, weights, training and a check",
} as const;

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

/** `goldcrest export`. */
export const exportModel: CommandRule = {
  name: "export",
  about: "Writes a model for other programs.",
  operands: [modelFile],
  groups: [
    {
      title: "Options",
      options: {
        to: {
          value: "format",
          about: Object.entries(exportFormats)
            .map(([format, about]) => `${format}: ${about}`)
            .join("; "),
        },
        out: { value: "path", about: "where to write; by default beside the model" },
        precision: { value: "numbers", about: "of --to onnx: float32, or int8 for a quantised model; by default the model's" },
        recipe: {
          value: "name",
          about: "of --to pytorch: how it is to be trained there (goldcrest recipes lists them); by default as it was trained",
        },
      },
    },
    output,
  ],
  examples: [
    "goldcrest export birds.safetensors --to onnx",
    "goldcrest export birds.safetensors --to pytorch --out there --recipe paper-sgd",
  ],
  async run([model], options, context) {
    const { exportCommand } = await import("../commands/export.ts");
    await exportCommand(model, options, context);
  },
};
