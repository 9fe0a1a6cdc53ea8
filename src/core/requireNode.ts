/**
 * Refuses a Node.js that is too old, when an entry is loaded: its first import, so that it speaks before anything fails for want of a newer
 * function. Browsers have no `process` and pass; so do bundlers, which may leave this file out.
 */
import { EngineError } from "./errors.ts";

/** The oldest Node.js that the package runs on; `engines` in package.json says the same. */
const oldest = [22, 12];

const { process } = globalThis as { process?: { versions?: { node?: string } } };
const found = process?.versions?.node;

if (found !== undefined) {
  const [major, minor] = found.split(".").map(Number);
  if (major < oldest[0] || (major === oldest[0] && minor < oldest[1]))
    throw new EngineError(
      `goldcrest needs Node.js ${oldest.join(".")} or later; this is ${found}\n  install a newer one from https://nodejs.org`,
    );
}
