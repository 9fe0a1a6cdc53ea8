import { FormatError } from "../../core/errors.ts";
import type { PickleValue } from "./pickle.ts";
import { isTorchTensor, type TorchTensor } from "./torch.ts";

/** Where programs put the weights beside optimiser, epoch and the like; the first that is there is taken. */
const usual = ["state_dict", "model_state_dict", "model", "net", "network", "model_state", "weights", "params", "module"];
/** Dictionaries inside one another that are looked into. */
const MOST_DEPTH = 3;
const MOST_KEYS = 1000;
const SHOWN = 8;

/** The tensors of a dictionary under texts; other values (versions, counters) are left out. */
function tensorsOf(map: ReadonlyMap<PickleValue, PickleValue>): Map<string, TorchTensor> {
  const tensors = new Map<string, TorchTensor>();
  for (const [name, value] of map) if (typeof name === "string" && isTorchTensor(value)) tensors.set(name, value);
  return tensors;
}

/** The weights in a checkpoint's values: the dictionary itself, or the one it holds under a usual name, or the only one with tensors. */
export function findStateDict(root: PickleValue, where: string): ReadonlyMap<string, TorchTensor> {
  let map = root;
  let place = where;
  for (let depth = 0; depth < MOST_DEPTH; depth++) {
    if (isTorchTensor(map)) throw new FormatError(`${place}: one tensor; it needs a dictionary of tensors by name (model.state_dict())`);
    if (!(map instanceof Map)) throw new FormatError(`${place}: no dictionary; it needs one of tensors by name (model.state_dict())`);
    const tensors = tensorsOf(map);
    const key = usualKey(map) ?? (tensors.size > 0 ? undefined : choose(map, place));
    if (key === undefined) return tensors;
    map = map.get(key) as PickleValue;
    place = `${place}: ${JSON.stringify(key)}`;
  }
  throw new FormatError(`${place}: no tensors in dictionaries ${MOST_DEPTH} deep; save model.state_dict() alone`);
}

/** A usual name under which there is a dictionary. */
function usualKey(map: ReadonlyMap<PickleValue, PickleValue>): string | undefined {
  return usual.find((name) => map.get(name) instanceof Map);
}

function choose(map: ReadonlyMap<PickleValue, PickleValue>, place: string): string {
  const names = [...map.keys()].slice(0, MOST_KEYS).filter((key): key is string => typeof key === "string" && map.get(key) instanceof Map);
  const holding = names.filter((name) => tensorsOf(map.get(name) as Map<PickleValue, PickleValue>).size > 0);
  if (holding.length === 1) return holding[0];
  const shown = holding.slice(0, SHOWN).map((name) => JSON.stringify(name));
  throw new FormatError(
    holding.length === 0
      ? `${place}: a dictionary without tensors; save model.state_dict()`
      : `${place}: several dictionaries hold tensors (${shown.join(", ")}); save the one that is meant alone`,
  );
}
