import assert from "node:assert/strict";
import { test } from "node:test";
import { mitchellExp2, mitchellLog2, mitchellProduct, mitchellSlope, wideMitchellProduct, wideMitchellSlope } from "./mitchell.ts";
import { random } from "./random.ts";

const { fround } = Math;
const special = [0, -0, 1e-40, -1e-40, 1.5e-38, 3e38, -3e38, Infinity, -Infinity, NaN, 1, -1, 2 ** -126, fround(1e-20), -fround(1e20)];

/** Normal numbers of any exponent, and some of like size. */
function drawn(name: string): number[] {
  const { uniform } = random(1, name);
  return Array.from({ length: 400 }, (_, i) => {
    const range = i % 2 === 0 ? 250 : 6;
    return fround((uniform(3 * i) < 0.5 ? -1 : 1) * 2 ** ((uniform(3 * i + 1) - 0.5) * range) * (1 + uniform(3 * i + 2)));
  });
}

test("products of the literature", () => {
  const known = [
    [1.5, 1.5, 2],
    [3, 5, 14],
    [-2.5, 4, -10],
    [1.25, 1.25, 1.5],
    [fround(0.1), fround(0.1), fround(0.0093750004)],
  ];
  for (const [a, b, product] of known) assert.equal(mitchellProduct(a, b), product);
});

test("a product is between 8/9 of the true one and the true one", () => {
  const [a, b] = [drawn("a"), drawn("b")];
  let least = 1;
  for (const [i, left] of a.entries()) {
    const ratio = mitchellProduct(left, b[i]) / (left * b[i]);
    if (Math.abs(left * b[i]) < 2 ** -120 || Math.abs(left * b[i]) > 2 ** 120) continue;
    assert.ok(ratio <= 1 && ratio >= 8 / 9, `${left} · ${b[i]}: ${ratio}`);
    least = Math.min(least, ratio);
  }
  assert.ok(least < 0.9);
  assert.equal(mitchellProduct(1.5, 1.5) / 2.25, 8 / 9);
});

test("a product is the exponential of the sum of logarithms", () => {
  const [a, b] = [drawn("c"), drawn("d")];
  for (const [i, left] of a.entries()) {
    const wanted = Math.abs(mitchellProduct(left, b[i]));
    const found = mitchellExp2(mitchellLog2(left) + mitchellLog2(b[i]));
    assert.ok(wanted === 0 || wanted === Infinity || Math.abs(found - wanted) <= 2e-5 * wanted, `${left} · ${b[i]}`);
  }
  assert.equal(mitchellLog2(6), 2.5);
  assert.equal(mitchellExp2(2.5), 6);
  assert.deepEqual([0, -1e-40, Infinity, NaN].map(mitchellLog2), [-Infinity, -Infinity, Infinity, NaN]);
  assert.deepEqual([-Infinity, -127, 128, Infinity, NaN].map(mitchellExp2), [0, 0, Infinity, Infinity, NaN]);
});

test("zero, subnormal, infinite and NaN operands, underflow and overflow", () => {
  const known = [
    [0, 3, 0],
    [-3, 0, 0],
    [1e-40, 1e30, 0],
    [1e-30, 1e-30, 0],
    [1e30, 1e30, Infinity],
    [-1e30, 1e30, -Infinity],
    [Infinity, -2, -Infinity],
    [0.25, Infinity, Infinity],
    [Infinity, 0, NaN],
    [NaN, 0, NaN],
  ];
  for (const [a, b, product] of known) {
    assert.ok(Object.is(mitchellProduct(fround(a), fround(b)), product), `${a} · ${b} is ${mitchellProduct(fround(a), fround(b))}`);
  }
});

test("the slope is the product's difference quotient, and 0 where an operand makes it undefined", () => {
  const [a, b] = [drawn("e"), drawn("f")];
  for (const [i, left] of a.entries()) {
    if (i % 2 === 0) continue;
    const step = 2 ** -30 * Math.abs(left);
    const quotient = (wideMitchellProduct(left + step, b[i]) - wideMitchellProduct(left, b[i])) / step;
    assert.ok(Math.abs(quotient - mitchellSlope(left, b[i])) <= 1e-5 * Math.abs(quotient), `${left} · ${b[i]}`);
  }
  assert.deepEqual([mitchellSlope(3, 0), mitchellSlope(3, Infinity), mitchellSlope(Infinity, 3), mitchellSlope(0, -3)], [0, 0, 0, -2]);
});

test("the wide forms agree with the single-precision ones on single-precision operands", () => {
  const operands = [...special, ...drawn("g").slice(0, 60)].map(fround);
  for (const a of operands) {
    for (const b of operands) {
      assert.ok(Object.is(wideMitchellProduct(a, b), mitchellProduct(a, b)), `${a} · ${b}`);
      assert.ok(Object.is(wideMitchellSlope(a, b), mitchellSlope(a, b)), `slope of ${a} · ${b}`);
    }
  }
});
