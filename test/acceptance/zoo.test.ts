/** networks, explain and compare through the command line. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openWorkplace, type Workplace } from "../lib/commandLine.ts";
import { stripeFiles } from "../lib/stripes.ts";

let work: Workplace;
before(async () => {
  work = await openWorkplace();
  await work.write(await stripeFiles("bars", 24));
});
after(() => work.remove());

const training = ["--train", "--data", "bars", "--size", "16", "--width", "0.5", "--batch", "8", "--threads", "1"];

test("networks are filtered, and sorted with what has no value last", async () => {
  const shown = JSON.parse((await work.run(["networks", "--filter", "mobilenet", "--sort", "top1", "--json"])).stdout);
  const tops = shown.map(({ published }: { published: { top1?: number } }) => published.top1);
  assert.deepEqual([shown[0].name, tops[0]], ["mobilenet-v3-large", 75.2]);
  assert.deepEqual(
    tops,
    [...tops].sort((a, b) => (b ?? -1) - (a ?? -1)),
  );
  const family = await work.run(["networks", "--family", "ghostnet"]);
  assert.match(family.stdout, /ghostnet {2}1\.3× +224 +7,358,820/);
});

test("explain shows a network by stages, a block op by op, and draws both", async () => {
  const network = await work.run(["explain", "mobilenet-v2", "--width", "0.5", "--size", "96", "--svg", "v2.svg"]);
  assert.match(network.stdout, /^24×24 .*\n {2}features\.2 .* 1×1 \(48\) → dw 3×3\/2 → 1×1 \(16\)\n {2}features\.3 .* ⊕\(1×1 \(96\)/m);
  assert.match(String(await work.read("v2.svg")), /^<svg [\s\S]*MobileNetV2[\s\S]*<\/svg>\n$/);
  const block = await work.run(["explain", "mobilenet-v2", "--block", "features.3", "--json"]);
  assert.deepEqual(JSON.parse(block.stdout).params, 8832);
  const design = await work.run(["explain", "ghost", "--outputs", "128", "--svg", "ghost.svg"]);
  assert.match(design.stdout, /3×3 convolution, 64 → 64 [\s\S]*┌ the same[\s\S]*└ concatenate/);
});

test("compare counts designs in a backbone, and says what is refused", async () => {
  const { stdout } = await work.run(["compare", "--conv", "vanilla,ghost", "--json"]);
  const { rows } = JSON.parse(stdout);
  assert.deepEqual(
    rows.map(({ label, params }: { label: string; params: number }) => [label, params]),
    [
      ["vanilla", 269_722],
      ["ghost", 136_218],
    ],
  );
});

test("compare takes a network in every arithmetic; one that cannot be computed so is told, the others are counted", async () => {
  const { stdout } = await work.run(["compare", "resnet-20", "--arithmetic", "all", "--json"]);
  const { rows } = JSON.parse(stdout);
  assert.deepEqual(
    rows.map(({ label, macs }: { label: string; macs: number }) => [label, macs]),
    [
      ["product", 40_551_040],
      ["adder", 443_008],
      ["mitchell", 0],
    ],
  );
  const two = await work.run(["compare", "vgg-16", "--arithmetic", "product,adder", "--size", "32"]);
  assert.match(two.stderr, /adder: vgg-16: arithmetic "adder" is for convolutions that a normalisation follows/);
  assert.match(two.stdout, /^product /m);
});

test("networks with --arithmetic are those that can compute so, by kinds of operations and energy", async () => {
  const shown = JSON.parse((await work.run(["networks", "--filter", "squeezene", "--arithmetic", "adder", "--json"])).stdout);
  assert.ok(shown.every(({ name }: { name: string }) => name.startsWith("squeezenext")));
  assert.ok(shown[0].operations.adds > 2 * shown[0].operations.macs && shown[0].microjoules.i8 > 0);
  const { stdout } = await work.run(["networks", "--family", "addernet", "--energy"]);
  assert.match(stdout, /addernet-resnet-20 +32 +272,484 +443 k +201 k +81\.0 M +188 k +– +75\.9 µJ/);
});

test("profile says what the network would take by adders and by Mitchell products", async () => {
  const { stdout } = await work.run(["profile", "resnet-20", "--classes", "10"]);
  assert.match(stdout, /arithmetic energy +188 µJ in float32, .* 9\.38 µJ in int8/);
  assert.match(stdout, /as adders +75\.4 µJ in float32 \(−60 %\), 2\.56 µJ in int8 \(−73 %\), 443 k MACs left\n/);
  assert.match(stdout, /as Mitchell products +41\.7 µJ in float32 \(−78 %\), .* in float16 .*, 0 MACs left\n/);
  const { forms, integerAdds } = JSON.parse((await work.run(["profile", "squeezenet-1.1", "--arithmetic", "mitchell", "--json"])).stdout);
  assert.ok(integerAdds > 0);
  assert.deepEqual(
    forms.map(({ arithmetic, refused }: { arithmetic: string; refused?: string }) => [arithmetic, refused === undefined]),
    [
      ["product", true],
      ["adder", false],
    ],
  );
});

test("a model of adders is trained, saved with its arithmetic, and evaluated", async () => {
  const shape = ["--network", "vanilla-compact", "--width", "0.5", "--size", "16", "--arithmetic", "adder"];
  const fitted = await work.run([
    "fit",
    "bars",
    ...shape,
    "--epochs",
    "6",
    "--batch",
    "8",
    "--threads",
    "1",
    "--out",
    "adders.safetensors",
  ]);
  assert.equal(fitted.code, 0, fitted.stderr);
  assert.match(fitted.stderr, /vanilla-compact ×0\.5, arithmetic adder, for 16×16×1/);
  assert.match(String(await work.read("adders.safetensors")), /"arithmetic\\?":\\?"adder/);
  const { accuracy } = JSON.parse((await work.run(["evaluate", "adders.safetensors", "bars", "--part", "all", "--json"])).stdout);
  assert.ok(accuracy > 0.6, `${accuracy}`);
});

test("compare that is interrupted keeps what is finished, and goes on from it", async () => {
  const args = [
    "compare",
    "vanilla-compact",
    "--conv",
    "depthwise,ghost,fire",
    ...training,
    "--epochs",
    "8",
    "--out",
    "kept.json",
    "--svg",
    "c.svg",
  ];
  const stopped = await work.run(args, {
    onStderr: (text, child) => {
      if (/^depthwise: \d/m.test(text)) child.kill("SIGINT");
    },
  });
  assert.equal(stopped.code, 130, stopped.stderr);
  const kept = JSON.parse(String(await work.read("kept.json"))).rows;
  assert.ok(kept[0].accuracy > 0 && kept[2].accuracy === undefined, JSON.stringify(kept));
  const { code, stdout, stderr } = await work.run(args);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /kept\.json: [12] of 3 are known already/);
  assert.ok(!/^depthwise: \d/m.test(stderr), "it is not trained again");
  assert.match(stdout, /network +size +params +MACs +additions +comparisons +float32 +int8 +accuracy/);
  const finished = JSON.parse(String(await work.read("kept.json"))).rows;
  assert.equal(finished[0].accuracy, kept[0].accuracy);
  assert.ok(finished.every(({ accuracy }: { accuracy: number }) => accuracy > 0.5));
  assert.match(String(await work.read("c.svg")), />fire<\/text>/);
  const other = await work.run([...args, "--lr", "0.05"]);
  assert.equal(other.code, 2);
  assert.match(other.stderr, /recipe\.learningRate: 0\.1 there, 0\.05 asked for/);
});

const refusals: readonly (readonly [args: readonly string[], message: RegExp])[] = [
  [["networks", "--family", "mobilenet"], /unknown family "mobilenet"\n {2}did you mean/],
  [["networks", "--filter", "zzz"], /no network matches/],
  [["networks", "--sort", "weight"], /--sort is "weight"; it needs one of name, params/],
  [["explain", "gost"], /unknown network or design "gost"\n {2}did you mean "ghost"/],
  [["explain", "mobilenet-v2", "--block", "features.99"], /there is no block "features\.99"/],
  [["explain", "igc", "--inputs", "16", "--outputs", "15"], /nearest legal value 16/],
  [["compare"], /needs networks, --all or --conv all/],
  [["compare", "--all", "ghostnet"], /found --all and ghostnet; give one/],
  [["compare", "--conv", "gost"], /unknown design "gost"\n {2}did you mean "ghost"/],
  [["compare", "ghostnet", "--conv", "all"], /--conv needs a plain backbone, found ghostnet/],
  [["profile", "mobilenet-v2", "--conv", "ghost"], /needs a plain backbone/],
  [["profile", "vgg-16", "--arithmetic", "adder"], /there are none; nearest legal value "product"/],
  [["profile", "resnet-20", "--arithmetic", "mitchel"], /unknown arithmetic "mitchel"\n {2}did you mean "mitchell"/],
  [["profile", "resnet-20", "--arithmetic", "mitchell", "--gradient", "stee"], /did you mean "ste"\?/],
  [["compare", "resnet-20", "--arithmetic", "product,ader"], /unknown arithmetic "ader"\n {2}did you mean "adder"/],
];

for (const [args, message] of refusals) {
  test(`${args.join(" ")} is refused`, async () => {
    const { code, stderr, stdout } = await work.run(args);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, message);
  });
}
