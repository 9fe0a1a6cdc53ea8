import type { DType } from "../core/dtype.ts";
import { InternalError, OptionError } from "../core/errors.ts";
import { isSameShape, type Shape, size } from "../core/shape.ts";
import { dtypeOf, type Fused, type Graph, type Init, type Node, type Update, type Value, type ValueKind } from "./graph.ts";
import type { Op } from "./op.ts";

/** What all scopes of one graph write into. */
interface Builder {
  readonly leaves: Value[];
  readonly names: Map<string, Value>;
  readonly nodes: Node[];
  readonly outputs: Record<string, Value>;
  readonly updates: Update[];
  readonly isTraining: boolean;
  nextId: number;
}

/** Builds a graph. A scope is a place in the name tree; scope names are weight names. */
export interface Scope {
  /** Dotted path of this scope, "" at the root. */
  readonly path: string;
  /** True while building for training: normalisation uses batch statistics, dropout is active. */
  readonly isTraining: boolean;
  scope(name: string): Scope;
  /** A value given at every run. Input names are not prefixed by the scope. */
  input(name: string, shape: Shape, dtype?: DType): Value;
  /** A trained value called `path.name`. */
  parameter(name: string, shape: Shape, init: Init, dtype?: DType): Value;
  /** A running statistic (or optimiser state) called `path.name`; never receives a gradient. */
  state(name: string, shape: Shape, init: Init): Value;
  constant(shape: Shape, data: Float32Array, dtype?: DType): Value;
  emit(op: Op, inputs: readonly Value[], attrs: object, epilogue?: readonly Fused[]): readonly Value[];
  output(name: string, value: Value): void;
  /** After a run, `target` holds `source`. */
  update(target: Value, source: Value): void;
  finish(): Graph;
}

/** An empty graph to build in. */
export function graphScope(options: { isTraining?: boolean } = {}): Scope {
  const isTraining = options.isTraining ?? false;
  return scopeAt({ leaves: [], names: new Map(), nodes: [], outputs: {}, updates: [], isTraining, nextId: 0 }, "");
}

/** A value's own mention of its type: none for float32. */
function typed(dtype: DType = "f32"): { readonly dtype?: DType } {
  return dtype === "f32" ? {} : { dtype };
}

/** The type of the elements that a node with this epilogue gives. */
export function elementsOf(op: Op, inputs: readonly Value[], attrs: object, epilogue: readonly Fused[], where: string): DType {
  return epilogue.reduce(
    (dtype, fused) => fused.op.elements([dtype, ...fused.inputs.map(dtypeOf)], fused.attrs, where),
    op.elements(inputs.map(dtypeOf), attrs, where),
  );
}

/** Nodes made here: the ops' rules were asked for the shapes and the type of their outputs. Nodes never change. */
const emitted = new WeakSet<Node>();

/** True for a node whose outputs are known to be what its op's rules give. */
export function isEmitted(node: Node): boolean {
  return emitted.has(node);
}

function scopeAt(builder: Builder, path: string): Scope {
  const named = (name: string): string => (path === "" ? name : `${path}.${name}`);

  function leaf(kind: ValueKind, name: string, shape: Shape, more: Partial<Value> = {}): Value {
    const held = builder.names.get(name);
    if (held) throw new InternalError(`two leaves named "${name}"`);
    const value: Value = { id: builder.nextId++, kind, shape, name, index: 0, ...more };
    builder.names.set(name, value);
    builder.leaves.push(value);
    return value;
  }

  return {
    path,
    isTraining: builder.isTraining,
    scope: (name) => scopeAt(builder, named(name)),
    input: (name, shape, dtype) => leaf("input", name, shape, typed(dtype)),
    parameter: (name, shape, init, dtype) => leaf("parameter", named(name), shape, { init, ...typed(dtype) }),
    state: (name, shape, init) => leaf("state", named(name), shape, { init }),
    constant(shape, data, dtype) {
      if (data.length !== size(shape)) throw new InternalError(`constant of ${data.length} elements for a shape of ${size(shape)}`);
      return leaf("constant", `constant.${builder.nextId}`, shape, { data, ...typed(dtype) });
    },
    emit(op, inputs, attrs, epilogue = []) {
      const shapes = op.shapes(
        inputs.map((value) => value.shape),
        attrs,
        path,
      );
      const { dtype } = typed(elementsOf(op, inputs, attrs, epilogue, path));
      const outputs: Value[] = [];
      const node: Node = { op, inputs, attrs, outputs, scope: path, epilogue };
      for (const [index, shape] of shapes.entries()) {
        outputs.push({ id: builder.nextId++, kind: "computed", shape, producer: node, index, ...typed(dtype) });
      }
      emitted.add(node);
      builder.nodes.push(node);
      return outputs;
    },
    output(name, value) {
      if (builder.outputs[name]) throw new OptionError(`two outputs named "${name}"`);
      builder.outputs[name] = value;
    },
    update(target, source) {
      if (!isSameShape(target.shape, source.shape)) throw new InternalError(`update of "${target.name}" changes its shape`);
      builder.updates.push({ target, source });
    },
    finish: () => ({ leaves: builder.leaves, nodes: builder.nodes, outputs: builder.outputs, updates: builder.updates }),
  };
}

/** Continues building on a copy of a graph: its leaves, nodes, outputs and updates stay, ids go on. */
export function extendScope(graph: Graph, options: { isTraining?: boolean } = {}): Scope {
  const names = new Map(graph.leaves.map((leaf) => [leaf.name as string, leaf]));
  const ids = [...graph.leaves, ...graph.nodes.flatMap((node) => node.outputs)].map((value) => value.id);
  const nextId = ids.reduce((most, id) => Math.max(most, id), -1) + 1;
  const isTraining = options.isTraining ?? false;
  const held = { leaves: [...graph.leaves], nodes: [...graph.nodes], outputs: { ...graph.outputs }, updates: [...graph.updates] };
  return scopeAt({ ...held, names, isTraining, nextId }, "");
}
