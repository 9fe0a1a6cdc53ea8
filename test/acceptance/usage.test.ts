/** What is typed wrong: exit code 2, what was found, what is needed, the nearest right spelling, and nothing written. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openWorkplace, type Workplace } from "../lib/commandLine.ts";
import { stripeFiles } from "../lib/stripes.ts";

let work: Workplace;
before(async () => {
  work = await openWorkplace();
  await work.write(await stripeFiles("bars", 2));
});
after(async () => {
  assert.deepEqual(await work.names(), ["bars"]);
  await work.remove();
});

/** A command line and all of its stderr. */
const mistakes: readonly (readonly [string, string])[] = [
  [
    "fti bars",
    'unknown command "fti"\n  did you mean "fit"?   (commands: fit, classify, evaluate, quantize, compile, export, import, recipes, networks, explain, compare, profile, data)',
  ],
  [
    "photograph",
    'unknown command "photograph"\n  (commands: fit, classify, evaluate, quantize, compile, export, import, recipes, networks, explain, compare, profile, data)',
  ],
  ["fit bars --epoch 3", 'unknown option "--epoch" of goldcrest fit\n  did you mean "--epochs"?   (list: goldcrest fit --help)'],
  ["networks --zzzzzzz", 'unknown option "--zzzzzzz" of goldcrest networks\n  see goldcrest networks --help'],
  ["fit bars --no-strict", 'unknown option "--no-strict" of goldcrest fit\n  did you mean "--strict"?   (list: goldcrest fit --help)'],
  ["fit bars --network mobilnet-v2", 'unknown network "mobilnet-v2"\n  did you mean "mobilenet-v2"?   (list: '],
  [
    "fit bars --recipe smal",
    'unknown recipe "smal"; did you mean "small"? (recipes: small, photos, paper-sgd, paper-rmsprop, paper-adamw, squeezenet, ',
  ],
  ["fit bars --recipe published", "--recipe published is that of a network; it needs --network"],
  [
    "fit bars --recipe published --network vgg-16",
    "no recipe was published for vgg-16\n  give one by name: squeezenet, squeezenext, mobilenet-v1, ",
  ],
  [
    "fit bars --recipe efficientnet-v2-s --epochs 3",
    "epochs is 3; it needs at least 4 for these 4 stages, of which number 3 would have no epoch",
  ],
  ["fit bars --progressive --epochs 2", "epochs is 2; it needs at least 4 for these 4 stages"],
  ["fit bars --dropout 1", "--dropout is 1; it needs a share from 0 to below 1"],
  ["recipes smal", 'unknown recipe "smal"; did you mean "small"?'],
  ["recipes micronet --epochs 0", "epochs is 0; it needs a whole number at least 1 and at most 100000"],
  ["fit bars --lr NaN", '--lr is "NaN"; it needs a number'],
  ["fit bars --lr -1", "--lr is -1; it needs a number above 0 and at most 1000"],
  ["fit bars --lr 0", "--lr is 0; it needs a number above 0 and at most 1000"],
  ["fit bars --lr Infinity", "--lr is Infinity; it needs a number above 0 and at most 1000"],
  ["fit bars --lr", "--lr needs a value: --lr <rate>"],
  [
    "fit bars --out --resume",
    "--out needs a value, found the option --resume\n  a value that begins with a dash is written --out=--resume",
  ],
  ["fit bars --json=yes", '--json takes no value; found "yes"'],
  ["fit bars --epochs 1 --epochs 2", "--epochs is given twice; it needs to be given once"],
  ["fit bars --epochs 1e12", "--epochs is 1000000000000; it needs a whole number at least 1 and at most 100000"],
  ["fit bars --batch 0", "--batch is 0; it needs a whole number at least 1 and at most 65536"],
  ["fit bars --batch 8 --accumulate 3", "accumulate is 3; it needs a divisor of the batch, 8"],
  ["fit bars --seed 1.5", "--seed is 1.5; it needs a whole number of 0 or more"],
  ["fit bars --validation 1", "--validation is 1; it needs a share from 0 to below 1"],
  ["fit bars --size 0", "--size is 0; it needs a whole number of 1 or more"],
  ["fit bars --size 5000", "--size: found 5000, needs an integer from 1 to 4096"],
  ["fit bars --fit stretch", '--fit is "stretch"; it needs one of crop, squash'],
  ["fit bars --threads 0", "--threads is 0; it needs a whole number of 1 or more"],
  ["fit bars more", 'goldcrest fit takes 1 operand; found also "more"\n  usage: goldcrest fit [folder] [options]'],
  ["fit bars --data embedded", 'found two data sets, "bars" and --data embedded; give one'],
  ["classify", "goldcrest classify needs a model file that fit has written\n  usage: goldcrest classify <model> <images…> [options]"],
  [
    "classify a.safetensors",
    "goldcrest classify needs image files, or folders of them\n  usage: goldcrest classify <model> <images…> [options]",
  ],
  ["classify a.safetensors b.png --top 0", "--top is 0; it needs a whole number of 1 or more"],
  ["compile a.safetensors --weights f8", '--weights is "f8"; it needs one of f32, f16, int8'],
  ["compile", "goldcrest compile needs a model file that fit has written\n  usage: goldcrest compile <model> [options]"],
  ["evaluate a.safetensors bars --part most", '--part is "most"; it needs one of test, validation, train, all'],
  ["profile mobilenet-v2 --variant hat", 'mobilenet-v2: unknown variant "hat"'],
  ["profile mobilenet-v2 --width 0", "mobilenet-v2: width 0 is not a number from 0.05 to 8; nearest legal value 0.05"],
  ["data cifar", 'unknown data set "cifar"\n  known is fashion-mnist; a folder of labelled images needs no download'],
];

for (const [line, needed] of mistakes) {
  test(`goldcrest ${line}`, async () => {
    const { code, stdout, stderr } = await work.run(line.split(" "));
    assert.ok(stderr.includes(`error: `) && stderr.includes(needed), `${stderr}\nlacks\n${needed}`);
    assert.deepEqual([code, stdout], [2, ""]);
  });
}

test("without a command the help is shown and the exit code says that nothing was done", async () => {
  const { code, stdout } = await work.run([]);
  assert.equal(code, 2);
  assert.match(stdout, /Usage {2}goldcrest <command> \[options\]/);
});

test("a flag does not swallow the operand after it, and -- ends the options", async () => {
  for (const args of [
    ["fit", "--small-image", "nowhere"],
    ["fit", "--", "nowhere"],
    ["fit", "--no-small-image", "nowhere"],
  ]) {
    const { code, stderr } = await work.run(args);
    assert.deepEqual([code, stderr.split("\n")[0]], [3, "error: nowhere: there is no such folder"]);
  }
  const { stderr } = await work.run(["fit", "--", "--json"]);
  assert.match(stderr, /^error: --json: there is no such folder/);
});
