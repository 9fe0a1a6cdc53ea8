/** Data, model files and outputs that cannot be used: exit code 3, what, where, found and needed, and nothing half-written. */
import assert from "node:assert/strict";
import { symlink } from "node:fs/promises";
import { after, before, test } from "node:test";
import { serialiseSafetensors } from "../../src/formats/safetensors.ts";
import type { Workplace } from "../lib/commandLine.ts";
import { picture } from "../lib/imageFolder.ts";
import { pngFile, writeSample } from "../lib/samples.ts";
import { openTrained, quick, stripeFiles } from "../lib/stripes.ts";

let work: Workplace;
before(async () => {
  work = await openTrained();
});
after(() => work.remove());

/** Runs a training that must be refused; nothing may be left of it. */
async function refusedFit(args: readonly string[], needed: string | RegExp): Promise<void> {
  const held = await work.names();
  const { code, stdout, stderr } = await work.run(["fit", ...args]);
  if (typeof needed === "string") assert.ok(stderr.includes(needed), `${stderr}\nlacks\n${needed}`);
  else assert.match(stderr, needed);
  assert.deepEqual([code, stdout], [3, ""]);
  assert.deepEqual(await work.names(), held, "nothing half-written");
}

test("a folder that is not there, and a file in its place", async () => {
  await refusedFit(["nowhere"], "error: nowhere: there is no such folder\n  it needs one sub-folder of images for each label");
  await refusedFit(
    ["model.safetensors"],
    "error: model.safetensors: a file; needed is a folder with one sub-folder of images for each label",
  );
});

test("an empty folder, and one with one label", async () => {
  await work.write({ "empty/readme.txt": "", "single/cat/1.png": await writeSample(picture(1), { format: "png" }) });
  await refusedFit(["empty", "--out", "x.safetensors"], /^error: empty: .*needs/m);
  await refusedFit(["single", "--out", "x.safetensors"], /^error: single: .*1 label.*at least 2/m);
});

/** Damaged files of every kind, among good ones. */
async function damagedFiles(): Promise<Record<string, Uint8Array | string>> {
  const jpeg = await writeSample(picture(5, 200, 160), { format: "jpeg" });
  return {
    ...(await stripeFiles("damaged", 6)),
    "damaged/lying/cut.jpg": jpeg.subarray(0, jpeg.length / 2),
    "damaged/lying/empty.png": "",
    "damaged/standing/text.webp": "no picture at all",
    "damaged/standing/huge.png": pngFile(30_000, 30_000, 8, 0, new Uint8Array(100)),
  };
}

test("unreadable, truncated and giant images are listed by name and left out; --strict refuses them", async () => {
  await work.write(await damagedFiles());
  await symlink("nothing.png", work.path("damaged/lying/broken.png"));
  const names = ["lying/cut.jpg", "lying/empty.png", "lying/broken.png", "standing/text.webp", "standing/huge.png"];
  const { code, stderr } = await work.run(["fit", "damaged", ...quick(1), "--out", "d.safetensors"]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /damaged: 12 images, 2 labels\n/);
  assert.match(stderr, /warning: 5 images were left out:\n/);
  for (const name of names) assert.match(stderr, new RegExp(`^  ${name}: .+`, "m"));
  assert.match(stderr, /huge\.png: .*30000.*30000|huge\.png: .*900000000|huge\.png: .*900,000,000/);
  await refusedFit(
    ["damaged", ...quick(1), "--strict", "--out", "s.safetensors"],
    /^error: damaged: found 5 images that cannot be used, needs none \(strict\)/m,
  );
});

test("classify lists what it leaves out and exits 3; --strict stops there", async () => {
  const args = ["classify", "model.safetensors", "bars/lying/1.png", "damaged/lying/cut.jpg", "nowhere.png", "empty"];
  const { code, stdout, stderr } = await work.run([...args, "--json"]);
  assert.deepEqual(
    JSON.parse(stdout).map(({ file }: { file: string }) => file),
    ["bars/lying/1.png"],
  );
  assert.equal(code, 3);
  assert.match(stderr, /warning: 3 images were left out:\n/);
  assert.match(stderr, /^ {2}damaged\/lying\/cut\.jpg: .+/m);
  assert.match(stderr, /^ {2}nowhere\.png: there is no such file$/m);
  assert.match(stderr, /^ {2}empty: a folder without images$/m);
  const strict = await work.run([...args, "--strict", "--json"]);
  assert.deepEqual([strict.code, strict.stdout, strict.stderr], [3, "", "error: nowhere.png: there is no such file\n"]);
});

