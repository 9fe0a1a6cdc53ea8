import { arithmetics } from "../../index.ts";
import type { CommandRule } from "../commandRule.ts";
import { network, output, strict } from "./shared.ts";

const arithmeticNames = Object.keys(arithmetics).join(", ");

/** `goldcrest networks`. */
export const networks: CommandRule = {
  name: "networks",
  about: "Lists the networks at their published sizes: parameters, multiply–accumulates, what the papers print.",
  operands: [],
  groups: [
    {
      title: "Which",
      options: {
        filter: { value: "text", about: "only those whose name, size, paper or family contains the text" },
        family: { value: "name", about: "only one family" },
        sort: { value: "column", about: "name, params, macs, top1, year or size; by default in the survey's order" },
      },
    },
    {
      title: "Arithmetic",
      options: {
        energy: { about: "build each and add additions, comparisons and what the arithmetic takes, by the published table of 45 nm" },
        arithmetic: { value: "name", about: `the same if each computed with one of ${arithmeticNames}; a network that cannot is left out` },
      },
    },
    output,
  ],
  examples: ["goldcrest networks --sort top1", "goldcrest networks --family mobilenet-v3 --json"],
  async run(_, options, context) {
    const { listNetworks } = await import("../commands/networks.ts");
    await listNetworks(options, context);
  },
};

/** `goldcrest explain`. */
export const explain: CommandRule = {
  name: "explain",
  about: "Shows how a network or a block is built, with shapes and costs, as text and as a figure.",
  operands: [
    {
      name: "name",
      about: "the name of a network, or of a design as --conv takes it (goldcrest networks lists the networks)",
      isRequired: true,
    },
  ],
  groups: [
    {
      title: "Network",
      options: {
        ...network,
        classes: { value: "n", about: "classes; by default as published" },
        channels: { value: "n", about: "colour channels of the images", default: "3" },
        block: { value: "path", about: "only one block of the network, op by op" },
      },
    },
    {
      title: "Design",
      options: {
        design: { about: "the name is a design's, where a network is called the same" },
        inputs: { value: "n", about: "channels that it reads (default 64)" },
        outputs: { value: "n", about: "channels that it leaves; by default as many" },
        stride: { value: "n", about: "1 or 2 (default 1)" },
      },
    },
    { title: "Figure", options: { svg: { value: "file", about: "write the figure as an SVG picture" } } },
    output,
  ],
  examples: ["goldcrest explain mobilenet-v2 --svg mobilenet-v2.svg", "goldcrest explain shuffle --outputs 128 --stride 2"],
  async run([name], options, context) {
    const { explainCommand } = await import("../commands/explain.ts");
    await explainCommand(name, options, context);
  },
};

const { "small-image": smallImage, "dropped-strides": droppedStrides, width, variant, size, gradient } = network;

/** `goldcrest compare`. */
export const compare: CommandRule = {
  name: "compare",
  about:
    "Networks, or designs in one backbone, side by side: cost, and where asked for time and accuracy after a brief training under one recipe.",
  operands: [{ name: "networks", about: "names of networks; with --conv plain backbones (default resnet-20)", isMany: true }],
  groups: [
    {
      title: "Networks",
      options: {
        all: { about: "every network" },
        conv: { value: "designs", about: "all, or names with commas between: each in place of the backbone's ordinary convolutions" },
        arithmetic: { value: "names", about: "all, or product, adder, mitchell with commas between: each network computing so" },
        ...{ gradient, width, size, variant, "small-image": smallImage, "dropped-strides": droppedStrides },
        classes: { value: "n", about: "classes; by default as published, or the data's" },
        channels: { value: "n", about: "colour channels of the images, or the data's (default 3)" },
      },
    },
    {
      title: "Measuring",
      options: {
        measure: { about: "run them here in turns and add milliseconds an image" },
        threads: { value: "n", about: "threads; by default 1 for measuring, all cores for training" },
      },
    },
    {
      title: "Training",
      options: {
        train: { about: "train each and add its accuracy on images that were held back" },
        data: { value: "where", about: "a folder of images, embedded or fashion-mnist (by default Fashion-MNIST)" },
        epochs: { value: "n", about: "passes over the training images (default 3)" },
        recipe: {
          value: "name",
          about: "one of goldcrest recipes, for all of them; by default small up to 64 pixels, else photos",
        },
        batch: { value: "n", about: "images in one optimiser step" },
        lr: { value: "rate", about: "peak learning rate" },
        validation: { value: "share", about: "share of the training images that choose the best epoch (default 0.1)" },
        seed: { value: "n", about: "same seed, same bits", default: "0" },
        strict,
      },
    },
    {
      title: "Results",
      options: {
        out: { value: "file", about: "keep what is finished in a JSON file; the same command goes on from it" },
        svg: { value: "file", about: "draw cost against accuracy (or size) as an SVG picture; area: parameters" },
      },
    },
    output,
  ],
  examples: [
    "goldcrest compare mobilenet-v2 shufflenet-v2 ghostnet --size 96 --measure",
    "goldcrest compare resnet-20 --arithmetic all --measure",
    "goldcrest compare --conv all --train --data embedded --epochs 2 --out designs.json --svg designs.svg",
  ],
  async run(operands, options, context) {
    const { compareCommand } = await import("../commands/compare.ts");
    await compareCommand(operands, options, context);
  },
};

/** `goldcrest profile`. */
export const profile: CommandRule = {
  name: "profile",
  about:
    "Says what a network costs, layer by layer: parameters, arithmetic by kind and its energy (also without multiplications), bytes, memory.",
  operands: [{ name: "network", about: "the name of a network (goldcrest networks lists them), or a model file", isRequired: true }],
  groups: [
    {
      title: "Network",
      options: {
        ...network,
        classes: { value: "n", about: "classes", default: "1000" },
        channels: { value: "n", about: "colour channels of the images", default: "3" },
        batch: { value: "n", about: "images in a run", default: "1" },
      },
    },
    {
      title: "Measuring",
      options: {
        measure: { about: "run it here and add milliseconds for each layer" },
        threads: { value: "n", about: "threads for --measure", default: "1" },
      },
    },
    output,
  ],
  examples: ["goldcrest profile mobilenet-v2 --width 0.5 --size 96 --measure"],
  async run([name], options, context) {
    if (name.endsWith(".safetensors")) {
      const { profileModel } = await import("../commands/profileModel.ts");
      await profileModel(name, options, context);
      return;
    }
    const { profileNetwork } = await import("../commands/profile.ts");
    await profileNetwork(name, options, context);
  },
};
