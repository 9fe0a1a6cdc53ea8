import type { Backend } from "../../src/engine/session.ts";
import { roundingBackend } from "../../src/train/roundingBackend.testing.ts";
import { backends } from "../backends.ts";

/** How to train: an engine that keeps float32 weights, and its threads. */
export interface Trainer {
  readonly backend: Backend;
  readonly threads: number;
}

/** Every backend of the conformance table. The reference keeps float64 weights, which a checkpoint rounds, so here it rounds them always. */
export const trainers: Readonly<Record<string, Trainer>> = Object.fromEntries(
  backends.map(({ name, backend, options }) => {
    const kept: Backend = {
      name,
      open: (graph, weights, more) => backend.open(graph, weights, { ...options, ...more }),
    };
    const isRounding = backend.name === "reference";
    return [name, { backend: isRounding ? roundingBackend(kept) : kept, threads: options.threads ?? 1 }];
  }),
);
