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

/** `goldcrest import`. */
export const importModel: CommandRule = {
  name: "import",
  about: "Makes a model file of what other programs have written; of a folder for PyTorch it proves that it computes the same.",
  operands: [
    {
      name: "path",
      about:
        "an ONNX model (what it keeps in other files is read from its own folder only), a folder that export --to pytorch wrote, or its weights.safetensors",
      isRequired: true,
    },
  ],
  groups: [
    {
      title: "Options",
      options: {
        out: { value: "file", about: "model file to write; by default beside what is read, with its name" },
        size: { value: "pixels", about: "side of the images, where the file leaves it open" },
        output: { value: "name", about: "the output that names what is on an image, where there are several" },
        labels: { value: "file", about: "class names, one a line, where the file has none" },
        mean: { value: "numbers", about: "of the colour channels, between 0 and 1, with commas between, where the file does not say" },
        std: { value: "numbers", about: "deviation of the colour channels, alike" },
        fit: { value: "rule", about: "crop: the centre square of each image; squash: the whole image" },
      },
    },
    output,
  ],
  examples: [
    "goldcrest import birds-pytorch --out birds-trained.safetensors",
    "goldcrest import mobilenet.onnx --labels imagenet.txt",
    "goldcrest import net.onnx --size 224 --mean 0.5,0.5,0.5 --std 0.5,0.5,0.5",
  ],
  async run([path], options, context) {
    const { importCommand } = await import("../commands/import.ts");
    await importCommand(path, options, context);
  },
};
