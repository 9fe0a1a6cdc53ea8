import assert from "node:assert/strict";
import { test } from "node:test";
import { size } from "../src/core/shape.ts";
import { type AnyOp, type Cost, costOf, sumOperations } from "../src/ir/op.ts";
import { graphScope } from "../src/ir/scope.ts";
import { type Convolution, eachTapRow } from "../src/ops/convolution.ts";
import { type OpName, ops } from "../src/ops/index.ts";
import { type Similar, similarityRule } from "../src/ops/similarity.ts";
import type { Case } from "./cases/case.ts";
import { cases } from "./cases/index.ts";

/** The only ops that multiply and accumulate, as papers count. */
const multiplies: ReadonlySet<string> = new Set<OpName>([
  ...(["conv2d", "conv2dInputGradient", "conv2dWeightGradient"] as const),
  ...(["channelConv", "channelConvInputGradient", "channelConvWeightGradient"] as const),
  ...(["linear", "linearInputGradient", "linearWeightGradient"] as const),
  ...(["integerConv2d", "integerDepthwise", "integerLinear"] as const),
]);

function costOfCase(op: AnyOp, { operands, attrs }: Case): Cost {
  const inputs = operands.map(({ shape }) => shape);
  return op.cost(inputs, attrs, op.shapes(inputs, attrs));
}

/** True for all but the sums of another similarity than the product. */
function isProduct({ attrs }: Case): boolean {
  return ((attrs as Partial<Similar>).similarity ?? "product") === "product";
}

for (const [name, op] of Object.entries(ops) as [OpName, AnyOp][]) {
  test(`${name}: every case has a cost of whole numbers, of the kind of work that the op does`, () => {
    for (const testCase of cases[name]) {
      const { moved, ...operations } = costOfCase(op, testCase);
      const kinds = sumOperations([operations]);
      for (const part of [...Object.values(kinds), moved]) assert.ok(Number.isSafeInteger(part) && part >= 0, `${part} is not a count`);
      if (isProduct(testCase)) assert.equal(kinds.macs > 0, multiplies.has(name));
      assert.equal(
        Object.values(kinds).every((part) => part === 0),
        op.isRouting === true,
      );
      assert.equal(moved === 0, op.isView === true);
    }
  });
}

test("a convolution counts its similarity's operations for each tap that its loops visit, its bias as additions", () => {
  for (const { operands, attrs } of cases.conv2d) {
    const [x, weight, bias] = operands.map(({ shape }) => shape);
    const [y] = ops.conv2d.shapes([x, weight], attrs as Convolution);
    let taps = 0;
    eachTapRow({ x, weight, y, attrs: attrs as Convolution }, () => {
      taps += x[0] * y[3];
    });
    const { macs, adds, integerAdds = 0 } = costOfCase(ops.conv2d, { operands, attrs });
    const tap = similarityRule((attrs as Convolution).similarity).cost;
    assert.deepEqual(
      { macs, adds, integerAdds },
      { macs: taps * tap.macs, adds: taps * tap.adds + (bias ? size(y) : 0), integerAdds: taps * tap.integerAdds },
    );
  }
});

test("a depthwise-separable layer costs what the paper's formula says", () => {
  // MobileNet, arXiv 1704.04861, section 3.1: D_K² · M · D_F² + M · N · D_F².
  const [kernel, from, to, side] = [3, 32, 64, 112];
  const attrs = { stride: [1, 1], padding: [1, 1, 1, 1], groups: from, similarity: "product" } as const;
  const x = [1, from, side, side];
  const depthwise = ops.conv2d.cost([x, [from, 1, kernel, kernel]], attrs, [x]);
  const pointwise = ops.conv2d.cost([x, [to, from, 1, 1]], { ...attrs, padding: [0, 0, 0, 0], groups: 1 }, [[1, to, side, side]]);
  assert.equal(depthwise.macs + pointwise.macs, kernel ** 2 * from * side ** 2 + from * to * side ** 2);
});

test("both gradients of a convolution cost as many multiply–accumulates as the convolution", () => {
  // Shuffled channels are read by inference only.
  const [forwards, inputs, weights] = [cases.conv2d, cases.conv2dInputGradient, cases.conv2dWeightGradient].map((all) =>
    all.filter((each) => isProduct(each) && !Object.hasOwn(each.attrs, "shuffles")),
  );
  assert.deepEqual([inputs.length, weights.length], [forwards.length, forwards.length]);
  for (const [i, forward] of forwards.entries()) {
    const { macs } = costOfCase(ops.conv2d, forward);
    assert.equal(costOfCase(ops.conv2dInputGradient, inputs[i]).macs, macs);
    assert.equal(costOfCase(ops.conv2dWeightGradient, weights[i]).macs, macs);
  }
});

test("a fused activation and a fused residual add their arithmetic, and move only what they read", () => {
  const g = graphScope();
  const x = g.input("x", [2, 8]);
  const inputs = [x, g.parameter("w", [8, 8], { kind: "constant", value: 0 })];
  const fused = [
    { op: ops.add, attrs: {}, inputs: [x] },
    { op: ops.relu, attrs: {}, inputs: [] },
  ];
  g.emit(ops.linear, inputs, {}, fused);
  const [node] = g.finish().nodes;
  const operations = { macs: 2 * 8 * 8, adds: 16, comparisons: 16, multiplications: 0, integerAdds: 0 };
  assert.deepEqual(costOf(node), { ...operations, moved: 16 + 64 + 16 + 16 });
});
