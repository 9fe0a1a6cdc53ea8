/** A classifier beside the caller's thread: a page stays responsive, and a run may have several threads where the page is cross-origin isolated. */
import { threadsInWorker } from "../backends/wasm/threads.ts";
import type { Choice } from "../core/choices.ts";
import { DataError, EngineError, FormatError, InternalError, OptionError, ShapeError } from "../core/errors.ts";
import { startWorker } from "../core/worker.ts";
import type { Image } from "../data/image.ts";
import type { OpenOptions } from "../engine/session.ts";
import type { Model } from "./model.ts";

/** A classifier in a worker. Calls are answered in their order, each with a result of its own. */
export interface RemoteClassifier {
  /** Threads that share each run. */
  readonly threads: number;
  /** Raw outputs for an opaque image, or for pixels that `prepare` has given. */
  logits(image: Image | Uint8Array): Promise<Float64Array>;
  /** The most probable labels, best first. */
  classify(image: Image | Uint8Array, top?: number): Promise<readonly Choice[]>;
  /** Ends the worker; calls that wait are refused. */
  dispose(): void;
  [Symbol.dispose](): void;
}

/** What the worker is asked for; the answer carries the same `id`. */
export type Question = { readonly id: number } & (
  | { readonly kind: "open"; readonly model: Model | Uint8Array; readonly options: OpenOptions }
  | { readonly kind: "logits"; readonly image: Image | Uint8Array }
  | { readonly kind: "classify"; readonly image: Image | Uint8Array; readonly top?: number }
);

/** What the worker answers. */
export interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: { readonly name: string; readonly message: string };
}

type Asked = Question extends infer Q ? (Q extends Question ? Omit<Q, "id"> : never) : never;

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

const errors = { DataError, EngineError, FormatError, OptionError, ShapeError };

/** An error of the worker as one of the caller's thread, of the same class. */
function revived({ name, message }: NonNullable<Answer["error"]>): Error {
  return Object.hasOwn(errors, name) ? new errors[name as keyof typeof errors](message) : new InternalError(`${name}: ${message}`);
}

/** Asks a worker and matches its answers; once it has ended, everything is refused. */
function openWorker(): { ask<T>(question: Asked): Promise<T>; end(): void } {
  const waiting = new Map<number, Waiting>();
  let asked = 0;
  let reason: string | undefined;
  const end = (why: string): void => {
    reason ??= why;
    for (const { reject } of waiting.values()) reject(new EngineError(reason));
    waiting.clear();
  };
  const onMessage = (message: unknown): void => {
    const { id, value, error } = message as Answer;
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    if (waiting.size === 0) worker.unref();
    if (error) reject?.(revived(error));
    else resolve?.(value as never);
  };
  const worker = startWorker(
    (node) =>
      node
        ? new node.Worker(new URL("./classifierWorker.ts", import.meta.url))
        : new Worker(new URL("./classifierWorker.ts", import.meta.url), { type: "module" }),
    onMessage,
    ({ message }) => end(`the classifier's worker has ended: ${message}`),
  );
  return {
    ask: (question) =>
      new Promise((resolve, reject) => {
        if (reason !== undefined) return reject(new EngineError(reason));
        worker.post({ ...question, id: asked });
        waiting.set(asked++, { resolve, reject });
        worker.ref();
      }),
    end: () => {
      worker.terminate();
      end("this classifier has been disposed of");
    },
  };
}

/** Opens a model, or the bytes of its file, in a worker. The worker's code is a module beside this one: nothing that a strict policy forbids. */
export async function openClassifierInWorker(model: Model | Uint8Array, options: OpenOptions = {}): Promise<RemoteClassifier> {
  // Decided and said here: a worker for each classifier would say it each time.
  const wanted = { ...options, threads: threadsInWorker(options.threads) };
  const { ask, end } = openWorker();
  try {
    const threads = await ask<number>({ kind: "open", model, options: wanted });
    return {
      threads,
      logits: (image) => ask({ kind: "logits", image }),
      classify: (image, top) => ask({ kind: "classify", image, ...(top === undefined ? {} : { top }) }),
      dispose: end,
      [Symbol.dispose]: end,
    };
  } catch (error) {
    end();
    throw error;
  }
}
