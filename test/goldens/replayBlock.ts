import type { Tensor } from "../../src/core/tensor.ts";
import type { Backend } from "../../src/engine/session.ts";
import { elements, elementsAsFloat32, type Safetensors } from "../../src/formats/safetensors.ts";
import { type Graph, leavesOf, type Value } from "../../src/ir/graph.ts";
import { graphScope } from "../../src/ir/scope.ts";
import { optimise } from "../../src/passes/index.ts";
import { argumentReader, blocks } from "./blocks.ts";
import { asNumbers, expect, expectNear, expectShape, largest, Mismatch, type Tolerances } from "./compare.ts";
import { countParams, expectCounts, expectState, runOnce, type Tensors, withGradients } from "./run.ts";

interface Description {
  readonly case: string;
  readonly family: string;
  readonly class: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly params: number;
  readonly macs_batch1: { readonly total: number; readonly adder?: number };
  readonly bn?: { readonly eps: number; readonly momentum: number } | string;
}

/** A block fixture: what is told of it, and its tensors. */
export interface BlockFixture {
  readonly about: Description;
  tensor(name: string): Tensor;
  /** Tensors whose names begin with a prefix, the prefix cut off. */
  group(prefix: string): Tensors;
}

/** Reads a fixture whose description is in its metadata. */
export function readFixture({ metadata, tensors }: Safetensors): BlockFixture {
  const text = metadata.get("description");
  if (text === undefined) throw new Mismatch("unsupported: no __metadata__.description, so not a block fixture");
  const about: Description = JSON.parse(text);
  return {
    about,
    tensor(name) {
      const stored = tensors.get(name);
      if (!stored) throw new Mismatch(`unsupported: the fixture has no tensor "${name}" (class ${about.class})`);
      return elementsAsFloat32(stored);
    },
    group(prefix) {
      const named = [...tensors].filter(([name]) => name.startsWith(prefix));
      return new Map(
        named.map(([name, stored]) => [
          name.slice(prefix.length),
          { shape: stored.shape, data: Float32Array.from(asNumbers(elements(stored).data)) },
        ]),
      );
    },
  };
}

function buildGraph({ about, tensor }: BlockFixture, isTraining: boolean): { graph: Graph; input: Value } {
  const build = Object.hasOwn(blocks, about.class) ? blocks[about.class] : undefined;
  if (!build) throw new Mismatch(`unsupported: no block for class ${about.class}`);
  const reading = /_([a-z]\w*)_\d+$/i.exec(about.case)?.[1] ?? "";
  const norm = typeof about.bn === "object" ? about.bn : { eps: 1e-5, momentum: 0.1 };
  const { args, unread } = argumentReader(about.args);
  const g = graphScope({ isTraining });
  const input = g.input("image", tensor("input").shape);
  g.output("output", build(g, input, { args, reading, norm }));
  const left = unread();
  if (left.length > 0) throw new Mismatch(`unsupported: arguments ${left.join(", ")} of ${about.class}`);
  return { graph: g.finish(), input };
}

/** Replays a block: counts, names, output in both modes, gradients, running statistics. Throws Mismatch at the first difference. */
export async function replayBlock(file: Safetensors, backend: Backend, tolerances: Tolerances): Promise<void> {
  const fixture = readFixture(file);
  const { about, tensor, group } = fixture;
  const { graph } = buildGraph(fixture, false);
  const weights = group("state.");
  expectState(graph, new Map([...weights].map(([name, { shape }]) => [name, shape])));
  expect(countParams(graph) === about.params, () => `parameters: ${countParams(graph)}, needed ${about.params}`);
  const images = tensor("input").shape[0];
  expectCounts(graph, images, about.macs_batch1);

  const inputs = { image: tensor("input") };
  const inference = optimise(graph, weights);
  await runOnce(backend, inference.graph, inference.weights, inputs, ({ outputs }) =>
    expectOutput(fixture, "output_eval", outputs.output, tolerances),
  );
  await replayTraining(fixture, weights, backend, tolerances);
}

function expectOutput({ tensor }: BlockFixture, name: string, found: Tensor, { block }: Tolerances): void {
  const needed = tensor(name);
  expectShape(name, found.shape, needed.shape);
  expectNear(name, found.data, needed.data, { tolerance: block });
}

async function replayTraining(fixture: BlockFixture, weights: Tensors, backend: Backend, tolerances: Tolerances): Promise<void> {
  const { tensor, group } = fixture;
  const { graph, input } = buildGraph(fixture, true);
  const gradients = withGradients(graph, input, { loss: "output", cotangent: "cotangent" });
  const needed = group("grad.");
  // A gradient that vanishes identically is stored as rounding noise: the largest one sets what a small difference is.
  const scale = 0.1 * Math.max(...[...needed.values()].map(({ data }) => largest(data)));
  const inputs = { image: tensor("input"), cotangent: tensor("cotangent") };
  await runOnce(backend, gradients.graph, weights, inputs, (ran) => {
    expectOutput(fixture, "output_train", ran.outputs.output, tolerances);
    for (const leaf of [...leavesOf(graph, "parameter"), input]) {
      const name = leaf === input ? "input" : (leaf.name as string);
      const stored = needed.get(name);
      expect(stored !== undefined, () => `grad.${name}: not in the fixture`);
      const found = gradients.of(ran, leaf);
      expectNear(`grad.${name}`, found.data, stored.data, { tolerance: tolerances.block, scale });
    }
    for (const [name, stored] of group("after."))
      expectNear(`after.${name}`, ran.read(name).data, stored.data, { tolerance: tolerances.block });
  });
}
