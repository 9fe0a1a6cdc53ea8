import assert from "node:assert/strict";
import { test } from "node:test";
import { type Code, type V128, v128 } from "../assembler.ts";
import { hasRelaxedSimd } from "../features.ts";
import { control, wasmKernel, writeModule } from "../module.ts";
import { exponential, logarithm, logisticDenominator } from "./exp.ts";

/** Runs one function of four lanes over an array, alone in a module. */
function mapped(rule: (k: Code) => (x: V128) => V128, xs: Float32Array, isRelaxed: boolean): Float32Array {
  const source = wasmKernel("map", { y: "i32", x: "i32", bytes: "i32" }, ({ y, x, bytes }, k) => {
    const apply = rule(k);
    k.for({ to: bytes, step: 16 }, (at) => k.store(y.plus(at), apply(v128.load(x.plus(at)))));
  });
  const [stepAt, argsAt, xAt] = [1024, 2048, 65536];
  const pages = 1 + Math.ceil((2 * xs.byteLength) / 65536);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const words = new Int32Array(memory.buffer);
  words[control.steps / 4] = stepAt;
  words.set([1, argsAt, 1, 0], stepAt / 4);
  words.set([xAt + xs.byteLength, xAt, xs.byteLength], argsAt / 4);
  new Float32Array(memory.buffer).set(xs, xAt / 4);
  const module = new WebAssembly.Module(writeModule([source], { pages, isShared: false, isRelaxed }));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  (exports.run as (...args: number[]) => void)(0, 1, 0, 1, 0);
  return new Float32Array(memory.buffer, xAt + xs.byteLength, xs.length);
}

/** The largest error in units of the result's last place. */
function worstError(xs: Float32Array, ys: Float32Array, exact: (x: number) => number): number {
  return xs.reduce((most, x, i) => {
    const y = exact(x);
    const unit = Math.max(2 ** (Math.floor(Math.log2(Math.abs(y))) - 23), 2 ** -149);
    return Math.max(most, Math.abs(ys[i] - y) / unit);
  }, 0);
}

const between = (low: number, high: number): Float32Array =>
  Float32Array.from({ length: 40_000 }, (_, i) => low + ((high - low) * i) / 40_000);

for (const isRelaxed of hasRelaxedSimd() ? [false, true] : [false]) {
  test(`exp and log are right to two units in the last place, 1 + exp to three${isRelaxed ? ", multiply–add fused" : ""}`, () => {
    for (const xs of [between(-86, 88.7), between(-1, 1)]) assert.ok(worstError(xs, mapped(exponential, xs, isRelaxed), Math.exp) < 2);
    const logistic = (x: number): number => 1 + Math.exp(-x);
    for (const xs of [between(-87, 87), between(-1, 1)])
      assert.ok(worstError(xs, mapped(logisticDenominator, xs, isRelaxed), logistic) < 3);
    for (const xs of [between(1e-30, 100), between(0.5, 2)]) assert.ok(worstError(xs, mapped(logarithm, xs, isRelaxed), Math.log) < 2);
  });
}

test("exp of what has no finite exponential", () => {
  const ys = mapped(
    exponential,
    Float32Array.of(Number.NaN, 89, 1e30, Number.POSITIVE_INFINITY, -200, Number.NEGATIVE_INFINITY, 0, -0),
    false,
  );
  assert.ok(Number.isNaN(ys[0]));
  assert.deepEqual([...ys.subarray(1, 4)], [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
  assert.ok(ys[4] >= 0 && ys[4] < 1e-37 && ys[5] >= 0 && ys[5] < 1e-37);
  assert.deepEqual([ys[6], ys[7]], [1, 1]);
});

test("beyond ±87 the logistic function's denominator stays finite, and NaN stays NaN", () => {
  const ys = mapped(
    logisticDenominator,
    Float32Array.of(Number.NaN, 88, Number.POSITIVE_INFINITY, -100, Number.NEGATIVE_INFINITY, 0),
    false,
  );
  assert.ok(Number.isNaN(ys[0]));
  assert.deepEqual([ys[1], ys[2], ys[5]], [1, 1, 2]);
  assert.ok(ys[3] > 6e37 && ys[3] === ys[4] && Number.isFinite(ys[3]));
});
