/** One headless Chromium for the pages of a test file. */
import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";
import { preprocessingFor } from "../../src/data/preprocessing.ts";
import type { Model } from "../../src/model/model.ts";
import { modelGraph } from "../../src/model/modelGraph.ts";
import { initialise } from "../../src/train/initialise.ts";
import { type Extra, serveSources } from "./server.ts";

const executablePath = "/usr/bin/chromium";

/** Why tests in the browser are skipped, or false. */
export const skip = existsSync(executablePath) ? false : `${executablePath} is not installed (Debian's package chromium)`;

/** Scripts of the page's own server, compiled WebAssembly, and nothing else: no inline code, no eval, no blobs. */
export const strictPolicy = { "content-security-policy": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'" };

/** What makes a page cross-origin isolated. */
export const isolation = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };

/** Starts the browser. */
export function launch(): Promise<Browser> {
  const quiet = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"];
  return chromium.launch({ executablePath, headless: true, args: ["--no-sandbox", "--disable-gpu", ...quiet] });
}

/** What a page's script left in `globalThis.answer`, and the warnings and errors of its console. */
export interface Visit<T> {
  readonly answer: T;
  readonly said: readonly string[];
}

const LIMIT_MS = 30_000;

/** Playwright's own waiting is made of text that the policy forbids to evaluate. */
async function answerOf<T>(tab: Page): Promise<T & { failed?: string }> {
  for (const end = performance.now() + LIMIT_MS; performance.now() < end; ) {
    const answer = await tab.evaluate(() => (globalThis as { answer?: T & { failed?: string } }).answer);
    if (answer !== undefined) return answer as T & { failed?: string };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("the page gave no answer");
}

/** Serves a page with one module script, and gives what it answers; an exception in it is thrown here. */
export async function visit<T>(
  browser: Browser,
  script: string,
  extra: Extra,
  headers: Readonly<Record<string, string>>,
): Promise<Visit<T>> {
  const imports = /^\s*import .*$/gm;
  const body = `${[...script.matchAll(imports)].join("\n")}
    try { ${script.replace(imports, "")} } catch (error) { globalThis.answer = { failed: String(error?.stack ?? error) }; }`;
  const server = await serveSources(
    {
      "/": { type: "text/html", body: '<!doctype html><title>Goldcrest</title><script type="module" src="/main.js"></script>' },
      "/main.js": { type: "text/javascript", body },
      ...extra,
    },
    headers,
  );
  const tab = await browser.newPage();
  try {
    const said: string[] = [];
    tab.on("console", (message) => {
      if (["warning", "error"].includes(message.type()) && !message.location().url.endsWith("favicon.ico")) said.push(message.text());
    });
    const broken = new Promise<never>((_, reject) => tab.on("pageerror", reject));
    await tab.goto(server.url);
    const answer = await Promise.race([answerOf<T>(tab), broken]);
    if (answer.failed !== undefined) throw new Error(`in the page: ${answer.failed}\n${said.join("\n")}`);
    return { answer, said };
  } finally {
    await tab.close();
    server.close();
  }
}

/** A network of random weights as a model of ten labels. */
export function untrained(network: string, size: number, channels: 1 | 3 = 3): Model {
  const labels = Array.from({ length: 10 }, (_, i) => `label ${i}`);
  const preprocessing = preprocessingFor({ size, channels, fit: "crop" });
  const card = { network, options: { width: 0.5, isSmallImage: true }, labels, preprocessing };
  return { ...card, weights: initialise(modelGraph(card), 7), provenance: {}, metrics: {} };
}

/** An image of a size, the same in every process. */
export function patterned(size: number, channels: 1 | 3 = 3): Uint8Array {
  return Uint8Array.from({ length: size * size * channels }, (_, i) => (i * 37 + (i >> 7)) & 255);
}
