import { arithmetics, blocks, gradientsOf } from "../../index.ts";
import type { Operand, OptionGroup, OptionRule } from "../commandRule.ts";

/** What every command prints. */
export const output: OptionGroup = {
  title: "Output",
  options: {
    json: { about: "print JSON on stdout, for machines" },
    quiet: { about: "no progress and notes on stderr; errors and warnings stay" },
    help: { about: "this text", short: "h" },
  },
};

/** The model that a command works on. */
export const modelFile: Operand = { name: "model", about: "a model file that fit has written", isRequired: true };

/** The images that a command works on. */
export const labelledImages: Operand = { name: "folder", about: "labelled images, as fit takes them; without one, Fashion-MNIST" };

/** Threads of a run. */
export const threads: OptionRule = { value: "n", about: "threads that share the work; the result does not depend on it" };

/** What becomes of unreadable images. */
export const strict: OptionRule = { about: "fail on an unreadable image instead of leaving it out" };

/** Data that is no folder. */
export const where: OptionRule = {
  value: "where",
  about: "embedded or fashion-mnist, instead of a folder",
};

/** How a network is changed. */
export const network: Readonly<Record<string, OptionRule>> = {
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
  arithmetic: {
    value: "name",
    about: `what convolutions compute with, in any network: ${Object.keys(arithmetics).join(", ")} (adders where a normalisation follows, but for the first layer and the classifier; Mitchell's product in linear layers, too)`,
  },
  gradient: {
    value: "name",
    about: `of --arithmetic mitchell: ${gradientsOf("mitchell").join(", ")} (Mitchell products again, the derivative, or that of the ordinary product)`,
  },
  "dropped-strides": { value: "n", about: "the same by number: how many of the first halving layers keep the resolution" },
};
