import type { FormatError } from "../../core/errors.ts";
import type { PickleCall } from "./pickle.ts";

/** What a pickle builds: dictionaries become Maps, tuples and lists arrays; objects of the allowed names are opaque here. */
export type PickleValue = null | boolean | number | bigint | string | Uint8Array | PickleValue[] | PickleMap | PickleCall | PickleObject;

/** A dictionary. */
export type PickleMap = Map<PickleValue, PickleValue>;

/** What an allowed name's call has made. */
export interface PickleObject {
  readonly kind: string;
}

/** The machine's state while it runs. */
export interface Machine {
  /** The next byte, and where the present opcode began. */
  at: number;
  opcodeAt: number;
  readonly stack: PickleValue[];
  /** Heights of the stack. */
  readonly marks: number[];
  readonly memo: Map<number, PickleValue>;
  readonly view: DataView;
  fault(text: string): FormatError;
  take(count: number): Uint8Array;
  takeLine(): Uint8Array;
  find(module: string, name: string): PickleCall;
  persistent(id: PickleValue): PickleValue;
  place(): string;
}

/** What an opcode does; it returns something only at the pickle's end. */
type Code = (machine: Machine) => { readonly value: PickleValue } | undefined;

const MOST_TEXT = 1 << 20;
/** Characters of a text that an error shows. */
export const MOST_SHOWN = 120;

function push(machine: Machine, value: PickleValue): undefined {
  machine.stack.push(value);
}

function pop(machine: Machine): PickleValue {
  const { stack, marks } = machine;
  if (stack.length <= (marks.at(-1) ?? 0)) throw machine.fault("it needs a value and there is none");
  return stack.pop() as PickleValue;
}

function top(machine: Machine): PickleValue {
  const value = pop(machine);
  machine.stack.push(value);
  return value;
}

/** The values above the last mark. */
function popMarked(machine: Machine): PickleValue[] {
  const mark = machine.marks.pop();
  if (mark === undefined) throw machine.fault("it needs a mark and there is none");
  return machine.stack.splice(mark);
}

function text(machine: Machine, length: number): string {
  if (length > MOST_TEXT) throw machine.fault(`a text of ${length} bytes, at most ${MOST_TEXT} are accepted`);
  const bytes = machine.take(length);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw machine.fault("a text that is not valid UTF-8");
  }
}

function line(machine: Machine): string {
  return new TextDecoder("latin1").decode(machine.takeLine());
}

/** A number of so many bytes, its lowest first. */
function unsigned(machine: Machine, bytes: 1 | 2 | 4 | 8): number {
  const { at } = machine;
  machine.take(bytes);
  if (bytes === 1) return machine.view.getUint8(at);
  if (bytes === 2) return machine.view.getUint16(at, true);
  if (bytes === 4) return machine.view.getUint32(at, true);
  const wide = machine.view.getBigUint64(at, true);
  if (wide > Number.MAX_SAFE_INTEGER) throw machine.fault(`a length of ${wide}`);
  return Number(wide);
}

/** A whole number in two's complement; one that is no exact JavaScript number stays a bigint. */
function long(machine: Machine, length: number): number | bigint {
  if (length > 8) throw machine.fault(`a whole number of ${length} bytes, at most 8 are accepted`);
  let value = 0n;
  for (const byte of machine.take(length).toReversed()) value = (value << 8n) | BigInt(byte);
  const signed = length === 0 ? 0n : BigInt.asIntN(8 * length, value);
  const number = Number(signed);
  return Number.isSafeInteger(number) ? number : signed;
}

function setItems(machine: Machine, pairs: readonly PickleValue[]): undefined {
  const map = top(machine);
  if (!(map instanceof Map)) throw machine.fault("it sets an item of what is no dictionary");
  if (pairs.length % 2 === 1) throw machine.fault("a key without a value");
  for (let i = 0; i < pairs.length; i += 2) {
    const key = pairs[i];
    if (typeof key === "object" || typeof key === "function") throw machine.fault("a key that is neither a text nor a number");
    if (map.has(key)) throw machine.fault(`the key ${JSON.stringify(String(key).slice(0, MOST_SHOWN))} is given twice`);
    map.set(key, pairs[i + 1]);
  }
}

function append(machine: Machine, values: readonly PickleValue[]): undefined {
  const list = top(machine);
  if (!Array.isArray(list)) throw machine.fault("it appends to what is no list");
  for (const value of values) list.push(value);
}

