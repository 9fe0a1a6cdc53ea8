/**
 * Checkpoints of torch.save (PyTorch 1.6 and later): a zip archive with one pickle, `data.pkl`, and one file for each storage, `data/<key>`.
 * Tensors are views of storages, with offset and strides; all of it is checked against the storage before a byte is read.
 */
import { FormatError } from "../../core/errors.ts";
import { formatShape, type Shape } from "../../core/shape.ts";
import { bytesOfType, MOST_AXES, MOST_TENSORS, type StoredTensor, type StoredType } from "../safetensors.ts";
import { type PickleCall, type PickleValue, type PickleWorld, readPickle } from "./pickle.ts";
import { denseBytes, type Strided } from "./strided.ts";
import { readZip, type ZipEntry } from "./zip.ts";

/** Storage classes of torch and their elements. */
const storages: Readonly<Record<string, StoredType>> = {
  FloatStorage: "F32",
  DoubleStorage: "F64",
  HalfStorage: "F16",
  BFloat16Storage: "BF16",
  LongStorage: "I64",
  IntStorage: "I32",
  ShortStorage: "I16",
  CharStorage: "I8",
  ByteStorage: "U8",
  BoolStorage: "BOOL",
};

interface Storage {
  readonly kind: "storage";
  readonly type: StoredType;
  readonly key: string;
  /** Elements. */
  readonly count: number;
}

/** A tensor of a checkpoint, its bytes not yet read. */
export interface TorchTensor extends Strided {
  readonly kind: "tensor";
  readonly storage: Storage;
}

/** All tensors together may be so many times as large as the file: storages may be shared, but not without end. */
const MOST_RATIO = 4;
const RATIO_FLOOR = 1 << 20;

function isObject<K extends string>(value: PickleValue, kind: K): value is Extract<Storage | TorchTensor, { kind: K }> {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === kind;
}

/** True for a tensor among the values of a pickle. */
export function isTorchTensor(value: PickleValue): value is TorchTensor {
  return isObject(value, "tensor");
}

/** Whole numbers, no more than a tensor has axes: a list is looked at again by whoever refers to it, so it must be short. */
function isCounts(value: PickleValue): value is number[] {
  return Array.isArray(value) && value.length <= MOST_AXES && value.every((count) => Number.isSafeInteger(count) && (count as number) >= 0);
}

/** torch._utils._rebuild_tensor_v2(storage, offset, size, stride, …). */
const rebuildTensor: PickleCall = ([storage, offset, shape, strides], place) => {
  if (!isObject(storage, "storage")) throw new FormatError(`${place}: a tensor without a storage`);
  if (!isCounts(shape) || !isCounts(strides) || !isCounts([offset]) || shape.length !== strides.length)
    throw new FormatError(
      `${place}: a tensor's offset, size and stride need to be whole numbers of 0 or more, one for each of at most ${MOST_AXES} axes`,
    );
  const strided = { offset: offset as number, shape, strides };
  checkBounds(strided, storage, place);
  return { kind: "tensor", storage, ...strided };
};

function checkBounds({ offset, shape, strides }: Strided, { count }: Storage, place: string): void {
  // With a zero among the extents there is nothing to read; the others must still be a shape.
  const elements = shape.reduce((product, extent) => product * Math.max(1, extent), 1);
  if (!Number.isSafeInteger(elements))
    throw new FormatError(`${place}: a tensor of shape ${formatShape(shape)} has more than 2^53 elements`);
  const isEmpty = shape.includes(0);
  const last = shape.reduce((at, extent, axis) => at + (extent - 1) * strides[axis], offset);
  if (isEmpty ? offset > count : last >= count)
    throw new FormatError(
      `${place}: a tensor of shape ${formatShape(shape)}, strides ${formatShape(strides)} and offset ${offset} leaves its storage of ${count} elements`,
    );
  if (!isEmpty && elements > count)
    throw new FormatError(
      `${place}: a tensor of shape ${formatShape(shape)} repeats its storage of ${count} elements; save it as tensor.contiguous()`,
    );
}

const orderedDict: PickleCall = (args, place) => {
  if (args.length > 0) throw new FormatError(`${place}: an OrderedDict called with arguments`);
  return new Map();
};

const rebuildParameter: PickleCall = ([data], place) => {
  if (!isTorchTensor(data)) throw new FormatError(`${place}: a parameter that is no tensor`);
  return data;
};

const torchSize: PickleCall = ([extents], place) => {
  if (!isCounts(extents)) throw new FormatError(`${place}: a torch.Size needs at most ${MOST_AXES} whole numbers of 0 or more`);
  return extents;
};

/** A class of storages is named, never called: its name stands for the type. */
const storageClasses = new Map<PickleCall, StoredType>();

function storageClass(name: string): PickleCall {
  const refuse: PickleCall = (_, place) => {
    throw new FormatError(`${place}: it calls torch.${name}; a storage needs to lie in the archive`);
  };
  storageClasses.set(refuse, storages[name]);
  return refuse;
}

