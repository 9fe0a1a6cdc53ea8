/** The kinds of the matrix product: what tells one kernel of gemmKernel.ts from another, its key and its arguments. */
import type { Code, Expr, Local, V128 } from "../assembler.ts";
import type { Epilogue } from "../epilogue.ts";
import type { Arguments, Fields } from "../module.ts";
import { type GroupKind, type groupArgFields, groupFieldsOf, groupMark } from "./groupKind.ts";
import type { PanelResult } from "./panelResult.ts";
import type { Tap, TapCode } from "./taps.ts";

const baseFields = {
  a: "i32",
  packed: "i32",
  y: "i32",
  lda: "i32",
  ldy: "i32",
  run: "i32",
  width: "i32",
  tall: "i32",
  tiles: "i32",
  tilesPerUnit: "i32",
  rowBlocks: "i32",
  panels: "i32",
  panelBytes: "i32",
  panelsPerUnit: "i32",
} as const;
export const windowFields = {
  outWidth: "i32",
  outHeight: "i32",
  rowStep: "i32",
  imageStep: "i32",
  windowRows: "i32",
  windowColumns: "i32",
  rowRun: "i32",
  columnRun: "i32",
} as const;
export const batchFields = { unitsEach: "i32", aStep: "i32", packedStep: "i32", yStep: "i32" } as const;
const biasFields = { bias: "i32" } as const;
const maskFields = { masks: "i32" } as const;
const placeFields = { places: "i32" } as const;
const ownFields = { own: "i32" } as const;

type Special = typeof batchFields & typeof biasFields & typeof maskFields & typeof placeFields & typeof ownFields;
/** The arguments of all kinds. */
export type All = typeof baseFields & typeof windowFields & typeof groupArgFields & Special;

/** What one kernel of this family does; two steps of the same kind share the kernel. */
export interface Kind {
  readonly tap: Tap;
  readonly isMasked: boolean;
  /** Rows of the lower tiles; the others have one more. */
  readonly rows: number;
  /** Channels of images that have fewer than 4: the padding lanes of their pixels are skipped. Otherwise 0. */
  readonly thinLanes: number;
  readonly isWindowed: boolean;
  /** How panels follow the groups of a grouped convolution. */
  readonly groups: GroupKind | undefined;
  /** Channels of a run are read from where a list says they lie. */
  readonly isPlaced: boolean;
  readonly isBatched: boolean;
  readonly hasBias: boolean;
  readonly isAdded: boolean;
  readonly epilogue: Epilogue | undefined;
  readonly result: PanelResult | undefined;
}

/** What the code of a tile needs: the arguments, the panels to go through and the finished epilogue. */
export interface TileContext {
  readonly k: Code;
  readonly kind: Kind;
  readonly args: Arguments<All>;
  readonly tap: TapCode;
  readonly firstPanel: Local<"i32">;
  readonly lastPanel: Local<"i32">;
  readonly finish: (x: V128, at: Expr<"i32">) => V128;
  readonly store: ReturnType<PanelResult["begin"]> | undefined;
}

/** A kernel's name. */
export function keyOf(kind: Kind): string {
  const marks = [
    kind.thinLanes > 0 && `thin${kind.thinLanes}`,
    kind.isWindowed && "windows",
    kind.groups && groupMark(kind.groups),
    kind.isBatched && "batch",
    kind.isMasked && "masks",
    kind.isPlaced && "places",
    kind.hasBias && "bias",
    kind.isAdded && "added",
  ];
  return `gemm${kind.tap.key} ${[`rows${kind.rows}`, ...marks.filter(Boolean)].join(" ")}${kind.epilogue?.key ?? ""}${kind.result?.key ?? ""}`;
}

/** A kernel's fields. */
export function fieldsOf(kind: Kind): Fields {
  return {
    ...baseFields,
    ...(kind.isWindowed ? windowFields : {}),
    ...groupFieldsOf(kind.groups),
    ...(kind.isBatched ? batchFields : {}),
    ...(kind.isMasked ? maskFields : {}),
    ...(kind.isPlaced ? placeFields : {}),
    ...(kind.tap.hasOwn ? ownFields : {}),
    ...(kind.hasBias ? biasFields : {}),
    ...kind.epilogue?.fields,
    ...kind.result?.fields,
  };
}