function tuple(machine: Machine, count: number): undefined {
  const values = Array.from({ length: count }, () => pop(machine));
  return push(machine, values.reverse());
}

function remember(machine: Machine, index: number): undefined {
  machine.memo.set(index, top(machine));
}

function recall(machine: Machine, index: number): undefined {
  const value = machine.memo.get(index);
  if (value === undefined) throw machine.fault(`it recalls ${index}, which it has not remembered`);
  return push(machine, value);
}

function named(machine: Machine, module: PickleValue, name: PickleValue): undefined {
  if (typeof module !== "string" || typeof name !== "string") throw machine.fault("a name that is no text");
  return push(machine, machine.find(module, name));
}

function call(machine: Machine): undefined {
  const args = pop(machine);
  const callee = pop(machine);
  if (typeof callee !== "function" || !Array.isArray(args)) throw machine.fault("it calls what cannot be called");
  return push(machine, callee(args, machine.place()));
}

/** The state that a dictionary carries beside its items (PyTorch's versions of modules) is of no use here. */
function build(machine: Machine): undefined {
  pop(machine);
  if (!(top(machine) instanceof Map)) throw machine.fault("it gives a state to what is no dictionary");
}

/** Opcodes by byte; names are Python's. */
export const codes: ReadonlyMap<number, Code> = new Map<number, Code>([
  [0x80, (m) => void unsigned(m, 1)], // PROTO
  [0x95, (m) => void unsigned(m, 8)], // FRAME
  [0x2e, (m) => ({ value: pop(m) })], // STOP
  [0x28, (m) => void m.marks.push(m.stack.length)], // MARK
  [0x4e, (m) => push(m, null)], // NONE
  [0x88, (m) => push(m, true)], // NEWTRUE
  [0x89, (m) => push(m, false)], // NEWFALSE
  [0x4b, (m) => push(m, unsigned(m, 1))], // BININT1
  [0x4d, (m) => push(m, unsigned(m, 2))], // BININT2
  [0x4a, (m) => push(m, unsigned(m, 4) | 0)], // BININT
  [0x8a, (m) => push(m, long(m, unsigned(m, 1)))], // LONG1
  [0x47, (m) => push(m, m.view.getFloat64(m.take(8).byteOffset - m.view.byteOffset))], // BINFLOAT
  [0x58, (m) => push(m, text(m, unsigned(m, 4)))], // BINUNICODE
  [0x8c, (m) => push(m, text(m, unsigned(m, 1)))], // SHORT_BINUNICODE
  [0x42, (m) => push(m, m.take(unsigned(m, 4)))], // BINBYTES
  [0x43, (m) => push(m, m.take(unsigned(m, 1)))], // SHORT_BINBYTES
  [0x5d, (m) => push(m, [])], // EMPTY_LIST
  [0x7d, (m) => push(m, new Map())], // EMPTY_DICT
  [0x29, (m) => push(m, [])], // EMPTY_TUPLE
  [0x85, (m) => tuple(m, 1)], // TUPLE1
  [0x86, (m) => tuple(m, 2)], // TUPLE2
  [0x87, (m) => tuple(m, 3)], // TUPLE3
  [0x74, (m) => push(m, popMarked(m))], // TUPLE
  [0x61, (m) => append(m, [pop(m)])], // APPEND
  [0x65, (m) => append(m, popMarked(m))], // APPENDS
  [0x73, (m) => setItems(m, [pop(m), pop(m)].reverse())], // SETITEM
  [0x75, (m) => setItems(m, popMarked(m))], // SETITEMS
  [0x71, (m) => remember(m, unsigned(m, 1))], // BINPUT
  [0x72, (m) => remember(m, unsigned(m, 4))], // LONG_BINPUT
  [0x94, (m) => remember(m, m.memo.size)], // MEMOIZE
  [0x68, (m) => recall(m, unsigned(m, 1))], // BINGET
  [0x6a, (m) => recall(m, unsigned(m, 4))], // LONG_BINGET
  [0x63, (m) => named(m, line(m), line(m))], // GLOBAL
  [0x93, (m) => ((name) => named(m, pop(m), name))(pop(m))], // STACK_GLOBAL
  [0x52, (m) => call(m)], // REDUCE
  [0x62, (m) => build(m)], // BUILD
  [0x51, (m) => push(m, m.persistent(pop(m)))], // BINPERSID
]);
