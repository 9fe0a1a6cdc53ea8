import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { DataError } from "../../core/errors.ts";
import type { Job } from "./jobs.node.ts";

/** Threads that carry out jobs. */
export interface Pool {
  readonly threads: number;
  /** Resolves with the job's result; rejects with a DataError. */
  run<Result>(job: Job): Promise<Result>;
  close(): Promise<void>;
}

interface Waiting {
  readonly job: Job;
  readonly resolve: (result: never) => void;
  readonly reject: (cause: Error) => void;
}

interface Reply {
  readonly id: number;
  readonly result?: unknown;
  readonly message?: string;
}

/** How a pool works. */
export interface PoolOptions {
  /** Default: as many as the machine has, at most 8. */
  readonly threads?: number;
  /** A job that takes longer is given up, ms. Default one minute. */
  readonly mostTime?: number;
  /** The program of each thread. */
  readonly program?: URL;
}

/** One thread with the jobs it was given. */
interface Lane {
  waitingJobs(): number;
  send(waiting: Waiting): void;
  close(): Promise<void>;
}

function answer({ resolve, reject }: Waiting, { result, message }: Reply): void {
  if (message === undefined) resolve(result as never);
  else reject(new DataError(message));
}

/** A thread that does not keep the process alive. */
function startThread(program: URL, settle: (reply: Reply) => void, fail: (why: string) => void): Worker {
  const worker = new Worker(program);
  worker.unref();
  worker.on("message", settle);
  worker.on("error", (cause: Error) => fail(cause.message));
  worker.on("exit", (code) => fail(`exit code ${code}`));
  return worker;
}

/** Opens a thread; where it breaks down, another takes its place. The process is kept alive only while jobs are under way. */
function openLane(program: URL, mostTime: number): Lane {
  /** In the order they were given, so the first is the one being worked at. */
  const waiting = new Map<number, Waiting>();
  let nextId = 0;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;
  let worker = start();

  function start(): Worker {
    const started = startThread(program, settle, (why) => {
      if (started === worker && !isClosed) restart(`the decoder broke down (${why})`);
    });
    return started;
  }
  function settle(reply: Reply): void {
    const asked = waiting.get(reply.id);
    if (!asked) return;
    waiting.delete(reply.id);
    if (waiting.size === 0) {
      clearTimeout(timer);
      worker.unref();
    } else timer?.refresh();
    answer(asked, reply);
  }
  /** Gives up the job that the thread was at; a new thread continues with the others. */
  function restart(reason: string): void {
    const [first, ...others] = waiting.values();
    waiting.clear();
    clearTimeout(timer);
    const broken = worker;
    worker = start();
    void broken.terminate();
    first?.reject(new DataError(`${first.job.name}: ${reason}`));
    for (const other of others) send(other);
  }
  function send(asked: Waiting): void {
    if (waiting.size === 0) {
      worker.ref();
      timer = setTimeout(() => restart(`decoding took longer than ${mostTime} ms`), mostTime);
    }
    waiting.set(nextId, asked);
    worker.postMessage({ id: nextId++, job: asked.job });
  }
  async function close(): Promise<void> {
    isClosed = true;
    clearTimeout(timer);
    for (const { job, reject } of waiting.values()) reject(closedError(job));
    waiting.clear();
    // Its end is waited for.
    worker.ref();
    await worker.terminate();
  }
  return { waitingJobs: () => waiting.size, send, close };
}

function closedError(job: Job): DataError {
  return new DataError(`${job.name}: the data set has been closed`);
}

/**
 * Opens a pool. Jobs are handed out at once, not one by one: while the main thread computes it cannot hand out more, and the threads
 * must not run dry.
 */
export function openPool(options: PoolOptions = {}): Pool {
  const { threads = Math.min(availableParallelism(), 8), mostTime = 60_000 } = options;
  const program = options.program ?? new URL("./worker.node.ts", import.meta.url);
  const lanes: Lane[] = [];
  let isClosed = false;
  /** The thread with the least to do; another is started while there may be more and none is idle. */
  const choose = (): Lane => {
    const least = lanes.toSorted((a, b) => a.waitingJobs() - b.waitingJobs())[0];
    if (least && (least.waitingJobs() === 0 || lanes.length >= threads)) return least;
    const lane = openLane(program, mostTime);
    lanes.push(lane);
    return lane;
  };
  return {
    threads,
    run: (job) =>
      new Promise((resolve, reject) => {
        if (isClosed) reject(closedError(job));
        else choose().send({ job, resolve, reject });
      }),
    async close() {
      isClosed = true;
      await Promise.all(lanes.map((lane) => lane.close()));
    },
  };
}
