/** Fixtures of Mitchell's product: element by element, special values, convolutions; with three gradients each. */
import { mitchellLog2, mitchellProduct, mitchellSlope } from "../../src/core/mitchell.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import type { Backend } from "../../src/engine/session.ts";
import type { Safetensors } from "../../src/formats/safetensors.ts";
import { graphScope } from "../../src/ir/scope.ts";
import { conv2d } from "../../src/ops/conv2d.ts";
import { type Convolution, convolvedShape } from "../../src/ops/convolution.ts";
import { optimise } from "../../src/passes/index.ts";
import { gradientsOf } from "../../src/passes/setArithmetic.ts";
import { argumentReader } from "./blocks.ts";
import { expect, expectNear, expectShape, Mismatch, type Tolerances } from "./compare.ts";
import { type BlockFixture, readFixture } from "./replayBlock.ts";
import { runOnce, type Tensors, withGradients } from "./run.ts";

/** Magnitudes that the engine takes as they are; what is smaller counts as 2⁻⁶³, what is larger as the number below 2⁶⁴. */
const LEAST = 2 ** -63;
const BEYOND = 2 ** 64;

/** Replays one file on the library's functions and on a backend; returns remarks. */
export async function replayMitchell(file: Safetensors, backend: Backend, tolerances: Tolerances): Promise<readonly string[]> {
  const fixture = readFixture(file);
  if (file.tensors.has("state.weight")) return replayConvolution(fixture, backend, tolerances);
  const [a, b, output] = ["a", "b", "output"].map((name) => fixture.tensor(name));
  const products = a.data.map((x, i) => mitchellProduct(x, b.data[i]));
  if (!file.tensors.has("cotangent")) return replaySpecial({ a, b, output }, products, backend, tolerances);
  expectBits("mitchellProduct", products, output.data);
  return replayProducts(fixture, backend, tolerances);
}

/** The same bits; NaNs are all alike, zeros are not. */
function expectBits(what: string, found: ArrayLike<number>, needed: ArrayLike<number>): void {
  for (let i = 0; i < needed.length; i++) {
    expect(Object.is(found[i], needed[i]), () => `${what}: element ${i} is ${found[i]}, needed ${needed[i]}`);
  }
}

/** One convolution that a fixture fixes: operands, and what comes out. */
interface Layer {
  readonly attrs: Omit<Convolution, "similarity">;
  readonly input: Tensor;
  readonly weights: Tensors;
  readonly output: Tensor;
}

/** Output and, for a cotangent, gradients of "input", "weight" and "bias" under each convention. */
async function replayLayer(
  { attrs, input, weights, output }: Layer,
  backend: Backend,
  { block: tolerance }: Tolerances,
  training?: { readonly cotangent: Tensor; gradient(convention: string): Tensors },
): Promise<void> {
  for (const gradient of gradientsOf("mitchell")) {
    const g = graphScope();
    const x = g.input("input", input.shape);
    const leaves = ["weight", "bias"].flatMap((name) => {
      const held = weights.get(name);
      return held ? [g.parameter(name, held.shape, { kind: "constant", value: 0 })] : [];
    });
    g.output("output", conv2d(g, [x, ...leaves], { ...attrs, similarity: "mitchell", gradient }));
    const graph = g.finish();
    const inference = optimise(graph, weights);
    await runOnce(backend, inference.graph, inference.weights, { input }, ({ outputs }) => {
      expectShape("output", outputs.output.shape, output.shape);
      expectNear("output", outputs.output.data, output.data, { tolerance });
    });
    if (!training) return;
    const { cotangent } = training;
    const gradients = withGradients(graph, x, { loss: "output", cotangent: "cotangent" });
    await runOnce(backend, gradients.graph, weights, { input, cotangent }, (ran) => {
      for (const leaf of [x, ...leaves]) {
        const needed = training.gradient(gradient).get(leaf.name as string);
        if (!needed) throw new Mismatch(`grad_${gradient}.${leaf.name}: not in the fixture`);
        expectNear(`grad_${gradient}.${leaf.name}`, gradients.of(ran, leaf).data, needed.data, { tolerance });
      }
    });
  }
}

