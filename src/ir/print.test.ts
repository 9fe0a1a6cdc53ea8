import assert from "node:assert/strict";
import { test } from "node:test";
import { ops } from "../ops/index.ts";
import { print } from "./print.ts";
import { graphScope } from "./scope.ts";

test("a graph prints one line a leaf, node, output and update", () => {
  const g = graphScope({ isTraining: true });
  const image = g.input("image", [2, 3, 8, 8]);
  const weight = g.scope("stem").parameter("weight", [4, 3, 3, 3], { kind: "normal", std: 1 });
  const attrs = { stride: [2, 2], padding: [1, 1, 1, 1], groups: 1, similarity: "product" } as const;
  const [y] = g.scope("stem").emit(ops.conv2d as never, [image, weight], attrs, [{ op: ops.relu, attrs: {}, inputs: [] }]);
  const zero = g.scope("norm").parameter("weight", [4], { kind: "constant", value: 0 });
  const mean = g.scope("norm").state("mean", [4], { kind: "constant", value: 0 });
  const count = g.scope("norm").state("count", [], { kind: "constant", value: 0 });
  const [z, , , newMean] = ops.batchNormTrain.all(g.scope("norm"), [y, zero, zero, mean, mean, count], { eps: 1e-5, momentum: 0.1 });
  g.update(mean, newMean);
  g.output("features", z);
  assert.equal(
    print(g.finish()),
    `%0 = input "image" : [2, 3, 8, 8]
%1 = parameter "stem.weight" : [4, 3, 3, 3]
%3 = parameter "norm.weight" : [4]
%4 = state "norm.mean" : [4]
%5 = state "norm.count" : []
%2 = conv2d(%0, %1) {stride=[2, 2], padding=[1, 1, 1, 1], groups=1, similarity=product} |> relu : [2, 4, 4, 4]  # stem
%6, %7, %8, %9, %10, %11 = batchNormTrain(%2, %3, %3, %4, %4, %5) {eps=0.00001, momentum=0.1} : [2, 4, 4, 4], [4], [4], [4], [4], []  # norm
output "features" = %6
update "norm.mean" = %9
`,
  );
});
