/** What the benchmark asks of another engine. */
import type { Shape } from "../../src/core/shape.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import type { Graph } from "../../src/ir/graph.ts";

/** A network with weights and the image on which all engines run. */
export interface Contest {
  readonly graph: Graph;
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly image: { readonly shape: Shape; readonly data: Float32Array };
  readonly threads: number;
}

/** A network opened in another engine. */
export interface PeerSession {
  /** One run on the image; the row of logits. */
  run(): Promise<Float32Array>;
  /** Runs and waits for the results, without copying them. */
  repeat(times: number): Promise<void>;
  close(): Promise<void>;
}

/** Another engine; `open` gives nothing where it cannot run such a network, or not on so many threads. */
export interface Peer {
  readonly name: string;
  open(contest: Contest): Promise<PeerSession | undefined>;
}
