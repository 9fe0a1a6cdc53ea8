/**
 * Steps of optimisers and moving averages: elementwise over whole buffers, each output over the input that it replaces. Scalars (rate, scale,
 * step, decay) are read where the kernel begins; attributes are constants of the kernel. Scale 0 copies everything, whatever the gradient holds.
 */
import type { Node } from "../../../ir/graph.ts";
import type { AdamW } from "../../../ops/adamw.ts";
import type { RmsProp } from "../../../ops/rmsprop.ts";
import type { Sgd } from "../../../ops/sgd.ts";
import { type Code, type Expr, f32, f32x4, f64, i32, type Local, type V128, v128 } from "../assembler.ts";
import { type Lower, step } from "../kernel.ts";
import { floatsOf } from "../layout.ts";
import { type Fields, wasmKernel } from "../module.ts";

/** Vectors of a unit: 16 KB of each operand. */
const UNIT = 1024;

type Vector = Local<"v128">;

/** The arithmetic of one kind: called at kernel entry with its scalars, it maps the operands' vectors to the outputs'. */
type Rule = (k: Code, scalars: readonly Local<"f32">[]) => (operands: readonly Vector[]) => readonly V128[];

/** How a node of this kind computes: `kept` lists, per output, the operand that it replaces; `scale` is the scalar that guards it. */
interface Kind {
  readonly tensors: number;
  readonly kept: readonly number[];
  readonly scale?: number;
  readonly rule: Rule;
}

function emit(k: Code, kind: Kind, a: Readonly<Record<string, Local<"i32">>>): void {
  const names = Array.from({ length: kind.tensors }, (_, i) => `x${i}`);
  const scalars = Object.keys(a)
    .filter((name) => name.startsWith("s"))
    .map((name) => k.local(f32.load(a[name])));
  const last = k.local(i32.min(a.end.times(UNIT), a.vectors).times(16));
  const each = (visit: (at: Local<"i32">) => void): void => k.for({ from: a.begin.times(UNIT * 16), to: last, step: 16 }, visit);
  const update = (): void => {
    const apply = kind.rule(k, scalars);
    each((at) => {
      const results = apply(names.map((name) => k.local(v128.load(a[name].plus(at))))).map((result) => k.local(result));
      for (const [i, result] of results.entries()) k.store(a[`y${i}`].plus(at), result);
    });
  };
  const keep = (): void =>
    each((at) => {
      for (const [i, from] of kind.kept.entries()) k.store(a[`y${i}`].plus(at), v128.load(a[`x${from}`].plus(at)));
    });
  if (kind.scale === undefined) update();
  else k.if(f32.eq(scalars[kind.scale], f32.const(0)), keep, update);
}

function lowerWith(kindOf: (node: Node) => Kind): Lower {
  return (node, context) => {
    const kind = kindOf(node);
    const tensors = node.inputs.slice(0, kind.tensors);
    const isWeight = context.isWeight(tensors[0]);
    const isUniform = [...tensors, ...node.outputs].every((value) => value.shape.length < 2 || context.isWeight(value) === isWeight);
    if (!isUniform) return undefined;
    const pointers = Object.fromEntries([
      ...node.outputs.map((value, i) => [`y${i}`, context.at(value)] as const),
      ...tensors.map((value, i) => [`x${i}`, context.at(value)] as const),
      ...node.inputs.slice(kind.tensors).map((value, i) => [`s${i}`, context.at(value)] as const),
    ]);
    const fields: Fields = Object.fromEntries([
      ["vectors", "i32"] as const,
      ...Object.keys(pointers).map((name) => [name, "i32"] as const),
    ]);
    const kernel = wasmKernel(`${node.op.name} ${JSON.stringify(node.attrs)}`, fields, (args, k) => emit(k, kind, args as never));
    const vectors = floatsOf(tensors[0].shape, isWeight ? "weight" : "activation") / 4;
    return [step(kernel, Math.ceil(vectors / UNIT), { vectors, ...pointers })];
  };
}

const constant = (k: Code, x: number): Vector => k.local(f32x4.const(x));
const splat = (k: Code, x: Expr<"f32">): Vector => k.local(f32x4.splat(x));

