import { sourceNames } from "../../index.ts";
import type { CommandRule } from "../commandRule.ts";
import { network, output } from "./shared.ts";

/** `goldcrest import`. */
export const importModel: CommandRule = {
  name: "import",
  about:
    "Makes a model file of what other programs have written: weights, with an account of every tensor; an ONNX model; a folder for PyTorch, with a proof that it computes the same.",
  operands: [
    {
      name: "path",
      about:
        "weights (safetensors, a PyTorch checkpoint .pth or .pt, a NumPy archive .npz), an ONNX model (what it keeps in other files is read from its own folder only), or a folder that export --to pytorch wrote",
      isRequired: true,
    },
  ],
  groups: [
    {
      title: "Whose weights",
      options: {
        as: { value: "network", about: "which network they belong to (goldcrest networks); by default the one that names and shapes fit" },
        from: { value: "source", about: `whose names they have: ${sourceNames.join(", ")}; by default recognised` },
        ...{ width: network.width, variant: network.variant },
        "allow-partial": { about: "take the tensors that fit, start the others anew" },
        classes: { value: "n", about: "another number of classes than the file's: keeps the backbone, starts a new classifier" },
        seed: { value: "n", about: "draws what starts anew: same seed, same bits", default: "0" },
        all: { about: "show the tensors that match, too" },
      },
    },
    {
      title: "Model",
      options: {
        out: { value: "file", about: "model file to write; by default beside what is read, with its name" },
        labels: {
          value: "file",
          about: "class names, one a line or a JSON list; by default the file's, ImageNet's for weights of 1000 classes, else numbers",
        },
        size: { value: "pixels", about: "side of the images, where it is not to be the source's or an ONNX model leaves it open" },
        mean: {
          value: "numbers",
          about: "of the colour channels, between 0 and 1, with commas between, where it is not to be the source's",
        },
        std: { value: "numbers", about: "deviation of the colour channels, alike" },
        fit: { value: "rule", about: "crop: the centre square of each image; squash: the whole image" },
        output: { value: "name", about: "of an ONNX model with several outputs the one that names what is on an image" },
      },
    },
    output,
  ],
  examples: [
    "goldcrest import mobilenet_v3_large-5c1a4163.pth",
    "goldcrest import model.safetensors --as mobilenet-v3-large --from timm --out mobilenet.safetensors",
    "goldcrest import efficientnet_b0_rwightman-3dd342df.pth --labels birds.txt",
    "goldcrest import net.onnx --size 224 --mean 0.5,0.5,0.5 --std 0.5,0.5,0.5",
    "goldcrest import birds-pytorch --out birds-trained.safetensors",
  ],
  async run([path], options, context) {
    const { importCommand } = await import("../commands/import.ts");
    await importCommand(path, options, context);
  },
};
