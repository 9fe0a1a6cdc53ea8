/** Our reader and the tests' writer of checkpoints beside PyTorch itself, where this machine has it (Debian's python3-torch). */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readWeightFile } from "../src/formats/weights/weightFile.ts";
import { torchSave } from "./lib/torchWriter.ts";

const python = "/usr/bin/python3";
const hasTorch = spawnSync(python, ["-c", "import torch"]).status === 0;
const skip = hasTorch ? false : `${python} has no torch here`;
const folder = mkdtempSync(join(tmpdir(), "goldcrest-torch-"));
after(() => rmSync(folder, { recursive: true }));

function run(program: string): string {
  const { status, stdout, stderr } = spawnSync(python, ["-c", program, folder], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return stdout;
}

test("torch.load reads what the tests write", { skip }, () => {
  const tensors = new Map([
    ["a.weight", { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
    ["a.bias", { shape: [], data: Float32Array.of(-0.5) }],
  ]);
  writeFileSync(join(folder, "ours.pth"), torchSave(tensors));
  const said = run(`import sys, torch
state = torch.load(sys.argv[1] + "/ours.pth")
print({name: [list(t.shape), t.flatten().tolist(), str(t.dtype)] for name, t in state.items()})`);
  assert.equal(
    said.trim(),
    "{'a.weight': [[2, 3], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 'torch.float32'], 'a.bias': [[], [-0.5], 'torch.float32']}",
  );
});

test("what torch.save writes is read: views, types, nested dictionaries, other protocols", { skip }, async () => {
  run(`import sys, torch
a = torch.arange(6.0).reshape(2, 3)
module = torch.nn.Linear(3, 2)
with torch.no_grad():
    module.weight.copy_(a)
    module.bias.zero_()
state = dict(module.state_dict(), transposed=a.t(), row=a[1], half=a.half(), brain=a.bfloat16(), double=a.double(), long=a.long(), flag=a > 2)
optimiser = torch.optim.SGD(module.parameters(), 0.1, momentum=0.9)
module(a).sum().backward()
optimiser.step()
torch.save({"epoch": 3, "state_dict": state, "optimizer": optimiser.state_dict(), "big": 2**40}, sys.argv[1] + "/theirs.pth")
torch.save(state, sys.argv[1] + "/protocol4.pth", pickle_protocol=4)
torch.save(module, sys.argv[1] + "/module.pth")
torch.save(state, sys.argv[1] + "/old.pth", _use_new_zipfile_serialization=False)`);
  for (const name of ["theirs.pth", "protocol4.pth"]) {
    const { tensors } = await readWeightFile(readFileSync(join(folder, name)));
    const found = Object.fromEntries([...tensors].map(([key, { shape, data }]) => [key, `${shape.join("x")}: ${data.join(" ")}`]));
    const rows = "2x3: 0 1 2 3 4 5";
    const { weight, ...rest } = found;
    assert.match(weight, /^2x3: /);
    const expected = {
      bias: rest.bias,
      transposed: "3x2: 0 3 1 4 2 5",
      row: "3: 3 4 5",
      half: rows,
      brain: rows,
      double: rows,
      long: rows,
    };
    assert.deepEqual(rest, { ...expected, flag: "2x3: 0 0 0 1 1 1" });
  }
  const refused = (name: string): Promise<unknown> => readWeightFile(readFileSync(join(folder, name)));
  await assert.rejects(refused("module.pth"), /refers to "torch.nn.modules.linear.Linear", which is not on the list/);
  await assert.rejects(refused("old.pth"), /PyTorch's old format/);
});
