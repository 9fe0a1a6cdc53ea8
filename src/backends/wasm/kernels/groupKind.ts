/** What the kernel of a product (gemmKernel.ts) is told of a convolution's groups, and how it then walks its panels. */
import type { Code, Local } from "../assembler.ts";
import type { Arguments, Fields } from "../module.ts";
import {
  alignedFields,
  formOf,
  type Groups,
  PANEL,
  type PanelWalk,
  spannedFields,
  walkAligned,
  walkPanels,
  walkSpanned,
} from "./groups.ts";
import { blocksOf } from "./narrowGroups.ts";
import { type NarrowGroups, type NarrowPanel, narrowFields, walkNarrow } from "./narrowPanels.ts";

/** How panels follow the groups; the code for narrow ones depends on their sizes. */
export type GroupKind = "aligned" | "spanned" | NarrowGroups;

const fields = { aligned: alignedFields, spanned: spannedFields, narrow: narrowFields } as const;

/** The fields of all kinds. */
export const groupArgFields = { ...alignedFields, ...spannedFields, ...narrowFields } as const;

/** The kind of some groups. */
export function groupKind(groups: Groups): GroupKind {
  const form = formOf(groups);
  if (form !== "narrow") return form;
  const { channels, inputs, outputs } = groups;
  return { inputs, outputs, rest: blocksOf(groups, channels / inputs, PANEL).rest };
}

/** The fields of one kind. */
export function groupFieldsOf(groups: GroupKind | undefined): Fields {
  return groups ? fields[typeof groups === "object" ? "narrow" : groups] : {};
}

/** A kind as part of a kernel's key. */
export function groupMark(groups: GroupKind): string {
  if (typeof groups === "string") return `${groups} groups`;
  return `groups of ${groups.inputs} to ${groups.outputs} rest ${groups.rest}`;
}

/** The walk over a unit's panels. */
export function walkOf(
  k: Code,
  groups: GroupKind | undefined,
  args: Arguments<typeof groupArgFields>,
  { firstPanel, lastPanel }: Readonly<Record<"firstPanel" | "lastPanel", Local<"i32">>>,
): PanelWalk<NarrowPanel | undefined> {
  const range = { first: firstPanel, last: lastPanel };
  if (groups === undefined) return walkPanels(k, range);
  if (groups === "aligned") return walkAligned(k, args, range);
  return groups === "spanned" ? walkSpanned(k, args, range) : walkNarrow(k, groups, args);
}
