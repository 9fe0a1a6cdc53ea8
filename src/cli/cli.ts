import { type CAC, type Command, cac } from "cac";
import { openContext } from "./context.ts";
import type { RawOptions } from "./options.ts";

/** Every command, for suggestions. */
export const commandNames = ["fit", "classify", "evaluate", "networks", "profile", "data"] as const;

function withOutput(command: Command): Command {
  return command.option("--json", "Print JSON on stdout, for machines").option("--quiet", "No progress and notes on stderr");
}

function withNetwork(command: Command): Command {
  return command
    .option("--width <factor>", "Multiply the channels of every layer (each family rounds in its own way)")
    .option("--size <pixels>", "Side of the images")
    .option("--variant <name>", "One of the network's readings (goldcrest networks lists them)")
    .option(
      "--small-image",
      "Keep resolution: the first layers that halve the image do not (three halvings are left up to 40 pixels, four up to 111)",
    )
    .option("--dropped-strides <n>", "The same by number: how many of the first halving layers keep the resolution");
}

/** The command line: what there is, and which function does it. Commands load when they run. */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: it is the table of commands and options.
export function openCli(version: string): CAC {
  const cli = cac("goldcrest");
  cli.version(version);
  cli.help();

  withOutput(withNetwork(cli.command("fit [folder]", "Train a network on labelled images and write one model file")))
    .option("--data <where>", "embedded, fashion-mnist, or a folder (of labels, or with the four files of an MNIST set)")
    .option("--network <name>", "What to train (goldcrest networks)")
    .option("--epochs <n>", "Passes over the training images")
    .option("--batch <n>", "Images in one optimiser step")
    .option("--accumulate <n>", "Compute each batch in so many parts, to save memory")
    .option("--lr <rate>", "Peak learning rate")
    .option("--recipe <name>", "Starting point for all of these: small, photos, paper-sgd, paper-rmsprop, paper-adamw")
    .option("--class-weights <rule>", "balanced: weigh rare labels up; none")
    .option("--fit <rule>", "crop: centre square; squash: whole image")
    .option("--validation <share>", "Share of the training images that choose the best epoch", { default: 0.1 })
    .option("--test <share>", "Share kept for one reading at the end, where the data has no test part")
    .option("--seed <n>", "Same seed, same bits", { default: 0 })
    .option("--threads <n>", "Threads that share the work; the result does not depend on it")
    .option("--out <file>", "Model file to write", { default: "model.safetensors" })
    .option("--resume", "Go on from the checkpoint beside the model file")
    .option("--strict", "Fail on an unreadable image instead of leaving it out")
    .example("  goldcrest fit photos --network mobilenet-v2 --width 0.5 --size 96 --epochs 20 --seed 1 --out birds.safetensors")
    .action(async (folder: string | undefined, raw: RawOptions) => {
      const { fitCommand } = await import("./commands/fit.ts");
      await fitCommand(folder, raw, openContext(raw));
    });

  withOutput(cli.command("classify <model> [...images]", "Name what is on images, with a model file"))
    .option("--top <k>", "Labels to show for each image", { default: 5 })
    .option("--threads <n>", "Threads that share the work")
    .option("--strict", "Fail on an unreadable image instead of leaving it out")
    .example("  goldcrest classify birds.safetensors photo.jpg")
    .action(async (model: string, images: string[], raw: RawOptions) => {
      const { classifyCommand } = await import("./commands/classify.ts");
      await classifyCommand(model, images, raw, openContext(raw));
    });

  withOutput(cli.command("evaluate <model> [folder]", "Measure a model file on labelled images"))
    .option("--data <where>", "embedded, fashion-mnist, or a folder")
    .option("--part <name>", "test, validation, train or all; by default the test part where there is one, else all")
    .option("--picture <file>", "Write the confusion matrix as an SVG picture")
    .option("--threads <n>", "Threads that share the work")
    .option("--strict", "Fail on an unreadable image instead of leaving it out")
    .action(async (model: string, folder: string | undefined, raw: RawOptions) => {
      const { evaluateCommand } = await import("./commands/evaluate.ts");
      await evaluateCommand(model, folder, raw, openContext(raw));
    });

  withOutput(cli.command("networks", "List the networks with their parameters and multiply–accumulates")).action(
    async (raw: RawOptions) => {
      const { listNetworks } = await import("./commands/networks.ts");
      await listNetworks(openContext(raw));
    },
  );

  withOutput(withNetwork(cli.command("profile <network>", "What a network costs, layer by layer")))
    .option("--classes <n>", "Classes")
    .option("--channels <n>", "Colour channels of the images")
    .option("--batch <n>", "Images in a run")
    .option("--measure", "Run it here and add milliseconds per layer")
    .option("--threads <n>", "Threads for --measure (default 1)")
    .action(async (network: string, raw: RawOptions) => {
      const { profileNetwork } = await import("./commands/profile.ts");
      await profileNetwork(network, raw, openContext(raw));
    });

  withOutput(cli.command("data <name>", "Download a data set (fashion-mnist) into the cache, checked by SHA-256"))
    .option("--from <url>", "Another server that holds the same files")
    .action(async (name: string, raw: RawOptions) => {
      const { dataCommand } = await import("./commands/data.ts");
      await dataCommand(name, raw, openContext(raw));
    });

  return cli;
}
