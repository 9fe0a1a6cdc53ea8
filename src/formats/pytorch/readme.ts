/** What the README of a folder needs to know of a model. */
export interface ReadmeFacts {
  readonly network: string;
  readonly labels: readonly string[];
  readonly preprocessing: { readonly size: number; readonly channels: number };
}

/** README.md of a folder for PyTorch. */
export function pytorchReadme({ network, labels, preprocessing: { size, channels } }: ReadmeFacts, by: string): string {
  return `# ${network} in PyTorch

Written by ${by}: \`${network}\` for images of ${size} × ${size} with ${channels === 1 ? "one channel" : `${channels} channels`}, ${labels.length} labels.
Needs PyTorch 1.13 or later, and Pillow for folders of images; nothing else.

    python3 model.py --check                                   # the logits are those that Goldcrest computed
    python3 train.py --data FOLDER                             # goes on training from these weights
    torchrun --nproc_per_node 2 train.py --data FOLDER         # the same on two processes, one for each GPU
    goldcrest import .                                         # takes the trained network back

| File | |
|---|---|
| \`model.py\` | The network; \`build()\` makes one, \`load()\` one with these weights. Change it and it is another network, which \`goldcrest import\` refuses. |
| \`train.py\`, \`data.py\` | The training by \`recipe.json\`: schedule, optimiser, average of the weights and random changes of the images as in Goldcrest. \`--help\` lists what can be changed. |
| \`recipe.json\` | The recipe, its stages, and how new weights start (\`--fresh\`). |
| \`weights.safetensors\` | Weights by the same names as in Goldcrest; labels and preprocessing in its metadata. |
| \`weights.py\` | Reads and writes it with nothing but PyTorch. |
| \`golden.json\` | Images by a formula and the logits that belong to them. Whoever changes the weights by other means than \`train.py\` runs \`python3 model.py --golden\` before \`goldcrest import\`. |

FOLDER has one sub-folder of images for each label, or \`train/\` beside \`val/\` or \`test/\` with those, or the four IDX files of the MNIST family.

\`train.py\` writes \`checkpoint.pt\` after every epoch (and every \`--every\` steps); \`--resume\` goes on from it, and so does a restart by \`torchrun\`. A batch of the
recipe is divided among the processes; each normalises its own part, as Goldcrest does with \`accumulate\`. Random numbers are PyTorch's and Python's, so a training here and
one in Goldcrest follow the same rules but not the same path. Padding is that of images of ${size} × ${size}: where a recipe's stages train on smaller ones,
TensorFlow's SAME padding (unequal sides) does not change with them.

Debian's PyTorch 1.13 on Python 3.11 refuses to start several processes unless streams are named: add \`--redirects 1 --tee 1\` to \`torchrun\` (or to
\`python3 -m torch.distributed.run\`, which is the same program).
`;
}
