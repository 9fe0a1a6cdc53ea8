import { avoiding, type Case, type Draw, operand, unit } from "./case.ts";
import { ragged } from "./shapes.ts";

function over(draw: Draw): readonly Case[] {
  return ragged.map((shape) => ({ operands: [operand(shape, draw)], attrs: {} }));
}

function gradientOver(read: Draw): readonly Case[] {
  return ragged.map((shape) => ({ operands: [operand(shape), operand(shape, read)], attrs: {} }));
}

export const relu = over(avoiding(0));
export const reluGradient = gradientOver(avoiding(0));
export const relu6 = over(avoiding(0, 6));
export const relu6Gradient = gradientOver(avoiding(0, 6));
export const hardSigmoid = over(avoiding(-3, 3));
export const hardSigmoidGradient = gradientOver(avoiding(-3, 3));
export const hardSwish = over(avoiding(-3, 3));
export const hardSwishGradient = gradientOver(avoiding(-3, 3));
export const affine: readonly Case[] = ragged.flatMap((shape) =>
  [
    { scale: -0.75, shift: 0.5 },
    { scale: 2, shift: 0 },
  ].map((attrs) => ({ operands: [operand(shape)], attrs })),
);
export const clip: readonly Case[] = ragged.map((shape) => ({ operands: [operand(shape, avoiding())], attrs: { low: -1.5, high: 4 } }));
export const sigmoid = over(avoiding());
export const sigmoidGradient = gradientOver(unit);
export const silu = over(avoiding());
export const siluGradient = gradientOver(avoiding());
