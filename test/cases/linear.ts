import type { Linear } from "../../src/ops/linear.ts";
import { similarityGradient } from "../../src/ops/similarity.ts";
import { type Case, gridded, operand, signed } from "./case.ts";

const layers = [
  { n: 1, inner: 1, out: 1, hasBias: false },
  { n: 2, inner: 3, out: 5, hasBias: true },
  { n: 3, inner: 58, out: 7, hasBias: true },
  { n: 1, inner: 128, out: 10, hasBias: true },
  { n: 5, inner: 64, out: 33, hasBias: false },
  { n: 64, inner: 17, out: 10, hasBias: true },
];

const similarities: readonly Linear[] = [
  {},
  { similarity: "l1" },
  { similarity: "mitchell" },
  { similarity: "mitchell", gradient: "exact" },
];

/** Every layer with products; the other similarities leave out the largest. */
const all = similarities.flatMap((attrs, i) => layers.slice(0, i === 0 ? layers.length : 5).map((layer) => ({ ...layer, attrs })));

function isBilinear({ similarity = "product", gradient }: Linear): boolean {
  return similarityGradient({ similarity, gradient }).isBilinear;
}

export const linear: readonly Case[] = all.map(({ n, inner, out, hasBias, attrs }) => {
  const draw = attrs.similarity === "mitchell" ? gridded : signed;
  const operands = [operand([n, inner], draw), operand([out, inner], draw)];
  return { operands: hasBias ? [...operands, operand([out])] : operands, attrs };
});

export const linearInputGradient: readonly Case[] = all.map(({ n, inner, out, attrs }) => ({
  operands: [operand([n, out]), operand([out, inner]), ...(isBilinear(attrs) ? [] : [operand([n, inner])])],
  attrs,
}));

export const linearWeightGradient: readonly Case[] = all.map(({ n, inner, out, attrs }) => ({
  operands: [operand([n, inner]), operand([n, out]), ...(isBilinear(attrs) ? [] : [operand([out, inner])])],
  attrs,
}));
