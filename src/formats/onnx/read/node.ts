/** Nodes as the reader sees them: attributes as plain values, of which a reader takes what it knows; what is left over is refused. */
import { FormatError } from "../../../core/errors.ts";
import type { Similarity } from "../../../ops/similarity.ts";
import { type HostTensor, readTensor } from "../elements.ts";
import type { AttributeProto, NodeProto } from "../schema.ts";

/** A graph that uses something that is not read; the text says what, the caller where. */
export class Unsupported extends Error {}

/** An attribute's value. */
export type AttributeValue = number | string | readonly number[] | HostTensor;

/** An operator applied once. */
export interface ImportedNode {
  readonly type: string;
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, AttributeValue>;
  /** What a layer sums, where a composition of several nodes was recognised. */
  readonly similarity?: Similarity;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Reads an attribute; of kinds that no operator here takes (sub-graphs and such), its number. */
function contentOf(attribute: AttributeProto, where: string): AttributeValue {
  const { type, f, i, s, t, floats, ints } = attribute;
  if (type === 1) return f;
  if (type === 2) return Number(i);
  if (type === 3) return utf8.decode(s);
  if (type === 4 && t) return readTensor(t, `${where}: attribute "${attribute.name}"`);
  if (type === 6) return floats;
  if (type === 7) return ints.map(Number);
  throw new Unsupported(`attribute "${attribute.name}" of kind ${type}`);
}

/** A node with its attributes read. */
export function importedNode(proto: NodeProto, index: number): ImportedNode {
  const { opType: type, domain, input: inputs, output: outputs } = proto;
  const name = proto.name || outputs[0] || `${type}.${index}`;
  const attributes = new Map<string, AttributeValue>();
  for (const attribute of proto.attribute) {
    if (attributes.has(attribute.name)) throw new FormatError(`attribute "${attribute.name}" is given twice`);
    attributes.set(attribute.name, contentOf(attribute, name));
  }
  return { type, domain: domain === "ai.onnx" ? "" : domain, name, inputs, outputs, attributes };
}

/** A node's attributes, taken one by one; `rest` names what nobody took. */
export class Attributes {
  readonly #values: ReadonlyMap<string, AttributeValue>;
  readonly #taken = new Set<string>();

  constructor(values: ReadonlyMap<string, AttributeValue>) {
    this.#values = values;
  }

  #take(name: string): AttributeValue | undefined {
    this.#taken.add(name);
    return this.#values.get(name);
  }

  /** A number, or undefined where absent. */
  number(name: string): number | undefined {
    const value = this.#take(name);
    if (value === undefined || (typeof value === "number" && Number.isFinite(value))) return value as number | undefined;
    throw new FormatError(`attribute "${name}" needs to be a finite number`);
  }

  text(name: string): string | undefined {
    const value = this.#take(name);
    if (value === undefined || typeof value === "string") return value;
    throw new FormatError(`attribute "${name}" needs to be a text`);
  }

  /** A list of numbers; of `count` of them where that is said. */
  list(name: string, count?: number): readonly number[] | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) throw new FormatError(`attribute "${name}" needs to be a list`);
    const isFit = value.every(Number.isFinite) && (count === undefined || value.length === count);
    if (!isFit) throw new FormatError(`attribute "${name}" is [${value}], needed ${count === undefined ? "" : `${count} `}finite numbers`);
    return value;
  }

  tensor(name: string): HostTensor | undefined {
    const value = this.#take(name);
    if (value === undefined || (typeof value === "object" && "data" in value)) return value;
    throw new FormatError(`attribute "${name}" needs to be a tensor`);
  }

  /** Takes attributes that change nothing here. */
  ignore(...names: readonly string[]): void {
    for (const name of names) this.#taken.add(name);
  }

  /** Refuses a value other than the one that is understood. */
  only(name: string, understood: number | string): void {
    const value = this.#take(name);
    if (value !== undefined && value !== understood) throw new Unsupported(`attribute ${name}=${String(value)}`);
  }

  rest(): readonly string[] {
    return [...this.#values.keys()].filter((name) => !this.#taken.has(name));
  }
}