async function replayConvolution(
  { about, tensor, group }: BlockFixture,
  backend: Backend,
  tolerances: Tolerances,
): Promise<readonly string[]> {
  const { args, unread } = argumentReader(about.args);
  const [stride, padding] = [args.number("stride"), args.number("padding")];
  const weights = group("state.");
  // What these say, the weight's shape and whether there is a bias say too.
  for (const name of ["in_channels", "out_channels", "kernel_size"]) args.number(name);
  expect(args.flag("bias", false) === weights.has("bias"), () => "bias: the arguments and the state disagree");
  if (unread().length > 0) throw new Mismatch(`unsupported: arguments ${unread().join(", ")} of ${about.class}`);
  const attrs = { stride: [stride, stride], padding: [padding, padding, padding, padding], groups: 1 } as const;
  const [input, output] = [tensor("input"), tensor("output_eval")];
  const shape = convolvedShape(input.shape, tensor("state.weight").shape, { ...attrs, similarity: "mitchell" });
  expectShape("output_train", tensor("output_train").shape, shape);
  await replayLayer({ attrs, input, weights, output }, backend, tolerances, {
    cotangent: tensor("cotangent"),
    gradient: (convention) => group(`grad_${convention}.`),
  });
  return [];
}

/** Products one by one: a 1×1 convolution of as many channels, each a group of its own. */
function elementwise(a: Tensor, b: Tensor, output: Tensor): Layer {
  const count = a.data.length;
  const column = { shape: [1, count, 1, 1], data: a.data };
  const attrs = { stride: [1, 1], padding: [0, 0, 0, 0], groups: count } as const;
  const weights = new Map([["weight", { shape: [count, 1, 1, 1], data: b.data }]]);
  return { attrs, input: column, weights, output: { shape: column.shape, data: output.data } };
}

async function replayProducts({ tensor, group }: BlockFixture, backend: Backend, tolerances: Tolerances): Promise<readonly string[]> {
  const [a, b, output, cotangent] = ["a", "b", "output", "cotangent"].map((name) => tensor(name));
  expectBits("mitchellLog2", Float32Array.from(a.data, mitchellLog2), tensor("log2_a").data);
  const approximate = cotangent.data.map((dy, i) => mitchellProduct(dy, b.data[i]));
  expectBits("grad_approx.a by mitchellProduct", approximate, tensor("grad_approx.a").data);
  const slopes = cotangent.data.map((dy, i) => dy * mitchellSlope(a.data[i], b.data[i]));
  expectNear("grad_exact.a by mitchellSlope", slopes, tensor("grad_exact.a").data, { tolerance: 1e-7 });
  const layer = elementwise(a, b, output);
  await replayLayer(layer, backend, tolerances, {
    cotangent: { shape: layer.input.shape, data: cotangent.data },
    gradient(convention) {
      const given = group(`grad_${convention}.`);
      return new Map(["a", "b"].map((name, i) => [["input", "weight"][i], given.get(name) as Tensor]));
    },
  });
  return [];
}

/**
 * Special values are a matter of policy. The fixture states the library's: an infinite operand gives an infinity. Where the other operand is below 1
 * its numbers are the sums of bits all the same; these pairs are compared with the statement. Layers of the engine are held to ordinary pairs.
 */
async function replaySpecial(
  { a, b, output }: Readonly<Record<"a" | "b" | "output", Tensor>>,
  products: Float32Array,
  backend: Backend,
  tolerances: Tolerances,
): Promise<readonly string[]> {
  let contradictions = 0;
  const stated = output.data.map((product, i) => {
    const [x, y] = [a.data[i], b.data[i]];
    if (Math.abs(x * y) !== Number.POSITIVE_INFINITY || product === 0 || !Number.isFinite(product)) return product;
    contradictions++;
    return x * y;
  });
  expectBits("mitchellProduct", products, stated);
  const isOrdinary = (x: number): boolean => Math.abs(x) >= LEAST && Math.abs(x) < BEYOND;
  const ordinary = [...a.data.keys()].filter((i) => isOrdinary(a.data[i]) && isOrdinary(b.data[i]));
  const pick = ({ data }: { readonly data: Float32Array }): Tensor => {
    return { shape: [ordinary.length], data: Float32Array.from(ordinary, (i) => data[i]) };
  };
  await replayLayer(elementwise(pick(a), pick(b), pick({ data: products })), backend, tolerances);
  const library = `the library's product is the fixture's, bit for bit, but for ${contradictions} of ${products.length} pairs: infinity times a number below 1 is infinity, as the fixture states and its numbers do not say`;
  if (!tolerances.isFloat32) return [library];
  const policy = "magnitudes below 2⁻⁶³ count as 2⁻⁶³, those from 2⁶⁴ on as the number below it, infinities give NaN";
  return [library, `layers of the engine are held to the ${ordinary.length} ordinary pairs: ${policy}`];
}
