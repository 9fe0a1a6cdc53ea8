/** Trainings that are interrupted, that meet a full disk, or that meet each other. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { type Ended, openWorkplace, type Workplace } from "../lib/commandLine.ts";
import { quick, stripeFiles } from "../lib/stripes.ts";

const EPOCHS = 30;

let work: Workplace;
before(async () => {
  work = await openWorkplace();
  await work.write(await stripeFiles("bars", 24));
});
after(() => work.remove());

const fit = (out: string, ...more: string[]): string[] => ["fit", "bars", ...quick(EPOCHS), "--out", out, "--json", ...more];

/** Runs a training and sends a signal once its third epoch has ended. */
function stopped(args: readonly string[], signal: NodeJS.Signals): Promise<Ended> {
  let isSent = false;
  return work.run(args, {
    onStderr(text, child) {
      if (!isSent && /^epoch +3\//m.test(text)) isSent = child.kill(signal);
    },
  });
}

test("Ctrl-C finishes the step, keeps a checkpoint and exits 130; --resume ends with the bits of an undisturbed training", async () => {
  const whole = await work.run(fit("whole.safetensors"));
  assert.equal(whole.code, 0, whole.stderr);
  const { code, stdout, stderr } = await stopped(fit("birds.safetensors"), "SIGINT");
  assert.deepEqual([code, stdout], [130, ""], stderr);
  const step = stderr.match(
    /\nstopped: interrupted after step (\d+) of 150 \(epoch \d+ of 30\); the checkpoint of step (\d+) is kept\n {2}the same command with --resume goes on\n$/,
  );
  assert.ok(step && step[1] === step[2] && Number(step[1]) < 150, stderr);
  assert.deepEqual(
    (await work.names()).filter((name) => name.startsWith("birds") || name.startsWith(".")),
    ["birds.safetensors.checkpoint", "birds.safetensors.checkpoint.previous"],
  );
  const resumed = await work.run(fit("birds.safetensors", "--resume"));
  assert.equal(resumed.code, 0, resumed.stderr);
  assert.match(resumed.stderr, new RegExp(`^going on after step ${step[1]} `, "m"));
  assert.ok((await work.read("birds.safetensors")).equals(await work.read("whole.safetensors")), "the same bits");
  assert.deepEqual(
    (await work.names()).filter((name) => name.startsWith("birds")),
    ["birds.confusion.svg", "birds.safetensors"],
  );
  const [first, second] = [whole, resumed].map(({ stdout: line }) => JSON.parse(line));
  assert.deepEqual([second.accuracy, second.epochs], [first.accuracy, first.epochs]);
});

test("SIGTERM is as good as Ctrl-C; another recipe, seed or network is not resumed, and what differs is named", async () => {
  const { code, stderr } = await stopped(fit("term.safetensors"), "SIGTERM");
  assert.equal(code, 130, stderr);
  const other = await work.run(fit("term.safetensors", "--resume", "--seed", "5"));
  assert.equal(other.code, 2);
  assert.match(
    other.stderr,
    /error: term\.safetensors\.checkpoint is of another training and cannot be resumed as this one:\n.*seed.*\n {2}give the same options, or start anew\n$/s,
  );
  const anew = await work.run(["fit", "bars", ...quick(1), "--out", "term.safetensors"]);
  assert.equal(anew.code, 0);
  assert.match(anew.stderr, /^starting anew: the checkpoint of an unfinished training, term\.safetensors\.checkpoint, is discarded$/m);
});

test("a second trainer on the same output is refused, and the first goes on", async () => {
  let second: Promise<Ended> | undefined;
  const first = await work.run(fit("shared.safetensors"), {
    onStderr(text, child) {
      if (second || !/^epoch +1\//m.test(text)) return;
      // Stopped while the second one runs, so that the first is alive for certain however slow the machine is.
      child.kill("SIGSTOP");
      second = work.run(fit("shared.safetensors")).finally(() => child.kill("SIGCONT"));
    },
  });
  const { code, stdout, stderr } = (await second) as Ended;
  assert.deepEqual([code, stdout], [3, ""]);
  assert.match(
    stderr,
    /^error: "shared\.safetensors" is being written by another training, process \d+: wait for it, stop it, or choose another output\n$/,
  );
  assert.equal(first.code, 0, first.stderr);
  assert.ok((await work.read("shared.safetensors")).equals(await work.read("whole.safetensors")));
});

/** What a training leaves that could not write its first checkpoint. */
async function assertFull({ code, stdout, stderr }: Ended, folder: string): Promise<void> {
  assert.deepEqual([code, stdout], [3, ""], stderr);
  assert.match(stderr, /error: cannot write ".*full\.safetensors.*" \(ENOSPC\): the disk is full; free some space and run again\n$/);
  assert.deepEqual(await work.names(folder), [], "nothing half-written");
}

test("a full disk", async () => {
  mkdirSync(work.path("small"));
  const preload = pathToFileURL(join(import.meta.dirname, "..", "lib", "fullDisk.ts")).href;
  const env = { NODE_OPTIONS: `--import=${preload}`, FULL_DISK_BYTES: "20000" };
  await assertFull(await work.run(fit("small/full.safetensors"), { env }), "small");
});

test("a file system that is really full", async (t) => {
  const folder = work.path("mounted");
  mkdirSync(folder);
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "none", folder]);
  if (mounted.status !== 0) return t.skip("this process may not mount a file system; the test before covers the code");
  try {
    await assertFull(await work.run(fit("mounted/full.safetensors")), "mounted");
  } finally {
    spawnSync("umount", [folder]);
  }
});
