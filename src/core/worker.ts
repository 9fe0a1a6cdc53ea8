/** Workers of Node and of browsers behind one face: messages both ways, an end that is noticed. */

/** Node's kind. */
export interface NodeWorker {
  on(event: string, listener: (value: unknown) => void): void;
  postMessage(message: unknown): void;
  terminate(): unknown;
  ref(): void;
  unref(): void;
}

/** What this project uses of `node:worker_threads`. */
export interface NodeThreads {
  readonly Worker: new (url: URL) => NodeWorker;
  readonly parentPort: {
    postMessage(message: unknown): void;
    on(event: string, listener: (value: unknown) => void): void;
    close(): void;
  } | null;
}

/** A started worker. */
export interface StartedWorker {
  post(message: unknown): void;
  /** From here on it keeps a process of Node alive, or does not. */
  ref(): void;
  unref(): void;
  terminate(): void;
}

/** Node's threads, or nothing in a browser. */
export function nodeThreads(): NodeThreads | undefined {
  const host = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process;
  return host?.getBuiltinModule?.("node:worker_threads") as NodeThreads | undefined;
}

/**
 * Starts a worker. `create` makes it, `new node.Worker(…)` where there is Node, else `new Worker(…)`: written out in one expression, so that bundlers find the
 * worker's file. `onEnd` hears why it ended, or did not start, unless it was terminated.
 */
export function startWorker(
  create: (node: NodeThreads | undefined) => NodeWorker | Worker,
  onMessage: (message: unknown) => void,
  onEnd: (reason: Error) => void,
): StartedWorker {
  let isWanted = true;
  const ended = (cause: unknown): void => {
    const reason = (cause as { message?: string } | undefined)?.message ?? "its file did not load";
    if (isWanted) onEnd(new Error(reason, { cause }));
  };
  const worker = create(nodeThreads());
  if ("on" in worker) {
    worker.on("message", onMessage);
    worker.on("error", ended);
    worker.on("exit", () => ended(new Error("it ended")));
  } else {
    worker.onmessage = ({ data }) => onMessage(data);
    worker.onerror = ended;
  }
  return {
    post: (message) => worker.postMessage(message),
    ref: () => {
      if ("ref" in worker) worker.ref();
    },
    unref: () => {
      if ("unref" in worker) worker.unref();
    },
    terminate: () => {
      isWanted = false;
      worker.terminate();
    },
  };
}

/** For a worker's own file: messages from its parent. */
export function onParentMessage(listener: (message: unknown, tell: (message: unknown) => void, close: () => void) => void): void {
  const port = nodeThreads()?.parentPort;
  if (port) {
    port.on("message", (message) =>
      listener(
        message,
        (answer) => port.postMessage(answer),
        () => port.close(),
      ),
    );
    return;
  }
  globalThis.onmessage = ({ data }: MessageEvent<unknown>) =>
    listener(
      data,
      (answer) => globalThis.postMessage(answer),
      () => globalThis.close(),
    );
}
