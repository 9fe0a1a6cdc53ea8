/**
 * What the elements of a value are. Integer graphs compute with activations of 7 bits (0 … 127), so that every engine's products of bytes agree;
 * 8 bits hold what a table of 256 entries reads, "i8" are weights. Where nothing is said, elements are "f32".
 */
export type DType = "f32" | "u7" | "u8" | "i8";

/** Bytes of one element in an engine's memory. */
export const bytesOfType: Readonly<Record<DType, number>> = { f32: 4, u7: 1, u8: 1, i8: 1 };

/** The largest number that unsigned elements hold. */
export const mostOfType = { u7: 127, u8: 255 } as const;
