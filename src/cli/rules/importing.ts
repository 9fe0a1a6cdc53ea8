import { sourceNames } from "../../index.ts";
import type { CommandRule } from "../commandRule.ts";
import { network, output } from "./shared.ts";

/** `goldcrest import`. */
export const importModel: CommandRule = {
  name: "import",
  about: "Makes a model file of what other programs have trained, and accounts for every tensor.",
  operands: [
    {
      name: "path",
      about:
        "weights: safetensors, a PyTorch checkpoint (.pth, .pt) or a NumPy archive (.npz); or a folder that export --to pytorch wrote, whose logits are proved",
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
      },
    },
    {
      title: "Model",
      options: {
        labels: { value: "file", about: "a label a line, or a JSON list; by default ImageNet's names for 1000 classes, else numbers" },
        classes: { value: "n", about: "another number of classes than the file's: keeps the backbone, starts a new classifier" },
        size: { value: "pixels", about: "side of the images, where it is not to be the source's" },
        seed: { value: "n", about: "draws what starts anew: same seed, same bits", default: "0" },
        out: { value: "file", about: "model file to write; by default the network's name with .safetensors, for a folder beside it" },
      },
    },
    { title: "Report", options: { all: { about: "show the tensors that match, too" } } },
    output,
  ],
  examples: [
    "goldcrest import mobilenet_v3_large-5c1a4163.pth",
    "goldcrest import model.safetensors --as mobilenet-v3-large --from timm --out mobilenet.safetensors",
    "goldcrest import birds-pytorch --out birds-trained.safetensors",
    "goldcrest import efficientnet_b0_rwightman-3dd342df.pth --labels birds.txt --out birds.safetensors",
  ],
  async run([path], options, context) {
    const { importCommand } = await import("../commands/import.ts");
    await importCommand(path, options, context);
  },
};
