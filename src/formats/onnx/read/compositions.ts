/**
 * Layers of another similarity than the product, which our encoder writes as many standard operators. What such a layer would have been is
 * read off one of its taps; then it is written once more, and only if that gives the very nodes found is it taken for the layer.
 */
import { formatShape } from "../../../core/shape.ts";
import type { Convolution } from "../../../ops/convolution.ts";
import type { Similarity } from "../../../ops/similarity.ts";
import type { Padding } from "../../../ops/window.ts";
import type { ElementArray, HostTensor } from "../elements.ts";
import type { Attribute } from "../messages.ts";
import { composedConvolution, composedLinear, compositionOf } from "../similarities.ts";
import type { OnnxWriter } from "../writer.ts";
import type { AttributeValue, ImportedNode } from "./node.ts";

/** Where values come from. */
interface Origins {
  readonly producers: ReadonlyMap<string, ImportedNode>;
  readonly constants: ReadonlyMap<string, HostTensor>;
}

/** Nodes as the encoder would write them. */
interface Rewritten {
  readonly producers: Map<
    string,
    { readonly type: string; readonly inputs: readonly string[]; readonly attributes: Readonly<Record<string, Attribute>> }
  >;
  readonly constants: Map<string, ElementArray>;
  readonly writer: OnnxWriter;
}

function rewriting(): Rewritten {
  const producers: Rewritten["producers"] = new Map();
  const constants: Rewritten["constants"] = new Map();
  const writer: OnnxWriter = {
    emit(type, inputs, attributes = {}) {
      const name = `node ${producers.size}`;
      producers.set(name, { type, inputs, attributes });
      return name;
    },
    constant(_shape, data) {
      const name = `constant ${constants.size}`;
      constants.set(name, data);
      return name;
    },
  };
  return { producers, constants, writer };
}

function isSameAttribute(written: Attribute, found: AttributeValue | undefined): boolean {
  const value = typeof written === "object" && "float" in written ? Math.fround(written.float) : written;
  return JSON.stringify(value) === JSON.stringify(found);
}

/** True where what was found is what was written, from the results up to the operands. */
function isSame(
  { producers, constants }: Origins,
  found: string,
  again: Rewritten,
  written: string,
  operands: Readonly<Record<string, string>>,
): boolean {
  const known = new Set<string>();
  const same = (a: string, b: string): boolean => {
    if (Object.hasOwn(operands, b)) return operands[b] === a;
    const key = `${b} ${a}`;
    if (known.has(key)) return true;
    known.add(key);
    const elements = again.constants.get(b);
    if (elements) {
      const { data } = constants.get(a) ?? { data: [] };
      return data.length === elements.length && Array.from(elements, Number).every((x, i) => x === data[i]);
    }
    const [node, wanted] = [producers.get(a), again.producers.get(b)];
    if (!node || !wanted || node.type !== wanted.type || node.domain !== "" || node.inputs.length !== wanted.inputs.length) return false;
    const names = Object.entries(wanted.attributes);
    if (node.attributes.size !== names.length || !names.every(([name, value]) => isSameAttribute(value, node.attributes.get(name))))
      return false;
    return wanted.inputs.every((input, i) => same(node.inputs[i], input));
  };
  return same(found, written);
}

/** What a tap meets: the reshaped pixels and the reshaped filters, the first two reshapes above it. */
function meetings({ producers }: Origins, tap: string): readonly ImportedNode[] {
  const found: ImportedNode[] = [];
  const visit = (name: string, depth: number): void => {
    const node = producers.get(name);
    if (!node || found.length === 2 || depth > 4) return;
    if (node.type === "Reshape") found.push(node);
    else for (const input of node.inputs) visit(input, depth + 1);
  };
  visit(tap, 0);
  return found;
}

/** The operand that was prepared for a composition: the one whose sign is taken, where numbers are split. */
function preparedFrom({ producers }: Origins, part: string, similarity: Similarity): string {
  if (similarity === "l1") return part;
  let node = producers.get(part);
  while (node && node.type === "Mul") node = producers.get(node.inputs[0]);
  return node?.type === "Sign" ? node.inputs[0] : part;
}

const similarityOfTap: Readonly<Record<string, Similarity>> = { Neg: "l1", ReduceSum: "mitchell" };

/** The numbers of a shape or of pads; nothing of a larger tensor. */
const whole = (tensor: HostTensor | undefined): number[] => (tensor && tensor.data.length <= 8 ? [...tensor.data] : []);

