/** Odd widths, sizes, channels and designs: each is built or refused with the nearest legal value, which then is built. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type DesignName, designs } from "../blocks/index.ts";
import { OptionError, ShapeError } from "../core/errors.ts";
import { verify } from "../ir/verify.ts";
import { type BuildOptions, buildNetwork, type ImageSize, type Network, networks } from "./index.ts";

const widths = [0.05, 0.07, 0.13, 0.21, 1 / 3, 0.61, 0.83, 1.01, 1.37, 2.22, Math.PI, 8];
const sizes: readonly ImageSize[] = [1, 2, 3, 5, 7, 16, 17, 29, [1, 9], [33, 31], [224, 5], 113];

/** The options with what a refusal names replaced by the value that it names. */
function corrected(options: BuildOptions, message: string): BuildOptions {
  const legal = Number(/nearest legal value ([\d.]+)$/.exec(message)?.[1]);
  assert.ok(legal > 0, `no nearest legal value: ${message}`);
  if (/pixels are too small/.test(message)) {
    const { size = 0 } = options;
    const [height, width] = typeof size === "number" ? [size, size] : size;
    return { ...options, size: [Math.max(height, legal), Math.max(width, legal)] };
  }
  const named = /^[\w.-]+: (?:at )?(\w+) /.exec(message)?.[1] ?? (/classes; nearest/.test(message) ? "classes" : "");
  assert.ok(["width", "classes", "depth", "channels", "batch"].includes(named), `no option is named: ${message}`);
  return { ...options, [named]: legal };
}

/** Builds, or is refused and builds with the named value. */
function assertLegality(network: Network, options: BuildOptions): void {
  const place = `${network.name} ${JSON.stringify(options)}`;
  try {
    verify(buildNetwork(network, options));
  } catch (error) {
    assert.ok(error instanceof OptionError || error instanceof ShapeError, `${place}: ${error}`);
    const better = corrected(options, error.message);
    assert.doesNotThrow(() => verify(buildNetwork(network, better)), `${place}: ${error.message}`);
  }
}

for (const network of Object.values(networks)) {
  // Variants that are partitions or depths of one structure differ in nothing that a width could meet.
  const variants = Object.keys(network.variants).slice(0, 4);

  test(`${network.name}: every width is built, or refused with one that is`, () => {
    for (const width of widths) assertLegality(network, { width, size: Math.min(network.inputSize, 64) });
    for (const variant of variants) for (const width of [0.13, 0.61, 1.37]) assertLegality(network, { variant, width, channels: 1 });
  });

  test(`${network.name}: every size is built, or refused with one that is, small image or not`, () => {
    for (const size of sizes) for (const isSmallImage of [false, true]) assertLegality(network, { size, isSmallImage, classes: 3 });
  });

  test(`${network.name}: odd class counts, channels and dropout are built in every padding`, () => {
    for (const padding of ["symmetrical", "tensorflow"] as const)
      assertLegality(network, { classes: 1, channels: 5, dropout: 0.37, batch: 3, padding, isTraining: true, size: [65, 47] });
    for (const options of [{ channels: 0 }, { batch: 1.5 }, { classes: 0 }, { width: 9 }, { depth: 0.37 }])
      assertLegality(network, { size: 64, ...options });
  });

  if (!network.takesDesigns) continue;
  test(`${network.name}: every design is built at every width, in every reading`, () => {
    for (const conv of Object.keys(designs) as DesignName[]) {
      for (const width of widths)
        assert.doesNotThrow(() => verify(buildNetwork(network, { conv, width, size: 64 })), `${conv} at ${width}`);
      for (const variant of variants) assert.doesNotThrow(() => verify(buildNetwork(network, { conv, variant, width: 0.37 })), conv);
    }
  });
}
