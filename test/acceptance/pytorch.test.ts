/** A model goes out to PyTorch and comes back, by the command line; PyTorch itself is the matter of npm run test:interop. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { loadModel } from "../../src/model/model.ts";
import type { Workplace } from "../lib/commandLine.ts";
import { openTrained } from "../lib/stripes.ts";

let work: Workplace;
before(async () => {
  work = await openTrained();
});
after(() => work.remove());

test("export writes a folder, import makes the same model of it", async () => {
  const exported = await work.run(["export", "model.safetensors", "--to", "pytorch"]);
  assert.deepEqual([exported.code, exported.stderr.includes("next: python3 model.py --check")], [0, true], exported.stderr);
  assert.match(exported.stdout, /^model-pytorch\n[\s\S]*model\.py +\d/);
  assert.match((await work.read("model-pytorch/model.py")).toString(), /^class VanillaCompact\(nn\.Module\):$/m);
  const imported = await work.run(["import", "model-pytorch"]);
  assert.equal(imported.code, 0, imported.stderr);
  assert.match(
    imported.stdout,
    /model-pytorch\.safetensors \([\d,]+ bytes\): vanilla-compact, 2 labels\n {2}the logits of Goldcrest [\d.]+ on the golden images, within 0/,
  );
  const [before, back] = [
    await loadModel(await work.read("model.safetensors")),
    await loadModel(await work.read("model-pytorch.safetensors")),
  ];
  assert.deepEqual(back, before);
});

test("export replaces its own folder as long as nobody has worked in it", async () => {
  const args = ["export", "model.safetensors", "--to", "pytorch", "--out", "there", "--recipe", "paper-sgd", "--json"];
  const codes = [(await work.run(args)).code, (await work.run(args)).code];
  assert.deepEqual(codes, [0, 0]);
  assert.equal(JSON.parse((await work.read("there/recipe.json")).toString()).recipe.epochs, 90);
  await work.write({ "there/notes.txt": "mine" });
  const refused = await work.run(args);
  assert.deepEqual([refused.code, refused.stdout], [3, ""]);
  assert.match(refused.stderr, /there: a folder with other contents is there; nothing is overwritten, choose another one with --out/);
  assert.equal((await work.read("there/notes.txt")).toString(), "mine");
});

test("what cannot be exported or imported is refused with nothing written", async () => {
  const held = await work.names();
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [["export", "model.safetensors"], 2, /goldcrest export needs --to, one of onnx, pytorch/],
    [["export", "model.safetensors", "--to", "keras"], 2, /--to is "keras"; it needs one of onnx, pytorch/],
    [["export", "bars/lying/0.png", "--to", "pytorch"], 3, /0\.png: header of \d+ bytes/],
    [["import", "bars"], 3, /bars: nothing that goldcrest import reads; it reads\n {2}a folder that goldcrest export/],
    [["import", "nowhere"], 3, /nowhere: there is no such file/],
  ];
  for (const [args, code, message] of cases) {
    const ended = await work.run(args);
    assert.deepEqual([ended.code, ended.stdout], [code, ""], args.join(" "));
    assert.match(ended.stderr, message);
  }
  assert.deepEqual(await work.names(), held);
});
