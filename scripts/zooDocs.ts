/** npm run docs:zoo: writes docs/zoo and the README's table of designs. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./lib/run.ts";
import { withDesigns, zooDocuments } from "./zoo/documents.ts";

const files = zooDocuments();
for (const [path, text] of files) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
const figures = "docs/zoo/figures";
for (const name of readdirSync(join(root, figures))) if (!files.has(`${figures}/${name}`)) rmSync(join(root, figures, name));
const readme = join(root, "README.md");
writeFileSync(readme, withDesigns(readFileSync(readme, "utf8")));
console.log(`docs:zoo: ${files.size} files, and the table in README.md`);
