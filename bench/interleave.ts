import { median } from "../src/core/median.ts";

/** Something to time; returns the milliseconds of one turn. */
export type Turn = () => number | Promise<number>;

/** Takes turns A B A B … and returns the median milliseconds of each contestant, after one turn each that does not count. */
export async function interleave(turns: Readonly<Record<string, Turn>>, rounds: number): Promise<Record<string, number>> {
  const times: Record<string, number[]> = Object.fromEntries(Object.keys(turns).map((name) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const [name, turn] of Object.entries(turns)) {
      const milliseconds = await turn();
      if (round >= 0) times[name].push(milliseconds);
    }
  }
  return Object.fromEntries(Object.entries(times).map(([name, all]) => [name, median(all)]));
}

/** Times `work`, repeated so that a turn lasts at least `least` ms; the result is for one repetition. */
export function timed(work: () => void, least = 100): Turn {
  let repeats = 1;
  return () => {
    for (;;) {
      const start = performance.now();
      for (let i = 0; i < repeats; i++) work();
      const spent = performance.now() - start;
      if (spent >= least) return spent / repeats;
      repeats = Math.ceil((repeats * least * 1.2) / Math.max(spent, 0.01));
    }
  };
}
