/**
 * Python's pickles, as far as weights need them. A pickle is a program for a small stack machine, and in Python it may call anything; this
 * machine knows the opcodes that build numbers, texts, lists, tuples and dictionaries, and hands every name of a Python object to a table
 * of those that are allowed. What is not in the table is refused by name. No code of the file runs, and nothing here recurses.
 */
import { FormatError } from "../../core/errors.ts";
import { codes, type Machine, MOST_SHOWN, type PickleValue } from "./pickleCodes.ts";

export type { PickleValue } from "./pickleCodes.ts";

/** A Python object by name, and what calling it gives; it refuses arguments that it does not know. */
export type PickleCall = (args: readonly PickleValue[], place: string) => PickleValue;

/** What a pickle may refer to. */
export interface PickleWorld {
  /** By module and name, as "collections OrderedDict". */
  readonly globals: ReadonlyMap<string, PickleCall>;
  /** How to mend a file that refers to something else. */
  readonly remedy: string;
  /** The object behind a persistent id, which stands for data outside of the pickle. */
  persistent(id: PickleValue, place: string): PickleValue;
}

const MOST_BYTES = 1 << 25;
/** Each makes at most one value of bounded size: so a pickle takes bounded memory. */
const MOST_STEPS = 4_000_000;

/** Runs a pickle; `where` begins every error. */
export function readPickle(bytes: Uint8Array, world: PickleWorld, where: string): PickleValue {
  if (bytes.length > MOST_BYTES) throw new FormatError(`${where}: a pickle of ${bytes.length} bytes, at most ${MOST_BYTES} are accepted`);
  const machine = openMachine(bytes, world, where);
  for (let steps = 0; steps < MOST_STEPS; steps++) {
    machine.opcodeAt = machine.at;
    const opcode = machine.take(1)[0];
    const code = codes.get(opcode);
    if (!code) throw machine.fault(`opcode 0x${opcode.toString(16).padStart(2, "0")}, which weights do not need`);
    const result = code(machine);
    if (result !== undefined) return result.value;
  }
  throw new FormatError(`${where}: a pickle of more than ${MOST_STEPS} steps`);
}

function openMachine(bytes: Uint8Array, world: PickleWorld, where: string): Machine {
  const fault = (text: string): FormatError => new FormatError(`${where}: byte ${machine.opcodeAt} of the pickle: ${text}`);
  const machine: Machine = {
    at: 0,
    opcodeAt: 0,
    stack: [],
    marks: [],
    memo: new Map(),
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    fault,
    take(count) {
      const end = machine.at + count;
      if (end > bytes.length) throw fault(`needs ${count} more bytes of ${bytes.length - machine.at} (truncated?)`);
      machine.at = end;
      return bytes.subarray(end - count, end);
    },
    takeLine() {
      const end = bytes.indexOf(0x0a, machine.at);
      if (end < 0) throw fault("a name without end (truncated?)");
      const line = machine.take(end - machine.at);
      machine.take(1);
      return line;
    },
    find(module, name) {
      const call = world.globals.get(`${module} ${name}`);
      const shown = JSON.stringify(`${module}.${name}`.slice(0, MOST_SHOWN));
      if (!call) throw fault(`it refers to ${shown}, which is not on the list of what weights need; ${world.remedy}`);
      return call;
    },
    persistent: (id) => world.persistent(id, `${where}: byte ${machine.opcodeAt} of the pickle`),
    place: () => `${where}: byte ${machine.opcodeAt} of the pickle`,
  };
  return machine;
}
