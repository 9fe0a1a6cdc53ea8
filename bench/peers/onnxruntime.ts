/** onnxruntime-web, WebAssembly in this process, and onnxruntime-node, native code; both run the network as we export it. */
import * as node from "onnxruntime-node";
import * as web from "onnxruntime-web";
import { encodeGraphAsOnnx } from "../../src/formats/onnx/encode.ts";
import type { Peer } from "./peer.ts";

/** The parts of both packages' interface that are used here; they declare them twice. */
interface Runtime {
  readonly InferenceSession: { create(model: Uint8Array, options: object): Promise<Inference> };
  readonly Tensor: new (type: "float32", data: Float32Array, shape: number[]) => object;
}

interface Inference {
  run(feeds: Readonly<Record<string, object>>): Promise<Readonly<Record<string, { readonly data: unknown }>>>;
  release(): Promise<void>;
}

function peer(name: string, { InferenceSession, Tensor }: Runtime, prepare: (threads: number) => object): Peer {
  return {
    name,
    async open({ graph, weights, image, threads }) {
      const session = await InferenceSession.create(encodeGraphAsOnnx(graph, weights), prepare(threads));
      const feeds = { image: new Tensor("float32", image.data, [...image.shape]) };
      return {
        run: async () => (await session.run(feeds)).logits.data as Float32Array,
        async repeat(times) {
          for (let i = 0; i < times; i++) await session.run(feeds);
        },
        close: () => session.release(),
      };
    },
  };
}

export const onnxruntimeWeb = peer("onnxruntime-web", web as unknown as Runtime, (threads) => {
  web.env.wasm.numThreads = threads;
  return { executionProviders: ["wasm"] };
});

export const onnxruntimeNode = peer("onnxruntime-node", node as unknown as Runtime, (threads) => ({
  executionProviders: ["cpu"],
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
}));
