/**
 * One training in a process of its own, in two stages, for tests that kill it: `train.ts <backend> <output> <crash at call>`. A checkpoint is written
 * after every step; at the given file system call the process kills itself, half-way through where the call writes. The last weights
 * are written to `output` as raw safetensors.
 */
import { open, rename, rm } from "node:fs/promises";
import { atomicWrite, type FileSystem } from "../../src/formats/atomicWrite.node.ts";
import { serialiseSafetensors } from "../../src/formats/safetensors.ts";
import { checkpointStore } from "../../src/train/checkpointStore.node.ts";
import { fit } from "../../src/train/fit.ts";
import { tinyTask } from "../../src/train/tinyTask.testing.ts";
import { trainers } from "./trainers.ts";

const [name, output, crashAt = "0"] = process.argv.slice(2);

let calls = 0;
function isCrash(): boolean {
  return ++calls === Number(crashAt);
}

function die(): Promise<never> {
  process.kill(process.pid, "SIGKILL");
  return new Promise(() => undefined);
}

const crashing: FileSystem = {
  async open(...args: Parameters<typeof open>) {
    if (isCrash()) return die();
    const handle = await open(...args);
    const { writeFile, sync } = handle;
    handle.writeFile = async (bytes) => {
      if (!isCrash()) return writeFile.call(handle, bytes);
      await writeFile.call(handle, (bytes as Uint8Array).subarray(0, 1000));
      return die();
    };
    handle.sync = async () => (isCrash() ? die() : sync.call(handle));
    return handle;
  },
  rename: async (from, to) => (isCrash() ? die() : rename(from, to)),
  rm: async (path, options) => (isCrash() ? die() : rm(path, options)),
};

const { backend, threads } = trainers[name];
await fit({
  // Images grow after the tenth of twenty steps, so some of the kills hit the one stage and some the other.
  ...tinyTask({ epochs: 4, accumulate: 2, stages: [{ size: 8, dropout: 0.05 }, { size: 12 }] }),
  backend,
  threads,
  store: checkpointStore(output, crashing),
  isResumed: true,
  checkpointEvery: { steps: 1 },
  onProgress: ({ phase, step }) => console.log(phase, step),
  onNotice: (sentence) => console.log(`notice ${sentence}`),
  save: ({ last }) => atomicWrite(output, serialiseSafetensors(last)),
});
process.exit(0);
