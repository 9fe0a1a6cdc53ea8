/**
 * Elementwise arithmetic on four lanes. The same expression serves a pass of its own and the end of another kernel (`Node.epilogue`).
 */
import type { Fused, Node } from "../../ir/graph.ts";
import type { OpName } from "../../ops/index.ts";
import { type Code, type Expr, type Local, type V128, v128 } from "./assembler.ts";
import type { LowerContext, Pointer } from "./kernel.ts";
import type { Fields } from "./module.ts";

/**
 * Called once where a kernel begins, to put loop constants into locals; returns the arithmetic, from output 0 (or input 0) and the other
 * operands at the same place. Operands used more than once must be put into locals with `k.local`.
 */
export type Expression = (k: Code, attrs: object) => (x: V128, ...operands: readonly V128[]) => V128;

/** The expressions of elementwise ops by op name. */
export type ExpressionTable = Readonly<Partial<Record<OpName, Expression>>>;

/** A node's epilogue, ready for a kernel: the operand pointers as further fields e0, e1 …, and the code. */
export interface Epilogue {
  /** Part of the kernel's key; "" when there is nothing to do. */
  readonly key: string;
  readonly fields: Fields;
  readonly args: Readonly<Record<string, Pointer>>;
  /** Call at kernel entry; the result maps a finished vector at byte offset `at` of the output to what is stored. */
  begin(k: Code, args: Readonly<Record<string, Local<"i32">>>): (x: V128, at: Expr<"i32">) => V128;
}

function attrsKey(attrs: object): string {
  const text = JSON.stringify(attrs);
  return text === "{}" ? "" : text;
}

/** The epilogue of a node, or undefined where one of its ops has no expression or an operand is not shaped like the output. */
export function epilogueOf(node: Node, context: LowerContext, expressions: ExpressionTable): Epilogue | undefined {
  return fusedChain(node.epilogue, node.outputs[0].shape, context, expressions);
}

function fusedChain(
  chain: readonly Fused[],
  shape: readonly number[],
  context: LowerContext,
  expressions: ExpressionTable,
): Epilogue | undefined {
  const fields: Record<string, "i32"> = {};
  const args: Record<string, Pointer> = {};
  const links: { expression: Expression; attrs: object; names: string[] }[] = [];
  for (const fused of chain) {
    const expression = expressions[fused.op.name as OpName];
    const isAligned = fused.inputs.every((value) => value.shape.join() === shape.join() && (shape.length < 2 || !context.isWeight(value)));
    if (!expression || !isAligned) return undefined;
    const names = fused.inputs.map((value) => {
      const name = `e${Object.keys(fields).length}`;
      fields[name] = "i32";
      args[name] = context.at(value);
      return name;
    });
    links.push({ expression, attrs: fused.attrs, names });
  }
  return {
    key: chain.map((fused) => `+${fused.op.name}${attrsKey(fused.attrs)}`).join(""),
    fields,
    args,
    begin(k, pointers) {
      const ready = links.map(({ expression, attrs, names }) => ({ apply: expression(k, attrs), names }));
      return (x, at) => {
        let y = x;
        for (const { apply, names } of ready) y = apply(k.local(y), ...names.map((name) => v128.load(pointers[name].plus(at))));
        return y;
      };
    },
  };
}
