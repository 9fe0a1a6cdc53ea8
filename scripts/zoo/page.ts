import type { Arithmetic, DesignPlace, NetworkOptions } from "../../src/index.ts";

/** A figure of a page: a whole network, one of its blocks, or a design by itself. */
export type Figure =
  | { readonly network: string; readonly options?: NetworkOptions; readonly block?: string; readonly caption: string }
  | { readonly design: string; readonly place?: DesignPlace; readonly caption: string };

/** What is written by hand of a family; everything else on its page comes from the code. */
export interface Page {
  /** A name of `families`. */
  readonly family: string;
  /** The idea in a paragraph. */
  readonly idea: string;
  readonly figures: readonly Figure[];
  /** Designs of `--conv` that come from this family. */
  readonly designs: readonly string[];
  /** The `--arithmetic` that comes from this family. */
  readonly arithmetic?: Arithmetic;
  /** How the survey's code differs from the paper and so from our networks. */
  readonly survey: readonly string[];
  /** What was left open or cannot be reproduced, beside what the networks themselves list. */
  readonly open: readonly string[];
}
