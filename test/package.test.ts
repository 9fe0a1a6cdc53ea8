/** The packed package, unpacked into an empty project beside its declared dependencies only, as npm would install it. */
import assert from "node:assert/strict";
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";

const root = join(import.meta.dirname, "..");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
/** What package-lock.json says of a package, as far as it matters here. */
interface LockedPackage {
  dev?: boolean;
  hasInstallScript?: boolean;
}

let project = "";
let installed = "";

before(() => {
  project = mkdtempSync(join(tmpdir(), "goldcrest-package-"));
  const npm = spawnSync("npm", ["pack", "--pack-destination", project], { cwd: root, encoding: "utf8" });
  assert.equal(npm.status, 0, npm.stderr);
  const tarball = readdirSync(project).find((file) => file.endsWith(".tgz"));
  installed = join(project, "node_modules", "goldcrest");
  mkdirSync(installed, { recursive: true });
  assert.equal(spawnSync("tar", ["-xzf", join(project, tarball ?? ""), "--strip-components=1", "-C", installed]).status, 0);
  for (const name of Object.keys(manifest.dependencies)) {
    mkdirSync(dirname(join(project, "node_modules", name)), { recursive: true });
    symlinkSync(join(root, "node_modules", name), join(project, "node_modules", name), "dir");
  }
});

after(() => rmSync(project, { recursive: true, force: true }));

function runBin(nodeFlags: string[], ...args: string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [...nodeFlags, join(installed, "bin", "goldcrest.js"), ...args], { cwd: project, encoding: "utf8" });
}

test("it carries compiled code and declarations, and no sources or tests", () => {
  const files = globSync("**/*", { cwd: installed });
  assert(files.includes(join("dist", "index.js")) && files.includes(join("dist", "index.d.ts")));
  assert.deepEqual(
    files.filter((file) => /\.test\.|(?<!\.d)\.ts$/.test(file)),
    [],
  );
});

test("nothing that it installs, at any depth, has an install script", () => {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as { packages: Record<string, LockedPackage> };
  const installed = Object.entries(packages).filter(([path, { dev }]) => path !== "" && !dev);
  assert(installed.length >= Object.keys(manifest.dependencies).length);
  assert.deepEqual(
    installed.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path),
    [],
  );
  const { preinstall, install, postinstall } = manifest.scripts;
  assert.deepEqual([preinstall, install, postinstall], [undefined, undefined, undefined]);
});

test("every file that a compiled file names by URL is there", () => {
  const missing = globSync("dist/**/*.js", { cwd: installed }).flatMap((file) => {
    const named = readFileSync(join(installed, file), "utf8").matchAll(/new URL\(\s*["'](\.[^"']+)["'],\s*import\.meta\.url/g);
    return [...named].map(([, address]) => join(dirname(file), address)).filter((target) => !existsSync(join(installed, target)));
  });
  assert.deepEqual(missing, []);
});

test("each entry loads", () => {
  const entries = Object.keys(manifest.exports).filter((entry) => !entry.endsWith(".json"));
  const code = entries.map((entry) => `await import(${JSON.stringify(entry.replace(/^\./, "goldcrest"))});`).join("\n");
  writeFileSync(join(project, "load.mjs"), code);
  const { status, stderr } = spawnSync(process.execPath, ["load.mjs"], { cwd: project, encoding: "utf8" });
  assert.equal(status, 0, stderr);
});

test("the command runs", () => {
  const { status, stdout, stderr } = runBin([], "--help");
  assert.equal(status, 0, stderr);
  assert.match(stdout, /goldcrest/);
});

test("it compiles a model, and what it writes runs without it", () => {
  const make = `import { buildNetwork, initialise, saveModel } from "goldcrest";
    import { preprocessingFor } from "goldcrest/train";
    import { writeFileSync } from "node:fs";
    const [labels, options] = [["a", "b"], { width: 0.25, isSmallImage: true }];
    const preprocessing = preprocessingFor({ size: 16, channels: 1, fit: "crop" });
    const weights = initialise(buildNetwork("mobilenet-v2", { ...options, classes: 2, size: 16, channels: 1 }), 1);
    const model = { network: "mobilenet-v2", options, labels, preprocessing, weights, provenance: {}, metrics: {} };
    writeFileSync("model.safetensors", await saveModel(model));`;
  writeFileSync(join(project, "make.mjs"), make);
  assert.equal(spawnSync(process.execPath, ["make.mjs"], { cwd: project }).status, 0);
  mkdirSync(join(project, "elsewhere"));
  const { status, stderr } = runBin([], "compile", "model.safetensors", "--out", "elsewhere/model");
  assert.equal(status, 0, stderr);
  const use = `import { load } from "./model.js";
    console.log((await load())({ width: 20, height: 20, data: new Uint8Array(400) }, 1)[0].label);`;
  writeFileSync(join(project, "elsewhere", "use.mjs"), use);
  const used = spawnSync(process.execPath, ["use.mjs"], { cwd: join(project, "elsewhere"), encoding: "utf8" });
  assert.match(used.stdout, /^[ab]\n$/, used.stderr);
});

test("an old Node is told what is needed", () => {
  writeFileSync(join(project, "old.mjs"), 'Object.defineProperty(process, "version", { value: "v20.20.2" });');
  const { status, stdout, stderr } = runBin(["--import", pathToFileURL(join(project, "old.mjs")).href], "--help");
  assert.equal(status, 1);
  assert.equal(stdout, "");
  assert.match(stderr, /^goldcrest needs Node\.js 22\.12 or later; this is v20\.20\.2 /);
  assert.match(stderr, /install/);
});

test("an entry refuses to load in an old Node, by name", () => {
  writeFileSync(
    join(project, "older.mjs"),
    'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "22.11.0" } });',
  );
  const preload = ["--import", pathToFileURL(join(project, "older.mjs")).href];
  const { status, stderr } = spawnSync(process.execPath, [...preload, "load.mjs"], { cwd: project, encoding: "utf8" });
  assert.equal(status, 1);
  assert.match(stderr, /EngineError: goldcrest needs Node\.js 22\.12 or later; this is 22\.11\.0/);
});
