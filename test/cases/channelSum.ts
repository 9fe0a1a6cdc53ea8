import { type Case, operand } from "./case.ts";
import { ragged } from "./shapes.ts";

export const channelSum: readonly Case[] = ragged.map((shape) => ({ operands: [operand(shape)], attrs: {} }));
