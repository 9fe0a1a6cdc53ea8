import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { FileError } from "../core/errors.ts";
import { sha256 } from "../core/sha256.ts";
import { downloadFashionMnist, type ExpectedFile } from "./download.node.ts";
import { downloadFolder, openFashionMnist } from "./fashionMnist.node.ts";
import { idxNames } from "./fashionMnist.ts";
import { serialiseIdx } from "./idx.ts";

function contentsOf(name: string): Uint8Array {
  const isImages = name.includes("idx3");
  const shape = isImages ? [40, 28, 28] : [40];
  const bytes = isImages ? 40 * 784 : 40;
  return serialiseIdx({ shape, data: Uint8Array.from({ length: bytes }, (_, i) => (isImages ? Math.imul(i, 0x9e3779b1) >>> 24 : i % 4)) });
}

const published = new Map(Object.values(idxNames).map((name) => [`/${name}.gz`, gzipSync(contentsOf(name))]));
const files: ExpectedFile[] = [];
for (const name of Object.values(idxNames)) {
  files.push({ name, bytes: contentsOf(name).length, sha256: await sha256(contentsOf(name)) });
}

/** A server and an empty cache folder for one test. */
async function withServer(answer: RequestListener, use: (baseUrl: string, cacheFolder: string) => Promise<void>): Promise<void> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cacheFolder = await mkdtemp(join(tmpdir(), "goldcrest-download-"));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, cacheFolder);
  } finally {
    server.closeAllConnections();
    server.close();
    await rm(cacheFolder, { recursive: true });
  }
}

const good: RequestListener = (request, response) => response.end(published.get(request.url ?? ""));
const listed = async (cacheFolder: string): Promise<string[]> => (await readdir(downloadFolder(cacheFolder))).sort();

test("the four files are fetched, checked, and become the data set; a second call fetches nothing", async () => {
  let requests = 0;
  const counting: RequestListener = (request, response) => {
    requests++;
    good(request, response);
  };
  await withServer(counting, async (baseUrl, cacheFolder) => {
    const seen = new Set<string>();
    const folder = await downloadFashionMnist({ baseUrl, cacheFolder, files, onProgress: ({ name }) => seen.add(name) });
    assert.deepEqual(await listed(cacheFolder), [...published.keys()].map((path) => path.slice(1)).sort());
    assert.equal(seen.size, 4);
    await downloadFashionMnist({ baseUrl, cacheFolder, files });
    assert.equal(requests, 4);
    const dataset = await openFashionMnist({ cacheFolder, systemFolder: join(folder, "nowhere") });
    assert.deepEqual([dataset.count, dataset.labels.length], [80, 4]);
  });
});

test("wrong contents are refused with both checksums, and nothing is kept", async () => {
  const other = contentsOf(idxNames.trainImages);
  other[500] ^= 1;
  const answer: RequestListener = (_request, response) => response.end(gzipSync(other));
  await withServer(answer, async (baseUrl, cacheFolder) => {
    const expected = (error: unknown): boolean => error instanceof FileError && error.message.includes(`needs ${files[0].sha256}`);
    await assert.rejects(downloadFashionMnist({ baseUrl, cacheFolder, files }), expected);
    assert.deepEqual(await listed(cacheFolder), []);
  });
});

test("a page instead of a file, an endless answer and a missing file are refused with the address", async () => {
  const answers: [RequestListener, RegExp][] = [
    [(_request, response) => response.end("<html>sign in</html>"), /not an IDX file/],
    [(_request, response) => response.writeHead(404).end(), /found HTTP 404, needs 200/],
    [(_request, response) => response.end(Buffer.alloc(100_000)), /found more than \d+ bytes/],
  ];
  for (const [answer, message] of answers) {
    await withServer(answer, async (baseUrl, cacheFolder) => {
      const expected = (error: unknown): boolean =>
        error instanceof FileError && message.test(error.message) && error.message.includes(baseUrl);
      await assert.rejects(downloadFashionMnist({ baseUrl, cacheFolder, files }), expected);
    });
  }
});

test("after a hang-up in the middle the next call continues where it stopped", async () => {
  const ranges: (string | undefined)[] = [];
  const answer: RequestListener = (request, response) => {
    const whole = published.get(request.url ?? "") ?? Buffer.alloc(0);
    const { range } = request.headers;
    ranges.push(range);
    if (range) {
      const start = Number(range.slice("bytes=".length, -1));
      return void response
        .writeHead(206, { "Content-Range": `bytes ${start}-${whole.length - 1}/${whole.length}` })
        .end(whole.subarray(start));
    }
    if (ranges.length > 1) return void response.end(whole);
    response.writeHead(200, { "Content-Length": whole.length });
    response.write(whole.subarray(0, 1000), () => setTimeout(() => response.destroy(), 50));
  };
  await withServer(answer, async (baseUrl, cacheFolder) => {
    const expected = (error: unknown): boolean => error instanceof FileError && /broke off/.test(error.message);
    await assert.rejects(downloadFashionMnist({ baseUrl, cacheFolder, files }), expected);
    assert.deepEqual(await listed(cacheFolder), [`${files[0].name}.gz.part`]);
    const folder = await downloadFashionMnist({ baseUrl, cacheFolder, files });
    assert.deepEqual(ranges, [undefined, "bytes=1000-", undefined, undefined, undefined]);
    for (const [path, bytes] of published) assert.deepEqual(await readFile(join(folder, path)), bytes);
  });
});

test("a server that ignores the range starts the file over", async () => {
  let requests = 0;
  const answer: RequestListener = (request, response) => {
    const whole = published.get(request.url ?? "") ?? Buffer.alloc(0);
    if (requests++ > 0) return void response.end(whole);
    response.writeHead(200, { "Content-Length": whole.length });
    response.write(whole.subarray(0, 1000), () => setTimeout(() => response.destroy(), 50));
  };
  await withServer(answer, async (baseUrl, cacheFolder) => {
    await assert.rejects(downloadFashionMnist({ baseUrl, cacheFolder, files }), FileError);
    const folder = await downloadFashionMnist({ baseUrl, cacheFolder, files });
    for (const [path, bytes] of published) assert.deepEqual(await readFile(join(folder, path)), bytes);
  });
});

test("a silent server is given up", async () => {
  await withServer(
    (_request, response) => void response.writeHead(200, { "Content-Length": 5000 }).write("x"),
    async (baseUrl, cacheFolder) => {
      const expected = (error: unknown): boolean => error instanceof FileError && /sent nothing for 80 ms/.test(error.message);
      await assert.rejects(downloadFashionMnist({ baseUrl, cacheFolder, files, stall: 80 }), expected);
    },
  );
});
