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

/** One thread with the jobs it was given; Maps keep their order, so the first is the one it works at. */
interface Place {
  worker: Worker;
  readonly waiting: Map<number, Waiting>;
  timer?: NodeJS.Timeout;
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

/**
 * Opens a pool. Jobs are handed out at once, not one by one: while the main thread computes it cannot hand out more, and the threads
 * must not run dry. The process is kept alive only while jobs are under way.
 */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: its functions are closures over the pool's state.
export function openPool(options: PoolOptions = {}): Pool {
  const { threads = Math.min(availableParallelism(), 8), mostTime = 60_000 } = options;
  const program = options.program ?? new URL("./worker.node.ts", import.meta.url);
  const places: Place[] = [];
  let nextId = 0;
  let isClosed = false;

  const settle = (place: Place, { id, result, message }: Reply): void => {
    const waiting = place.waiting.get(id);
    if (!place.waiting.delete(id)) return;
    if (place.waiting.size === 0) {
      clearTimeout(place.timer);
      place.worker.unref();
    } else place.timer?.refresh();
    if (message === undefined) waiting?.resolve(result as never);
    else waiting?.reject(new DataError(message));
  };
  /** Gives up the job that a thread was at, and lets a new thread continue with the others. */
  const restart = (place: Place, reason: string): void => {
    if (isClosed) return;
    void place.worker.terminate();
    const [first, ...others] = place.waiting;
    place.waiting.clear();
    clearTimeout(place.timer);
    place.worker = start(place);
    if (first) first[1].reject(new DataError(`${first[1].job.name}: ${reason}`));
    for (const [id, waiting] of others) send(place, id, waiting);
  };
  const start = (place: Place): Worker => {
    const worker = new Worker(program);
    worker.unref();
    worker.on("message", (reply: Reply) => settle(place, reply));
    const fail = (why: string): void => {
      if (place.worker === worker) restart(place, `the decoder broke down (${why})`);
    };
    worker.on("error", (cause: Error) => fail(cause.message));
    worker.on("exit", (code) => fail(`exit code ${code}`));
    return worker;
  };
  const send = (place: Place, id: number, waiting: Waiting): void => {
    if (place.waiting.size === 0) {
      place.worker.ref();
      place.timer = setTimeout(() => restart(place, `decoding took longer than ${mostTime} ms`), mostTime);
    }
    place.waiting.set(id, waiting);
    place.worker.postMessage({ id, job: waiting.job });
  };
  /** The thread with the least to do; a new one is started while there may be more and none is idle. */
  const choose = (): Place => {
    const least = places.reduce<Place | undefined>(
      (best, place) => (best && best.waiting.size <= place.waiting.size ? best : place),
      undefined,
    );
    if (least && (least.waiting.size === 0 || places.length >= threads)) return least;
    const place = { waiting: new Map<number, Waiting>() } as Place;
    place.worker = start(place);
    places.push(place);
    return place;
  };

  return {
    threads,
    run: (job) =>
      new Promise((resolve, reject) => {
        if (isClosed) reject(new DataError(`${job.name}: the data set has been closed`));
        else send(choose(), nextId++, { job, resolve, reject });
      }),
    async close() {
      isClosed = true;
      for (const { waiting, timer } of places) {
        clearTimeout(timer);
        for (const { job, reject } of waiting.values()) reject(new DataError(`${job.name}: the data set has been closed`));
        waiting.clear();
      }
      // An idle thread does not keep the process alive, but its end is waited for here.
      for (const { worker } of places) worker.ref();
      await Promise.all(places.map(({ worker }) => worker.terminate()));
    },
  };
}
