/** A stored checkpoint, newest first in a store's list; its bytes may turn out to be torn. */
export interface StoredCheckpoint {
  /** What messages call it, such as a path. */
  readonly name: string;
  bytes(): Promise<Uint8Array>;
  /** Takes a damaged one out of the list, so that it never becomes "the one before". */
  setAside(): Promise<void>;
}

/** Where checkpoints live. One trainer at a time holds it, from `open` to `close`. */
export interface CheckpointStore {
  /** What messages call it, such as a path. */
  readonly name: string;
  /** Takes the store for this trainer and proves that it can be written; throws LockedError or FileError. */
  open(): Promise<void>;
  /** The checkpoints held, newest first. */
  list(): Promise<readonly StoredCheckpoint[]>;
  /** Adds a newest checkpoint and keeps the one before; when it fails, what was held stays. */
  write(bytes: Uint8Array): Promise<void>;
  /** Removes every checkpoint, as a finished training does. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

/** A store in memory, for browsers and tests: keeps two checkpoints, as the one on disk does. */
export function memoryStore(name = "memory"): CheckpointStore {
  let held: Uint8Array[] = [];
  return {
    name,
    open: async () => undefined,
    list: async () =>
      held.map((bytes, i) => ({
        name: i === 0 ? name : `${name} (the one before)`,
        bytes: async () => bytes.slice(),
        setAside: async () => {
          held = held.filter((other) => other !== bytes);
        },
      })),
    write: async (bytes) => {
      held = [bytes.slice(), ...held.slice(0, 1)];
    },
    clear: async () => {
      held = [];
    },
    close: async () => undefined,
  };
}