/** p − rate · direction − rate · weightDecay · p. */
function descend(k: Code, rate: Local<"f32">, weightDecay: number): (p: Vector, direction: V128) => V128 {
  const rates = splat(k, rate);
  if (weightDecay === 0) return (p, direction) => k.nmadd(rates, direction, p);
  const shrink = splat(k, f32.mul(rate, f32.const(weightDecay)));
  return (p, direction) => f32x4.sub(k.nmadd(rates, direction, p), f32x4.mul(shrink, p));
}

export const sgd: Lower = lowerWith((node) => {
  const { momentum, nesterov, weightDecay } = node.attrs as Sgd;
  const rule: Rule = (k, [lr, scale]) => {
    const [inertia, factor, move] = [constant(k, momentum), splat(k, scale), descend(k, lr, weightDecay)];
    return ([p, g, v]) => {
      const gradient = k.local(f32x4.mul(g, factor));
      const velocity = k.local(k.madd(inertia, v, gradient));
      return [move(p, nesterov ? k.madd(inertia, velocity, gradient) : velocity), velocity];
    };
  };
  return { tensors: 3, kept: [0, 2], scale: 1, rule };
});

export const rmsprop: Lower = lowerWith((node) => {
  const { decay, eps, momentum, weightDecay } = node.attrs as RmsProp;
  const rule: Rule = (k, [lr, scale]) => {
    const [kept, fresh, least, inertia] = [decay, 1 - decay, eps, momentum].map((x) => constant(k, x));
    const [rate, factor] = [splat(k, lr), splat(k, scale)];
    const shrink = splat(k, f32.mul(lr, f32.const(weightDecay)));
    return ([p, g, s, v]) => {
      const gradient = k.local(f32x4.mul(g, factor));
      const squares = k.local(k.madd(kept, s, f32x4.mul(fresh, f32x4.mul(gradient, gradient))));
      const move = f32x4.div(f32x4.mul(rate, gradient), f32x4.sqrt(f32x4.add(squares, least)));
      const velocity = k.local(k.madd(inertia, v, move));
      return [k.nmadd(shrink, p, f32x4.sub(p, velocity)), squares, velocity];
    };
  };
  return { tensors: 4, kept: [0, 2, 3], scale: 1, rule };
});

/** 1 / (1 − base^exponent) for a whole exponent, by repeated squaring in float64. */
function biasCorrection(k: Code, base: number, exponent: Expr<"i32">): Expr<"f32"> {
  const rest = k.local(exponent);
  const [power, square] = [k.local(f64.const(1)), k.local(f64.const(base))];
  k.while(
    () => i32.gt(rest, 0),
    () => {
      k.if(i32.and(rest, 1), () => power.set(f64.mul(power, square)));
      square.set(f64.mul(square, square));
      rest.set(i32.shr(rest, 1));
    },
  );
  return f32.fromF64(f64.div(f64.const(1), f64.sub(f64.const(1), power)));
}

export const adamw: Lower = lowerWith((node) => {
  const { beta1, beta2, eps, weightDecay } = node.attrs as AdamW;
  const rule: Rule = (k, [lr, count, scale]) => {
    const [kept1, fresh1, kept2, fresh2, least] = [beta1, 1 - beta1, beta2, 1 - beta2, eps].map((x) => constant(k, x));
    const steps = k.local(i32.truncate(count));
    const [correct1, correct2] = [beta1, beta2].map((beta) => splat(k, biasCorrection(k, beta, steps)));
    const [factor, move] = [splat(k, scale), descend(k, lr, weightDecay)];
    return ([p, g, m, v]) => {
      const gradient = k.local(f32x4.mul(g, factor));
      const first = k.local(k.madd(kept1, m, f32x4.mul(fresh1, gradient)));
      const second = k.local(k.madd(kept2, v, f32x4.mul(fresh2, f32x4.mul(gradient, gradient))));
      const spread = f32x4.add(f32x4.sqrt(f32x4.mul(second, correct2)), least);
      return [move(p, f32x4.div(f32x4.mul(first, correct1), spread)), first, second];
    };
  };
  return { tensors: 4, kept: [0, 2, 3], scale: 2, rule };
});

export const ema: Lower = lowerWith(() => ({
  tensors: 2,
  kept: [0],
  rule(k, [decay]) {
    const [kept, fresh] = [splat(k, decay), splat(k, f32.sub(f32.const(1), decay))];
    return ([shadow, p]) => [k.madd(kept, shadow, f32x4.mul(fresh, p))];
  },
}));
