/** A stop that was asked for: the first Ctrl-C (or SIGTERM) aborts the signal, the second ends the process. */
export interface Interruptible {
  readonly signal: AbortSignal;
  [Symbol.dispose](): void;
}

/** Listens for SIGINT and SIGTERM until disposed of. */
export function interruptible(onFirst: () => void): Interruptible {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
    onFirst();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      process.off("SIGINT", stop);
      process.off("SIGTERM", stop);
    },
  };
}
