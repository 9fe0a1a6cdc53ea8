/** Byte offsets of the control words; each that threads wait at has a cache line of its own. */
export const control = {
  posted: 0,
  first: 64,
  last: 68,
  steps: 72,
  arrived: 128,
  generation: 192,
  failed: 196,
  sleepers: 256,
  bytes: 320,
} as const;

/** Tells all threads of a session that one cannot go on: those at a barrier leave it with an error. */
export function declareFailed(memory: WebAssembly.Memory): void {
  const words = new Int32Array(memory.buffer);
  Atomics.store(words, control.failed / 4, 1);
  Atomics.add(words, control.generation / 4, 1);
  Atomics.notify(words, control.generation / 4);
}

/** True where a thread of the session has declared so. */
export function hasFailed(memory: WebAssembly.Memory): boolean {
  return Atomics.load(new Int32Array(memory.buffer), control.failed / 4) !== 0;
}
