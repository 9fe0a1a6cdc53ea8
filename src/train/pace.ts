/** How fast training goes. Only shown, never decided upon. */
export interface Pace {
  begin(): void;
  /** Ends a step that was so much work. */
  end(work: number): void;
  /** Seconds since opened. */
  seconds(): number;
  /** True when the thread has been held for a twentieth of a second. */
  isBreathDue(): boolean;
  read(): { readonly imagesPerSecond: number; readonly secondsLeft: number };
}

/** Share of the newest step in the running mean of a step's time. */
const NEWEST = 0.05;

/**
 * Starts the clock; `left` is the work that is to be done, in any unit in which steps can be told apart. A step's time is its own; the time
 * left also counts what lies between steps. Where steps become more work (larger images), the mean begins anew.
 */
export function openPace(batch: number, left: number): Pace {
  const opened = performance.now();
  let [begun, breathed, mean, steps, unit, done] = [opened, opened, 0, 0, 0, 0];
  return {
    begin() {
      begun = performance.now();
    },
    end(work) {
      const spent = performance.now() - begun;
      if (work !== unit) [steps, unit] = [0, work];
      steps++;
      done += work;
      mean += Math.max(NEWEST, 1 / steps) * (spent - mean);
    },
    seconds: () => (performance.now() - opened) / 1000,
    isBreathDue() {
      const now = performance.now();
      if (now - breathed < 50) return false;
      breathed = now;
      return true;
    },
    read() {
      if (done === 0) return { imagesPerSecond: 0, secondsLeft: 0 };
      const perWork = Math.max(mean / unit, (performance.now() - opened) / done);
      return { imagesPerSecond: (1000 * batch) / mean, secondsLeft: ((left - done) * perWork) / 1000 };
    },
  };
}
