import type { Backend } from "../engine/session.ts";

/** For tests: a backend whose stored values are rounded to float32 after each run, as those of a float32 engine are. */
export function roundingBackend(backend: Backend): Backend {
  return {
    name: `${backend.name}, rounded`,
    async open(graph, weights, options) {
      const session = await backend.open(graph, weights, options);
      const targets = graph.updates.map(({ target }) => target.name as string);
      const runInPlace = (): void => {
        session.runInPlace();
        for (const name of targets) session.write(name, session.read(name));
      };
      return { ...session, runInPlace };
    },
  };
}
