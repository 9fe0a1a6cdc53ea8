import type { PytorchClasses } from "./index.ts";

/** The text of model.py: what it is, then python/model.py with the network's classes in their place. */
export function moduleText(template: string, { text, name }: PytorchClasses, about: string): string {
  const body = template.replace("# The classes of the network stand here.", () => text).replace("return Network()", `return ${name}()`);
  const unused = ["math", "torch.nn.functional as F"].filter((module) => !new RegExp(`\\b${module.split(" ").at(-1)}\\.`).test(text));
  const lines = body.split("\n").filter((line) => !unused.some((module) => line === `import ${module}`));
  return `"""${about}"""\n${lines.join("\n")}`;
}
