/** Pixels as the decoders give them: RGBA, 8 bits. */
export interface RawImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** The WebAssembly files of the decoders, by format, with their place in npm's packages. */
export const codecFiles = {
  jpeg: "@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm",
  png: "@jsquash/png/codec/pkg/squoosh_png_bg.wasm",
  webp: "@jsquash/webp/codec/dec/webp_dec.wasm",
} as const;

/** A format with a decoder. */
export type Format = keyof typeof codecFiles;

/** Decoders by format; each throws an Error with a reason. */
export interface Codecs {
  decode(format: Format, bytes: Uint8Array): Promise<RawImage>;
  /** JPEG with four channels, to RGB without alpha. */
  decodeCmyk(bytes: Uint8Array): Promise<RawImage>;
}

type Decoder = (bytes: Uint8Array) => RawImage;

/** The part of an Emscripten module that we use. */
interface EmscriptenDecoder {
  decode(bytes: Uint8Array, ...further: readonly boolean[]): RawImage | null;
}

/** An Emscripten module's factory: it asks for an instance and reports what its program writes. */
type Factory = (options: object) => Promise<EmscriptenDecoder>;

/** Images of more pixels than this leave a decoder's memory so large that it is thrown away. */
const LARGE = 8e6;

/** What libjpeg reports when pixels are missing or invented; it goes on and fills them with grey. */
const damage = /premature end|bad huffman|bad arithmetic|inconsistent progression/i;

/** `further` are arguments after the bytes; the glue insists on their number. */
async function emscripten(factory: Factory, module: WebAssembly.Module, further: readonly boolean[]): Promise<Decoder> {
  let report = "";
  const instance = await factory({
    noInitialRun: true,
    instantiateWasm(imports: WebAssembly.Imports, use: (instance: WebAssembly.Instance) => void) {
      const made = new WebAssembly.Instance(module, imports);
      use(made);
      return made.exports;
    },
    print: () => undefined,
    printErr: (line: string) => {
      report ||= line;
    },
  });
  return (bytes) => {
    report = "";
    let image: RawImage | null = null;
    try {
      image = instance.decode(bytes, ...further);
    } catch (cause) {
      throw new Error(report || "the decoder gave up", { cause });
    }
    if (!image) throw new Error(report || "the decoder found it damaged");
    if (damage.test(report)) throw new Error(report);
    return asBytes(image);
  };
}

function asBytes({ width, height, data }: RawImage): RawImage {
  return { width, height, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

/**
 * The PNG decoder is Rust behind wasm-bindgen, whose own glue keeps one instance for ever, with all that failed decodings leaked. Its
 * surface is small enough to be called directly: bytes go in through its allocator, pixels come out through one import.
 */
function rustPng(module: WebAssembly.Module): Decoder {
  let image: RawImage | undefined;
  const fail = (text: string): never => {
    throw new Error(text);
  };
  const provided: Record<string, (...numbers: number[]) => number> = {
    __wbg_newwithownedu8clampedarrayandsh: (at, length, width, height) => {
      image = { width, height, data: new Uint8Array(exported.memory.buffer).slice(at >>> 0, (at >>> 0) + length) };
      exported.__wbindgen_free(at, length, 1);
      return 0;
    },
  };
  const imports: Record<string, (...numbers: number[]) => number> = {};
  for (const { name } of WebAssembly.Module.imports(module)) {
    imports[name] = provided[name.replace(/_[0-9a-f]{16}$/, "")] ?? (() => fail("the decoder found it damaged"));
  }
  const exported = new WebAssembly.Instance(module, { wbg: imports }).exports as unknown as {
    memory: WebAssembly.Memory;
    __wbindgen_malloc(bytes: number, alignment: number): number;
    __wbindgen_free(at: number, bytes: number, alignment: number): void;
    decode(at: number, bytes: number): number;
  };
  return (bytes) => {
    image = undefined;
    const at = exported.__wbindgen_malloc(bytes.length, 1) >>> 0;
    new Uint8Array(exported.memory.buffer).set(bytes, at);
    exported.decode(at, bytes.length);
    return image ?? fail("the decoder gave no image");
  };
}

/** Tells the JPEG decoder not to turn pictures upright by itself: that is done here, for all formats alike. */
const isTurnedByDecoder = false;

const open: Readonly<Record<Format, (module: WebAssembly.Module) => Promise<Decoder>>> = {
  jpeg: async (module) =>
    emscripten((await import("@jsquash/jpeg/codec/dec/mozjpeg_dec.js")).default as unknown as Factory, module, [isTurnedByDecoder]),
  png: async (module) => rustPng(module),
  webp: async (module) => emscripten((await import("@jsquash/webp/codec/dec/webp_dec.js")).default as unknown as Factory, module, []),
};

async function decodeCmyk(bytes: Uint8Array): Promise<RawImage> {
  const { decode } = (await import("jpeg-js")).default;
  const options = {
    useTArray: true,
    formatAsRGBA: true,
    tolerantDecoding: false,
    maxResolutionInMP: 100,
    maxMemoryUsageInMB: 2048,
  } as const;
  return asBytes(decode(bytes, options));
}

/** Decoders that load their WebAssembly when first needed, and start anew after a failure or a large image. */
export function openCodecs(load: (format: Format) => Promise<WebAssembly.Module>): Codecs {
  const modules = new Map<Format, Promise<WebAssembly.Module>>();
  const decoders = new Map<Format, Promise<Decoder>>();
  const decoderOf = (format: Format): Promise<Decoder> => {
    const module = modules.get(format) ?? load(format);
    modules.set(format, module);
    const decoder = decoders.get(format) ?? module.then(open[format]);
    decoders.set(format, decoder);
    return decoder;
  };
  return {
    async decode(format, bytes) {
      const decoder = await decoderOf(format);
      try {
        const image = decoder(bytes);
        if (image.width * image.height > LARGE) decoders.delete(format);
        return image;
      } catch (cause) {
        decoders.delete(format);
        throw cause;
      }
    },
    decodeCmyk,
  };
}

/** Decoders in a browser, from the addresses at which the page serves the files of `codecFiles`. */
export function openWebCodecs(addresses: Readonly<Record<Format, string | URL>>): Codecs {
  return openCodecs(async (format) => WebAssembly.compile(await (await fetch(addresses[format])).arrayBuffer()));
}
