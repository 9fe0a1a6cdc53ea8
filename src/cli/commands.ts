import { blocks } from "../index.ts";
import type { CommandRule, OptionGroup, OptionRule } from "./commandRule.ts";

const output: OptionGroup = {
  title: "Output",
  options: {
    json: { about: "print JSON on stdout, for machines" },
    quiet: { about: "no progress and notes on stderr; errors and warnings stay" },
    help: { about: "this text", short: "h" },
  },
};

const threads: OptionRule = { value: "n", about: "threads that share the work; the result does not depend on it" };
const strict: OptionRule = { about: "fail on an unreadable image instead of leaving it out" };
const where: OptionRule = {
  value: "where",
  about: "embedded or fashion-mnist, instead of a folder",
};

const network: Readonly<Record<string, OptionRule>> = {
  width: { value: "factor", about: "multiply the channels of every layer (each family rounds in its own way)" },
  size: { value: "pixels", about: "side of the images" },
  variant: { value: "name", about: "one of the network's readings (goldcrest networks lists them)" },
  "small-image": {
    about: "keep resolution: the first layers that halve the image do not (three halvings are left up to 40 pixels, four up to 111)",
    isNegatable: true,
  },
  conv: {
    value: "design",
    about: `what takes the place of the ordinary 3×3 convolutions of a plain backbone: ${Object.keys(blocks.designs).join(", ")}`,
  },
  "dropped-strides": { value: "n", about: "the same by number: how many of the first halving layers keep the resolution" },
};

const fit: CommandRule = {
  name: "fit",
  about: "Trains a network on labelled images and writes one model file.",
  operands: [
    {
      name: "folder",
      about:
        "a folder with one sub-folder of images (JPEG, PNG, WebP) for each label, or with the four files of an MNIST set; without one, Fashion-MNIST",
    },
  ],
  groups: [
    {
      title: "Data",
      options: {
        data: where,
        fit: { value: "rule", about: "crop: the centre square of each image; squash: the whole image", default: "crop" },
        validation: { value: "share", about: "share of the training images that choose the best epoch", default: "0.1" },
        test: { value: "share", about: "share kept for one reading at the end, where the data has no test part", default: "0" },
        strict,
      },
    },
    {
      title: "Network",
      options: {
        network: { value: "name", about: "what to train; by default one that suits the size of the images (goldcrest networks)" },
        ...network,
        "small-image": { ...network["small-image"], about: `${network["small-image"].about}; on below 112 pixels` },
      },
    },
    {
      title: "Training",
      options: {
        recipe: {
          value: "name",
          about:
            "starting point for the rest: small, photos, paper-sgd, paper-rmsprop, paper-adamw; by default small up to 64 pixels, else photos",
        },
        epochs: { value: "n", about: "passes over the training images" },
        batch: { value: "n", about: "images in one optimiser step" },
        accumulate: { value: "n", about: "compute each batch in so many parts, to save memory" },
        lr: { value: "rate", about: "peak learning rate" },
        "class-weights": { value: "rule", about: "balanced: weigh rare labels up; none" },
        seed: { value: "n", about: "same seed, same bits", default: "0" },
        threads,
        out: { value: "file", about: "model file to write; checkpoints lie beside it until it is finished", default: "model.safetensors" },
        resume: { about: "go on from the checkpoint beside the model file" },
      },
    },
    output,
  ],
  examples: [
    "goldcrest fit photos --network mobilenet-v2 --width 0.5 --size 96 --epochs 20 --seed 1 --out birds.safetensors",
    "goldcrest fit --data embedded --json",
  ],
  async run([folder], options, context) {
    const { fitCommand } = await import("./commands/fit.ts");
    await fitCommand(folder, options, context);
  },
};

const classify: CommandRule = {
  name: "classify",
  about: "Names what is on images, with a model file.",
  operands: [
    { name: "model", about: "a model file that fit has written", isRequired: true },
    { name: "images", about: "image files, or folders of them", isRequired: true, isMany: true },
  ],
  groups: [
    { title: "Options", options: { top: { value: "k", about: "labels to show for each image", default: "5" }, threads, strict } },
    output,
  ],
  examples: ["goldcrest classify birds.safetensors photo.jpg", "goldcrest classify birds.safetensors photos --json"],
  async run([model, ...images], options, context) {
    const { classifyCommand } = await import("./commands/classify.ts");
    await classifyCommand(model, images, options, context);
  },
};

const evaluate: CommandRule = {
  name: "evaluate",
  about: "Measures a model file on labelled images: accuracy, macro-F1, precision and recall of each label, confusion matrix.",
  operands: [
    { name: "model", about: "a model file that fit has written", isRequired: true },
    { name: "folder", about: "labelled images, as fit takes them; without one, Fashion-MNIST" },
  ],
  groups: [
    {
      title: "Options",
      options: {
        data: where,
        part: {
          value: "name",
          about:
            "all, or one of the parts that fit divided the same data into: train, validation, test; by default the test part where the data has one, else all",
        },
        picture: { value: "file", about: "write the confusion matrix as an SVG picture" },
        threads,
        strict,
      },
    },
    output,
  ],
  examples: ["goldcrest evaluate birds.safetensors photos --picture confusion.svg"],
  async run([model, folder], options, context) {
    const { evaluateCommand } = await import("./commands/evaluate.ts");
    await evaluateCommand(model, folder, options, context);
  },
};

const networks: CommandRule = {
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
    output,
  ],
  examples: ["goldcrest networks --sort top1", "goldcrest networks --family mobilenet-v3 --json"],
  async run(_, options, context) {
    const { listNetworks } = await import("./commands/networks.ts");
    await listNetworks(options, context);
  },
};

const profile: CommandRule = {
  name: "profile",
  about: "Says what a network costs, layer by layer: parameters, multiply–accumulates, additions, bytes, memory.",
  operands: [{ name: "network", about: "the name of a network (goldcrest networks lists them)", isRequired: true }],
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
    const { profileNetwork } = await import("./commands/profile.ts");
    await profileNetwork(name, options, context);
  },
};

const explain: CommandRule = {
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
    const { explainCommand } = await import("./commands/explain.ts");
    await explainCommand(name, options, context);
  },
};

const data: CommandRule = {
  name: "data",
  about: "Downloads a data set into the cache, checked by SHA-256.",
  operands: [{ name: "name", about: "the name of a data set: fashion-mnist", isRequired: true }],
  groups: [{ title: "Options", options: { from: { value: "url", about: "another server that holds the same files" } } }, output],
  examples: ["goldcrest data fashion-mnist"],
  async run([name], options, context) {
    const { dataCommand } = await import("./commands/data.ts");
    await dataCommand(name, options, context);
  },
};

/** Every command. What runs one is loaded when it runs. */
export const commands: readonly CommandRule[] = [fit, classify, evaluate, networks, explain, profile, data];
