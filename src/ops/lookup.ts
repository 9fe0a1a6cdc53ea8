import { need } from "../core/errors.ts";
import { formatShape } from "../core/shape.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { plain } from "./cost.ts";
import { needType } from "./requantise.ts";

/** (x, table [256] of 7 bits) → table[x]: any function of one operand, on integers. */
export const lookup: Op = defineOp({
  name: "lookup",
  isElementwise: true,

  shape([x, table]) {
    need(table.length === 1 && table[0] === 256, () => `the table must be [256], found ${formatShape(table)}`);
    return x;
  },

  dtype([x, table]) {
    needType("the operand", x, "u7", "u8");
    needType("the table", table, "u7");
    return "u7";
  },

  cost: plain({ comparisons: 1 }),

  reference(y, [x, table]) {
    for (let i = 0; i < y.data.length; i++) y.data[i] = table.data[x.data[i]];
  },
});
