import { FileError, GoldcrestError } from "../core/errors.ts";

/** Training that was asked to stop: the step was finished and, where there is a store, the checkpoint written. */
export class InterruptedError extends GoldcrestError {
  /** Optimiser steps done when training stopped. */
  readonly step: number;
  constructor(message: string, step: number) {
    super("interrupted", message, 130);
    this.step = step;
  }
}

/** Another process is training into the same output. */
export class LockedError extends FileError {}
