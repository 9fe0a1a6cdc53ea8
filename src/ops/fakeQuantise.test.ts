/** Rounding that gradients go straight through: what is rounded is held to the integers' own code, the gradients to their stated forms. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { interpret } from "../backends/reference/index.ts";
import { random } from "../core/random.ts";
import { type Shape, size } from "../core/shape.ts";
import type { ReferenceTensor } from "../core/tensor.ts";
import type { Value } from "../ir/graph.ts";
import { graphScope, type Scope } from "../ir/scope.ts";
import { differentiate } from "../passes/differentiate.ts";
import { nearestInteger } from "../passes/quantisation.ts";
import { fakeQuantise } from "./fakeQuantise.ts";
import { narrowFilter, narrowScales, totalOf, wideFilter, wideScales } from "./filterScales.ts";
import { blockTotal, MOST_WEIGHT, signedTotal } from "./integerSums.ts";
import { roundToScales } from "./roundToScales.ts";

function drawn(name: string, shape: Shape, scale = 1): ReferenceTensor {
  const { normal } = random(1, name);
  return { shape, data: Float64Array.from({ length: size(shape) }, (_, i) => Math.fround(scale * normal(i))) };
}

/** The output of an expression of leaves, and the gradient of each leaf (undefined: none) for a gradient "dy" of the output. */
function train(
  given: Readonly<Record<string, ReferenceTensor>>,
  build: (g: Scope, leaves: readonly Value[]) => Value,
): { readonly y: Float64Array; readonly dy: Float64Array; readonly gradients: readonly (Float64Array | undefined)[] } {
  const g = graphScope();
  const leaves = Object.entries(given).map(([name, { shape }]) => g.parameter(name, shape, { kind: "constant", value: 0 }));
  const y = build(g, leaves);
  g.output("y", y);
  const { graph, gradients } = differentiate(g.finish(), { loss: "y", cotangent: "dy", wrt: leaves });
  const dy = drawn("dy", y.shape);
  const held = new Map(Object.entries({ ...given, dy }));
  const values = interpret(graph, held, held);
  const of = (value: Value | undefined): Float64Array | undefined => value && values.get(value)?.data;
  return { y: of(y) as Float64Array, dy: dy.data, gradients: leaves.map((leaf) => of(gradients.get(leaf))) };
}

test("a rounded activation is what its integer stands for; the gradient passes where nothing is clamped", () => {
  const grid = { scale: 0.03, zero: 40, low: 0, high: 127 };
  const x = drawn("x", [4, 5, 6, 7], 2);
  const { y, dy, gradients } = train({ x }, (g, [leaf]) => fakeQuantise(g, [leaf], grid));
  let clamped = 0;
  for (const [i, element] of x.data.entries()) {
    assert.equal(y[i], (nearestInteger(element, grid, "u7") - grid.zero) * grid.scale);
    const isClamped = Math.abs(y[i] - element) > 0.500001 * grid.scale;
    if (isClamped) clamped++;
    assert.equal(gradients[0]?.[i], isClamped ? 0 : dy[i]);
  }
  assert.ok(clamped > 50 && clamped < x.data.length / 2, `${clamped} of ${x.data.length} clamped`);
});

test("weights of sums of 32 bits are the integers of the conversion, whose blocks fit 16 bits, and keep their whole gradient", () => {
  const [weight, place] = [drawn("w", [6, 20, 3, 3]), { input: { scale: 0.1, zero: 0 }, output: { scale: 0.1, zero: 0 } }];
  const { y, dy, gradients } = train({ weight }, (g, [w]) => roundToScales(g, [w, wideScales(g, [w], place)], { unit: 1, shift: 0 }));
  for (let o = 0; o < 6; o++) {
    const { integers, scale } = wideFilter(weight.data.subarray(o * 180, (o + 1) * 180), 9, place);
    const total = blockTotal(integers, 9);
    assert.ok(total <= MOST_WEIGHT && total > 0.9 * MOST_WEIGHT, `${total}`);
    assert.deepEqual(
      [...y.subarray(o * 180, (o + 1) * 180)].map((x) => Math.round(x / scale)),
      [...integers],
    );
  }
  assert.deepEqual(gradients[0], dy);
});

test("weights and biases of sums of 16 bits are the integers of the conversion, whose sums fit, and keep their whole gradient", () => {
  const place = { input: { scale: 0.02, zero: 11 }, output: { scale: 0.05, zero: 60 }, least: 130 };
  const [weight, bias] = [drawn("w", [12, 1, 5, 5]), drawn("b", [12])];
  const shift = place.output.zero * place.output.scale;
  const rounded = (which: 0 | 1): ReturnType<typeof train> =>
    train({ weight, bias }, (g, [w, b]) => {
      const scales = narrowScales(g, [w, b], place);
      return roundToScales(g, [which === 0 ? w : b, scales], which === 0 ? { unit: 1, shift: 0 } : { unit: place.input.scale, shift });
    });
  const [weights, biases] = [rounded(0), rounded(1)];
  for (let o = 0; o < 12; o++) {
    const wanted = narrowFilter(weight.data.subarray(o * 25, (o + 1) * 25), () => bias.data[o], place);
    const most = signedTotal(wanted.integers);
    assert.ok(most <= MOST_WEIGHT && most > 0.9 * MOST_WEIGHT, `${most}`);
    const found = weights.y.subarray(o * 25, (o + 1) * 25);
    assert.deepEqual(
      [...found].map((x) => Math.round(x / wanted.scale)),
      [...wanted.integers],
    );
    // The sum of an image of nothing but zero points is the bias.
    const sum = (wanted.bias + place.input.zero * totalOf(wanted.integers)) * wanted.scale * place.input.scale;
    assert.ok(Math.abs(biases.y[o] - (sum - shift)) < 1e-9, `output ${o}: ${biases.y[o]}, ${sum - shift}`);
  }
  assert.deepEqual([weights.gradients[0], weights.gradients[1]], [weights.dy, undefined]);
  assert.deepEqual([biases.gradients[0], biases.gradients[1]], [undefined, biases.dy]);
});
