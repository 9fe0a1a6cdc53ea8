/** The worker of classifierInWorker.ts. */
import { DataError, InternalError } from "../core/errors.ts";
import { onParentMessage } from "../core/worker.ts";
import type { Image } from "../data/image.ts";
import { prepare } from "../data/resize.ts";
import { openClassifier } from "./classifier.ts";
import type { Answer, Question } from "./classifierInWorker.ts";
import type { Classifier } from "./classifierOver.ts";
import { loadModel, type Model } from "./model.ts";

interface Held {
  readonly model: Model;
  readonly classifier: Classifier;
}

let opening: Promise<Held> | undefined;

async function open({ model: given, options }: Question & { kind: "open" }): Promise<Held> {
  const model = given instanceof Uint8Array ? await loadModel(given) : given;
  return { model, classifier: await openClassifier(model, options) };
}

function checked(image: Image): Image {
  const { width, height, channels, data } = image;
  if (data.length === width * height * channels) return image;
  throw new DataError(`an image of ${data.length} bytes; ${width} × ${height} × ${channels} are ${width * height * channels}`);
}

async function answer(question: Question): Promise<unknown> {
  if (question.kind === "open") opening = open(question);
  if (!opening) throw new InternalError("the worker was asked before it was opened");
  const { model, classifier } = await opening;
  if (question.kind === "open") return classifier.threads;
  const pixels = question.image instanceof Uint8Array ? question.image : prepare(checked(question.image), model.preprocessing);
  return question.kind === "logits" ? classifier.logits(pixels).slice() : classifier.classify(pixels, question.top);
}

onParentMessage((message, tell) => {
  const question = message as Question;
  const send = (rest: Omit<Answer, "id">): void => tell({ id: question.id, ...rest });
  answer(question).then(
    (value) => send({ value }),
    (error: Error) => send({ error: { name: error.name, message: error.message } }),
  );
});