/** Every Python name that a checkpoint may use. */
const globals: ReadonlyMap<string, PickleCall> = new Map([
  ["collections OrderedDict", orderedDict],
  ["torch._utils _rebuild_tensor_v2", rebuildTensor],
  ["torch._utils _rebuild_tensor", rebuildTensor],
  ["torch._utils _rebuild_parameter", rebuildParameter],
  ["torch Size", torchSize],
  ...Object.keys(storages).map((name) => [`torch ${name}`, storageClass(name)] as const),
]);

const RESAVE = 'save its weights alone: torch.save(torch.load(FILE, weights_only=False)["state_dict"], NEW), or what the key is there';

/** ("storage", class, key, device, elements). */
function persistent(id: PickleValue, place: string): PickleValue {
  const [what, type, key, , count] = Array.isArray(id) ? id : [];
  const found = typeof type === "function" ? storageClasses.get(type) : undefined;
  if (what !== "storage" || found === undefined || typeof key !== "string" || !isCounts([count]))
    throw new FormatError(`${place}: a reference that is no storage`);
  return { kind: "storage", type: found, key, count: count as number } as Storage;
}

const world: PickleWorld = { globals, remedy: RESAVE, persistent };

/** A checkpoint's values, and the bytes of its tensors. */
export interface TorchFile {
  readonly root: PickleValue;
  /** Dense tensors by name. */
  read(tensors: ReadonlyMap<string, TorchTensor>): Promise<ReadonlyMap<string, StoredTensor>>;
}

/** The folder inside the archive that holds the pickle; another program's archive is refused by what it is. */
function folderOf(entries: ReadonlyMap<string, ZipEntry>, where: string): string {
  const names = [...entries.keys()];
  const pickles = names.filter((name) => /^[^/]*\/data\.pkl$/.test(name));
  if (pickles.length !== 1) {
    const shown = names.slice(0, 3).map((name) => JSON.stringify(name));
    throw new FormatError(
      `${where}: a zip archive of no known kind: it holds ${shown.join(", ") || "nothing"}; a checkpoint has one data.pkl`,
    );
  }
  const folder = pickles[0].slice(0, -"data.pkl".length);
  if (names.includes(`${folder}constants.pkl`))
    throw new FormatError(`${where}: a TorchScript program; save its weights: torch.save(torch.jit.load(FILE).state_dict(), NEW)`);
  return folder;
}

/** Opens a checkpoint; `where` begins every error. */
export async function openTorch(file: Uint8Array, where: string): Promise<TorchFile> {
  const entries = readZip(file, where);
  const folder = folderOf(entries, where);
  const order = await entries.get(`${folder}byteorder`)?.bytes();
  if (order && new TextDecoder("latin1").decode(order.subarray(0, 16)).trim() !== "little")
    throw new FormatError(`${where}: written in big-endian order; save it on a little-endian machine`);
  const pickle = await (entries.get(`${folder}data.pkl`) as ZipEntry).bytes();
  const root = readPickle(pickle, world, where);
  const most = Math.max(RATIO_FLOOR, MOST_RATIO * file.length);
  return { root, read: (tensors) => readTensors(tensors, entries, folder, most, where) };
}

async function readTensors(
  tensors: ReadonlyMap<string, TorchTensor>,
  entries: ReadonlyMap<string, ZipEntry>,
  folder: string,
  most: number,
  where: string,
): Promise<ReadonlyMap<string, StoredTensor>> {
  if (tensors.size > MOST_TENSORS) throw new FormatError(`${where}: ${tensors.size} tensors, at most ${MOST_TENSORS} are accepted`);
  const opened = new Map<string, Uint8Array>();
  const found = new Map<string, StoredTensor>();
  let total = 0;
  for (const [name, { storage, ...strided }] of tensors) {
    const place = `${where}: tensor ${JSON.stringify(name)}`;
    total += bytesOf(storage.type, strided.shape);
    if (total > most)
      throw new FormatError(
        `${place}: with it the tensors come to more than ${most} bytes, since they share storages; save copies of them (tensor.clone())`,
      );
    const memory = opened.get(storage.key) ?? (await readStorage(entries.get(`${folder}data/${storage.key}`), storage, place));
    opened.set(storage.key, memory);
    if (memory.length !== storage.count * bytesOfType[storage.type])
      throw new FormatError(
        `${place}: its storage has ${memory.length} bytes, ${storage.count} elements of ${storage.type} were announced`,
      );
    found.set(name, { type: storage.type, shape: strided.shape, bytes: denseBytes(memory, bytesOfType[storage.type], strided) });
  }
  return found;
}

function bytesOf(type: StoredType, shape: Shape): number {
  return shape.reduce((product, extent) => product * extent, bytesOfType[type]);
}

async function readStorage(entry: ZipEntry | undefined, { key }: Storage, place: string): Promise<Uint8Array> {
  if (!entry) throw new FormatError(`${place}: the archive lacks its storage ${JSON.stringify(key)}`);
  return entry.bytes();
}
