/**
 * From a graph to a placed list of kernel calls. Order: the graph's. Memory: one arena, regions by liveness; stored leaves, inputs and
 * outputs keep theirs for good, an elementwise op may take over its input's, an update its target's.
 */
import { InternalError } from "../../core/errors.ts";
import { lowerBound, placeRegions, type Region } from "../../engine/memory.ts";
import { dtypeOf, type Graph, type Node, operands, type Value } from "../../ir/graph.ts";
import type { OpName } from "../../ops/index.ts";
import { type KernelTable, type LowerContext, type Pointer, type Step, step } from "./kernel.ts";
import { copyBytes } from "./kernels/copy.ts";
import { bytesOf, type Layout } from "./layout.ts";

/** What runs one after the other: kernel steps (a half-open range of the step list) or a node on the reference. */
export type Stage =
  | { readonly kind: "steps"; readonly first: number; readonly last: number }
  | { readonly kind: "reference"; readonly node: Node };

/** A placed step list. Pointers are resolved by `address`. */
export interface Plan {
  readonly steps: readonly Step[];
  /** The node that each step works for; undefined for weight preparation and update copies. */
  readonly owners: readonly (Node | undefined)[];
  /** Steps [0, prepared) derive packed weights; they run whenever weights are written. */
  readonly prepared: number;
  readonly stages: readonly Stage[];
  readonly fallbacks: readonly Node[];
  readonly bytes: number;
  /** The most bytes alive at one time, weights included: no plan can need less. */
  readonly lowerBound: number;
  /** What pointers name, by index; `to` of those that live for good lies behind every step. */
  readonly regions: readonly Region[];
  /** For each preparation the stored value that it reads and its steps, a half-open range below `prepared`. */
  readonly loads: readonly Load[];
  address(pointer: Pointer): number;
  pointer(value: Value): Pointer;
  layout(value: Value): Layout;
}

/** Steps that derive packed weights from a stored value. */
export interface Load {
  readonly source: Value;
  readonly first: number;
  readonly last: number;
}

/** What a plan must know of the session. */
export interface PlanOptions {
  readonly threads: number;
  /** See `OpenOptions.exact`; graphs that train are always exact. */
  readonly exact: boolean;
}

const FOREVER = 1e9;

interface Draft {
  bytes: number;
  from: number;
  to: number;
}

/** Layout of every value: stored leaves of rank ≥ 2, what the ops declare, and what elementwise ops derive from those. */
function layouts(graph: Graph): Map<Value, Layout> {
  const weights = new Set<Value>();
  for (const leaf of graph.leaves) if (leaf.kind === "parameter" || leaf.kind === "state") weights.add(leaf);
  for (const { source } of graph.updates) weights.add(source);
  for (const node of graph.nodes) {
    for (const index of node.op.weightOutputs ?? []) weights.add(node.outputs[index]);
    if (node.op.isElementwise && weights.has(node.inputs[0])) weights.add(node.outputs[0]);
  }
  return new Map([...weights].map((value) => [value, "weight"]));
}

/** True where both buffers hold the same bytes, so that a view costs nothing. */
function isSameMemory(x: Value, y: Value, layout: (value: Value) => Layout): boolean {
  const dense = (value: Value): boolean => value.shape.length < 2 || layout(value) === "weight";
  if (dense(x) && dense(y)) return true;
  const [n, c, h = 1, w = 1] = x.shape;
  const [m, d, i = 1, j = 1] = y.shape;
  return layout(x) === layout(y) && dtypeOf(x) === dtypeOf(y) && n === m && c === d && h * w === 1 && i * j === 1;
}