test("labels that collide after Unicode normalisation", async () => {
  await work.write({
    "twins/caf\u00e9/1.png": await writeSample(picture(1), { format: "png" }),
    "twins/cafe\u0301/2.png": await writeSample(picture(2), { format: "png" }),
  });
  await refusedFit(
    ["twins", "--out", "x.safetensors"],
    /^error: twins: found sub-folders .* and .*, which differ only in Unicode normalisation\n {2}needs labels that stay different/m,
  );
});

test("the same image in training and validation is warned of, by name", async () => {
  const files = await stripeFiles("copies", 2);
  for (const copy of ["a", "b", "c", "d", "e", "f"]) files[`copies/lying/${copy}.png`] = files["copies/lying/0.png"];
  await work.write(files);
  const { code, stderr } = await work.run(["fit", "copies", ...quick(1), "--validation", "0.5", "--out", "c.safetensors"]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /warning: images that are both in training and validation: \d+ \(lying\/.\.png = lying\/.\.png/);
});

test("an output that cannot be written is refused before the data is read", async () => {
  await work.write({ "file.txt": "" });
  const places = [
    [
      "nowhere/x.safetensors",
      /^error: cannot write ".*nowhere\/x\.safetensors.*" \(ENOENT\): the folder does not exist; create it first\n$/,
    ],
    ["file.txt/x.safetensors", /^error: cannot \w+ ".*file\.txt\/x\.safetensors.*" \(ENOTDIR\): part of the path is a file/],
    ["bars", /^error: cannot write "bars": that is a folder; give the name of a file\n$/],
    ["/dev/null", /^error: cannot write "\/dev\/null": that is a device; give the name of a file\n$/],
  ] as const;
  for (const [place, needed] of places) await refusedFit(["bars", "--out", place], needed);
});

test("an output folder without permission is refused", { skip: process.getuid?.() === 0 && "root may write everywhere" }, async () => {
  await refusedFit(["bars", "--out", "/usr/x.safetensors"], /\((EACCES|EROFS)\)/);
});

test("a size too small for the network is refused with the least one", async () => {
  await refusedFit(
    ["bars", "--network", "mobilenet-v2", "--size", "2", "--out", "x.safetensors"],
    "error: mobilenet-v2: images of 2×2 pixels are too small, it needs at least 5×5; keep more resolution (--small-image or --dropped-strides) or enlarge the images; nearest legal value 5\n",
  );
});

test("model files that are absent, truncated, altered or not ours", async () => {
  const good = await work.read("model.safetensors");
  const altered = Uint8Array.from(good);
  altered[altered.length - 100] ^= 1;
  const foreign = serialiseSafetensors(new Map([["w", { shape: [2], data: new Float32Array([1, 2]) }]]));
  await work.write({
    "models/truncated.safetensors": good.subarray(0, good.length - 1000),
    "models/head.safetensors": good.subarray(0, 5),
    "models/altered.safetensors": altered,
    "models/foreign.safetensors": foreign,
    "models/photo.jpg": await writeSample(picture(1), { format: "jpeg" }),
    "models/empty.safetensors": "",
  });
  const texts = {
    "nowhere.safetensors": "there is no such file",
    "truncated.safetensors": /ends at byte \d+ of \d+ \(truncated\?\)/,
    "head.safetensors": /bytes/,
    "altered.safetensors": /altered|damaged|hash|SHA-256/,
    "foreign.safetensors": /not a Goldcrest model|no Goldcrest model/,
    "photo.jpg": /not a safetensors file/,
    "empty.safetensors": /bytes/,
  };
  for (const [name, text] of Object.entries(texts)) {
    const { code, stdout, stderr } = await work.run(["classify", `models/${name}`, "bars/lying/1.png"]);
    assert.ok(stderr.startsWith(`error: models/${name}: `), stderr);
    assert.match(stderr, typeof text === "string" ? new RegExp(text) : text);
    assert.deepEqual([code, stdout], [3, ""], name);
  }
  const folder = await work.run(["evaluate", "models", "bars"]);
  assert.deepEqual([folder.code, folder.stderr], [3, "error: models: found a folder, needs a file\n"]);
});

test("a folder with labels that the model does not know", async () => {
  await work.write(await stripeFiles("other", 2, ["lying", "slanted"]));
  const { code, stderr } = await work.run(["evaluate", "model.safetensors", "other"]);
  assert.equal(code, 3);
  assert.match(stderr, /^error: other: the label "slanted" is unknown to the model; it knows "lying", "standing"$/m);
});
