/** The Python files that lie beside this one; the build copies them. */
import { readFileSync } from "node:fs";

/** Their names, in the order in which a person would read them. */
export const pythonFiles = ["weights.py", "data.py", "train.py"] as const;

/** The text of a Python file of this folder. */
export function pythonText(name: (typeof pythonFiles)[number] | "layers.py" | "model.py"): string {
  return readFileSync(new URL(`./python/${name}`, import.meta.url), "utf8");
}
