/** How fast training goes. Only shown, never decided upon. */
export interface Pace {
  begin(): void;
  end(): void;
  /** Seconds since opened. */
  seconds(): number;
  /** True when the thread has been held for a twentieth of a second. */
  isBreathDue(): boolean;
  read(): { readonly imagesPerSecond: number; readonly secondsLeft: number };
}

/** Share of the newest step in the running mean of a step's time. */
const NEWEST = 0.05;

/** Starts the clock; `step` of `steps` are done. A step's time is its own; the time left also counts what lies between steps. */
export function openPace(batch: number, step: number, steps: number): Pace {
  const opened = performance.now();
  let [begun, breathed, mean, done] = [opened, opened, 0, 0];
  return {
    begin() {
      begun = performance.now();
    },
    end() {
      done++;
      const spent = performance.now() - begun;
      const share = Math.max(NEWEST, 1 / done);
      mean += share * (spent - mean);
    },
    seconds: () => (performance.now() - opened) / 1000,
    isBreathDue() {
      const now = performance.now();
      if (now - breathed < 50) return false;
      breathed = now;
      return true;
    },
    read() {
      const overall = done === 0 ? 0 : (performance.now() - opened) / done;
      const secondsLeft = ((steps - step - done) * Math.max(mean, overall)) / 1000;
      return { imagesPerSecond: mean === 0 ? 0 : (1000 * batch) / mean, secondsLeft };
    },
  };
}
