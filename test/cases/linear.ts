import { type Case, operand } from "./case.ts";

const layers = [
  { n: 1, inner: 1, out: 1, hasBias: false },
  { n: 2, inner: 3, out: 5, hasBias: true },
  { n: 3, inner: 58, out: 7, hasBias: true },
  { n: 1, inner: 128, out: 10, hasBias: true },
  { n: 5, inner: 64, out: 33, hasBias: false },
  { n: 64, inner: 17, out: 10, hasBias: true },
];

export const linear: readonly Case[] = layers.map(({ n, inner, out, hasBias }) => {
  const operands = [operand([n, inner]), operand([out, inner])];
  return { operands: hasBias ? [...operands, operand([out])] : operands, attrs: {} };
});

export const linearInputGradient: readonly Case[] = layers.map(({ n, inner, out }) => ({
  operands: [operand([n, out]), operand([out, inner])],
  attrs: {},
}));

export const linearWeightGradient: readonly Case[] = layers.map(({ n, inner, out }) => ({
  operands: [operand([n, inner]), operand([n, out])],
  attrs: {},
}));