/** Plans a graph with a kernel table. */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: its parts are closures over the plan under construction.
export function plan(graph: Graph, kernels: KernelTable, { threads, exact }: PlanOptions): Plan {
  const layoutOf = layouts(graph);
  const layout = (value: Value): Layout => layoutOf.get(value) ?? "activation";
  const drafts: Draft[] = [];
  const regionOf = new Map<Value, number>();
  const lastUse = new Map<Value, number>();
  graph.nodes.forEach((node, at) => {
    for (const value of operands(node)) lastUse.set(value, at);
  });
  for (const value of Object.values(graph.outputs)) lastUse.set(value, FOREVER);

  const bytesIn = (value: Value): number => bytesOf(value.shape, layout(value), dtypeOf(value));
  const region = (bytes: number, from: number, to: number): number => drafts.push({ bytes, from, to }) - 1;
  const place = (value: Value, from: number): void => {
    const isStored = value.kind !== "computed";
    regionOf.set(value, region(bytesIn(value), isStored ? -1 : from, isStored ? FOREVER : (lastUse.get(value) ?? from)));
  };
  const share = (value: Value, other: Value): void => {
    const held = regionOf.get(other) as number;
    regionOf.set(value, held);
    drafts[held].to = Math.max(drafts[held].to, lastUse.get(value) ?? 0);
  };
  const pointer = (value: Value): Pointer => {
    const held = regionOf.get(value);
    if (held === undefined) throw new InternalError(`value %${value.id} has no memory`);
    return { region: held, offset: 0 };
  };

  for (const leaf of graph.leaves) place(leaf, -1);
  const copies = placeOutputs();

  const isUpdated = new Set(graph.updates.map(({ target }) => target));
  const loads: Load[] = [];
  const onLoad: Step[] = [];
  const onRun: Step[] = [];
  const prepared = new Map<string, Pointer>();
  const body: { step: Step; node: Node | undefined }[] = [];
  const fallbacks: Node[] = [];
  const marks: { at: number; node: Node }[] = [];

  graph.nodes.forEach((node, at) => {
    const context: LowerContext = {
      at: pointer,
      isWeight: (value) => layout(value) === "weight",
      isFixed: (value) => !exact && graph.updates.length === 0 && value.kind === "parameter" && layout(value) === "weight",
      scratch: (floats) => ({ region: region(floats * 4, at, at), offset: 0 }),
      prepared(key, source, floats, steps) {
        const id = `${key}@${source.id}`;
        const held = prepared.get(id);
        if (held) return held;
        const target = { region: region(floats * 4, -1, FOREVER), offset: 0 };
        prepared.set(id, target);
        const filling = steps(target);
        if (!isUpdated.has(source)) loads.push({ source, first: onLoad.length, last: onLoad.length + filling.length });
        (isUpdated.has(source) ? onRun : onLoad).push(...filling);
        return target;
      },
      threads,
    };
    if (node.op.isView && regionOf.get(node.outputs[0]) === regionOf.get(node.inputs[0]) && node.epilogue.length === 0) return;
    const steps = kernels[node.op.name as OpName]?.(node, context);
    if (steps) body.push(...steps.map((each) => ({ step: each, node })));
    else {
      fallbacks.push(node);
      marks.push({ at: body.length, node });
    }
  });
  for (const { target, source } of copies) {
    const words = bytesIn(target) / 16;
    body.push({
      step: step(copyBytes, Math.ceil(words / 1024), { y: pointer(target), x: pointer(source), vectors: words }),
      node: undefined,
    });
  }

  function placeOutputs(): typeof graph.updates {
    const targets = new Map(graph.updates.map((update) => [update.source, update.target]));
    const rest = new Set(graph.updates);
    graph.nodes.forEach((node, at) => {
      node.outputs.forEach((value, index) => {
        const target = targets.get(value);
        const over = node.op.inPlace?.[index] ?? (node.op.isElementwise && index === 0 ? 0 : undefined);
        const input = over === undefined ? undefined : node.inputs[over];
        if (target && input === target && lastUse.get(target) === at) {
          share(value, target);
          for (const update of rest) if (update.source === value) rest.delete(update);
        } else if (node.op.isView && isSameMemory(node.inputs[0], value, layout)) share(value, node.inputs[0]);
        else if (index === 0 && input && canTakeOver(input, value, node, at)) share(value, input);
        else place(value, at);
      });
    });
    for (const { source } of rest) drafts[regionOf.get(source) as number].to = FOREVER;
    return [...rest];
  }

  function canTakeOver(input: Value, output: Value, node: Node, at: number): boolean {
    const held = drafts[regionOf.get(input) as number];
    const others = operands(node).filter((value) => value !== input);
    const isAlone = !others.some((value) => regionOf.get(value) === regionOf.get(input));
    const isSameSize = held.bytes === bytesIn(output) && layout(input) === layout(output);
    const isAllowed = node.op.isElementwise === true || node.op.inPlace?.[0] !== undefined;
    return isAllowed && input.kind === "computed" && held.to === at && isSameSize && isAlone;
  }

  const offset = onLoad.length + onRun.length;
  const steps = [...onLoad, ...onRun, ...body.map((each) => each.step)];
  const placement = placeRegions(drafts as readonly Region[]);
  return {
    steps,
    owners: [...Array<undefined>(offset).fill(undefined), ...body.map((each) => each.node)],
    prepared: onLoad.length,
    stages: stagesOf(marks, onLoad.length, offset, steps.length),
    fallbacks,
    bytes: placement.bytes,
    lowerBound: lowerBound(drafts),
    regions: drafts,
    loads,
    address: ({ region: held, offset: bytes }) => placement.offsets[held] + bytes,
    pointer,
    layout,
  };
}

function stagesOf(marks: readonly { at: number; node: Node }[], begin: number, offset: number, end: number): Stage[] {
  const stages: Stage[] = [];
  let first = begin;
  for (const { at, node } of marks) {
    if (at + offset > first) stages.push({ kind: "steps", first, last: at + offset });
    stages.push({ kind: "reference", node });
    first = at + offset;
  }
  if (end > first) stages.push({ kind: "steps", first, last: end });
  return stages;
}
