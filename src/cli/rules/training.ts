import { publishedRecipes, recipes as startingPoints } from "../../train.ts";
import type { CommandRule } from "../commandRule.ts";
import { labelledImages, modelFile, network, output, strict, threads, where } from "./shared.ts";

/** `goldcrest fit`. */
export const fit: CommandRule = {
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
          about: `starting point for the rest: ${Object.keys(startingPoints).join(", ")}; published: what the network's paper trained with; or another family's: ${Object.keys(publishedRecipes).join(", ")} (goldcrest recipes shows them); by default small up to 64 pixels, else photos`,
        },
        epochs: { value: "n", about: "passes over the training images" },
        batch: { value: "n", about: "images in one optimiser step" },
        accumulate: { value: "n", about: "compute each batch in so many parts, to save memory" },
        lr: { value: "rate", about: "peak learning rate" },
        dropout: { value: "share", about: "dropout before the classifier; by default the recipe's or the network's own" },
        "stochastic-depth": {
          value: "share",
          about: "how often the last residual branch is dropped, earlier ones in proportion; by default the network's own",
        },
        progressive: { about: "let the images grow in four stages, from 57 % of their side, where the recipe has no stages" },
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
    "goldcrest fit photos --network efficientnet-v2-b0 --recipe published --epochs 40",
    "goldcrest fit --data embedded --json",
  ],
  async run([folder], options, context) {
    const { fitCommand } = await import("../commands/fit.ts");
    await fitCommand(folder, options, context);
  },
};

/** `goldcrest classify`. */
export const classify: CommandRule = {
  name: "classify",
  about: "Names what is on images, with a model file.",
  operands: [modelFile, { name: "images", about: "image files, or folders of them", isRequired: true, isMany: true }],
  groups: [
    { title: "Options", options: { top: { value: "k", about: "labels to show for each image", default: "5" }, threads, strict } },
    output,
  ],
  examples: ["goldcrest classify birds.safetensors photo.jpg", "goldcrest classify birds.safetensors photos --json"],
  async run([model, ...images], options, context) {
    const { classifyCommand } = await import("../commands/classify.ts");
    await classifyCommand(model, images, options, context);
  },
};

/** `goldcrest evaluate`. */
export const evaluate: CommandRule = {
  name: "evaluate",
  about: "Measures a model file on labelled images: accuracy, macro-F1, precision and recall of each label, confusion matrix.",
  operands: [modelFile, labelledImages],
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
    const { evaluateCommand } = await import("../commands/evaluate.ts");
    await evaluateCommand(model, folder, options, context);
  },
};

/** `goldcrest recipes`. */
export const recipes: CommandRule = {
  name: "recipes",
  about: "Lists the recipes that fit trains by, with their numbers; those of papers with their source and what was changed.",
  operands: [{ name: "name", about: "one recipe, in full; without it, all in a table" }],
  groups: [
    {
      title: "For",
      options: {
        epochs: { value: "n", about: "stretch a published recipe to so many epochs" },
        batch: { value: "n", about: "images in one optimiser step; a published recipe's learning rate follows" },
      },
    },
    output,
  ],
  examples: ["goldcrest recipes efficientnet-v2-s --epochs 40", "goldcrest recipes --json"],
  async run([name], options, context) {
    const { recipesCommand } = await import("../commands/recipes.ts");
    recipesCommand(name, options, context);
  },
};

/** `goldcrest quantize`. */
export const quantize: CommandRule = {
  name: "quantize",
  about: "Turns a model into integers and reports accuracy before and after, the error of each layer, and size.",
  operands: [modelFile, labelledImages],
  groups: [
    {
      title: "Options",
      options: {
        data: where,
        images: { value: "n", about: "images to calibrate on", default: "128" },
        ranges: {
          value: "rule",
          about: "minmax: all that occurs; percentile: all but outliers; mse: the least error; by default the one that comes closest",
        },
        seed: { value: "n", about: "draws the images: same seed, same bits", default: "0" },
        out: { value: "file", about: "model file to write; by default beside the model, with .int8 in its name" },
        threads,
        strict,
      },
    },
    {
      title: "Fine-tuning",
      options: {
        "fine-tune": {
          value: "epochs",
          about:
            "go on training the model as integers will round it (quantisation-aware training); kept only where it does better on images held back",
        },
        lr: { value: "rate", about: "peak learning rate; by default 0.0002" },
        batch: { value: "n", about: "images in one optimiser step; by default 32" },
        resume: { about: "go on from the checkpoint beside the file to write" },
      },
    },
    output,
  ],
  examples: [
    "goldcrest quantize model.safetensors --data embedded",
    "goldcrest quantize birds.safetensors photos --ranges mse --json",
    "goldcrest quantize birds.safetensors photos --fine-tune 2",
  ],
  async run([model, folder], options, context) {
    const { quantizeCommand } = await import("../commands/quantize.ts");
    await quantizeCommand(model, folder, options, context);
  },
};

/** `goldcrest data`. */
export const data: CommandRule = {
  name: "data",
  about: "Downloads a data set into the cache, checked by SHA-256.",
  operands: [{ name: "name", about: "the name of a data set: fashion-mnist", isRequired: true }],
  groups: [{ title: "Options", options: { from: { value: "url", about: "another server that holds the same files" } } }, output],
  examples: ["goldcrest data fashion-mnist"],
  async run([name], options, context) {
    const { dataCommand } = await import("../commands/data.ts");
    await dataCommand(name, options, context);
  },
};