/** A convolution, where a node ends one. */
function convolutionAt(origins: Origins, root: ImportedNode): ImportedNode | undefined {
  const { producers, constants } = origins;
  if (root.type !== "Reshape") return undefined;
  const target = whole(constants.get(root.inputs[1]));
  if (target.length !== 4) return undefined;
  let first = producers.get(root.inputs[0]);
  while (first?.type === "Add") first = producers.get(first.inputs[0]);
  const similarity = first && similarityOfTap[first.type];
  const composition = similarity && compositionOf(similarity);
  if (!first || !composition) return undefined;
  const [pixels, filters] = meetings(origins, first.outputs[0]);
  const [cut, filterCut] = [pixels, filters].map((node) => node && producers.get(node.inputs[0]));
  if (cut?.type !== "Slice" || filterCut?.type !== "Slice") return undefined;
  const weight = preparedFrom(origins, filterCut.inputs[0], similarity);
  const { shape: weightShape } = constants.get(weight) ?? { shape: [] };
  const [n, groups, , inner] = whole(constants.get(pixels.inputs[1]));
  const stride = whole(constants.get(cut.inputs[4]));
  if (weightShape.length !== 4 || stride.length !== 2 || weightShape[1] !== inner || !stride.every((step) => step > 0)) return undefined;
  const { x, padding } = unpadded(origins, preparedFrom(origins, cut.inputs[0], similarity));
  const [, out, rows, columns] = target;
  // Any image of so many windows is written alike.
  const side = (windows: number, axis: 0 | 1): number =>
    (windows - 1) * stride[axis] + weightShape[2 + axis] - padding[2 * axis] - padding[2 * axis + 1];
  const attrs: Convolution = { stride: [stride[0], stride[1]], padding, groups, similarity };
  const again = rewriting();
  const operands = { names: ["x", "w"], shapes: [[n, groups * inner, side(rows, 0), side(columns, 1)], weightShape] };
  if (out !== weightShape[0] || operands.shapes.flat().some((extent) => !(extent > 0))) return undefined;
  const written = composedConvolution(again.writer, composition, operands, attrs);
  if (!isSame(origins, root.outputs[0], again, written, { x, w: weight })) return undefined;
  const [top, bottom, left, right] = padding;
  const attributes = new Map<string, AttributeValue>([
    ["strides", stride],
    ["pads", [top, left, bottom, right]],
    ["group", groups],
  ]);
  return { ...root, type: "Conv", inputs: [x, weight], attributes, similarity };
}

function unpadded({ producers, constants }: Origins, x: string): { readonly x: string; readonly padding: Padding } {
  const pad = producers.get(x);
  const pads = pad?.type === "Pad" && pad.inputs.length === 2 ? whole(constants.get(pad.inputs[1])) : [];
  if (!pad || pads.length !== 8) return { x, padding: [0, 0, 0, 0] };
  return { x: pad.inputs[0], padding: [pads[2], pads[6], pads[3], pads[7]] };
}

/** A linear layer, where a node ends one. */
function linearAt(origins: Origins, root: ImportedNode): ImportedNode | undefined {
  const { constants } = origins;
  const similarity = similarityOfTap[root.type];
  const composition = similarity && compositionOf(similarity);
  if (!composition) return undefined;
  const [features, filters] = meetings(origins, root.outputs[0]);
  const [shape, filterShape] = [features, filters].map((node) => whole(node && constants.get(node.inputs[1])));
  if (shape.length !== 3 || filterShape.length !== 3) return undefined;
  const [x, weight] = [features, filters].map((node) => preparedFrom(origins, node.inputs[0], similarity));
  const [n, , inputs] = shape;
  const weightShape = constants.get(weight)?.shape ?? [];
  if (formatShape(weightShape) !== formatShape([filterShape[1], inputs])) return undefined;
  const again = rewriting();
  const written = composedLinear(again.writer, composition, { names: ["x", "w"], shapes: [[n, inputs], weightShape] });
  if (!isSame(origins, root.outputs[0], again, written, { x, w: weight })) return undefined;
  return { ...root, type: "Gemm", inputs: [x, weight], attributes: new Map([["transB", 1]]), similarity };
}

/** The same nodes, with a layer in the place of the last node of each composition that is one. */
export function recogniseCompositions(nodes: readonly ImportedNode[], constants: ReadonlyMap<string, HostTensor>): readonly ImportedNode[] {
  const producers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const origins = { producers, constants };
  return nodes.map((node) => convolutionAt(origins, node) ?? linearAt(origins, node) ?? node);
}
