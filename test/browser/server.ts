import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { stripTypeScriptTypes } from "node:module";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";

const root = join(import.meta.dirname, "../..");

/** Extra answers by path. */
export type Extra = Readonly<Record<string, { readonly type: string; readonly body: string | Uint8Array }>>;

const stripped = new Map<string, Promise<string>>();

/** A source without its types; every worker of every page asks for all of them. */
function sourceOf(path: string): Promise<string> {
  const held = stripped.get(path) ?? readFile(join(root, path), "utf8").then((text) => stripTypeScriptTypes(text));
  stripped.set(path, held);
  return held;
}

/** Serves the sources with their types stripped, and what the test adds, on loopback. */
export async function serveSources(extra: Extra, headers: Readonly<Record<string, string>> = {}): Promise<{ url: string; close(): void }> {
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url ?? "/", "http://localhost").pathname);
    const given = Object.hasOwn(extra, path) ? extra[path] : undefined;
    try {
      const isSource = path.startsWith("/src/") && path.endsWith(".ts");
      if (!given && !isSource) throw new Error("not served");
      const body = given?.body ?? (await sourceOf(path));
      response.writeHead(200, { "content-type": given?.type ?? "text/javascript", ...headers }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
