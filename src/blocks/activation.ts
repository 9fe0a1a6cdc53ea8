import type { Value } from "../ir/graph.ts";
import type { Op } from "../ir/op.ts";
import type { Scope } from "../ir/scope.ts";
import { hardSigmoid } from "../ops/hardSigmoid.ts";
import { hardSwish } from "../ops/hardSwish.ts";
import { relu } from "../ops/relu.ts";
import { relu6 } from "../ops/relu6.ts";
import { sigmoid } from "../ops/sigmoid.ts";
import { silu } from "../ops/silu.ts";

const activations = { relu, relu6, hardSwish, hardSigmoid, sigmoid, silu } satisfies Record<string, Op>;

/** An elementwise function by name; "identity" adds no node. */
export type Activation = keyof typeof activations | "identity";

/** Applies an activation. */
export function activate(g: Scope, x: Value, activation: Activation): Value {
  return activation === "identity" ? x : activations[activation](g, [x], {});
}
