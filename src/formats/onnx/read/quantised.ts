/** Graphs that quantise and dequantise: run in floats, each number held within the range that its integers can tell. */
import type { HostTensor } from "../elements.ts";
import { boundsOf, UINT8 } from "../elements.ts";
import { clipped } from "./constructors.ts";
import { constantAt, optionalAt, type Reader, valueAt } from "./importing.ts";
import { Unsupported } from "./node.ts";

function single(tensor: HostTensor, what: string): number {
  if (tensor.data.length !== 1) throw new Unsupported(`${what} of ${tensor.data.length} numbers for computed values`);
  return tensor.data[0];
}

const quantised: Reader = (place) => {
  const { attributes, g } = place;
  attributes.ignore("axis", "saturate");
  attributes.only("block_size", 0);
  const scale = single(constantAt(place, 1, "a scale"), "a scale");
  const zero = optionalAt(place, 2, "a zero point");
  const asked = attributes.number("output_dtype") ?? 0;
  const [least, most] = boundsOf(zero?.type ?? (asked || UINT8));
  if (!(scale > 0) || !Number.isFinite(most)) throw new Unsupported(`a scale of ${scale}, or integers of type ${zero?.type ?? asked}`);
  const offset = zero ? single(zero, "a zero point") : 0;
  return clipped(g, valueAt(place, 0), (least - offset) * scale, (most - offset) * scale);
};

const dequantised: Reader = (place) => {
  place.attributes.ignore("axis");
  place.attributes.only("block_size", 0);
  return valueAt(place, 0);
};

/** Readers of quantisation on computed values, by type; on stored ones it is arithmetic (fold.ts). */
export const quantisationReaders: Readonly<Record<string, Reader>> = { DequantizeLinear: dequantised, QuantizeLinear: quantised };
