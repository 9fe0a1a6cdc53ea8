import type { CommandRule } from "./commandRule.ts";
import { compile, exportModel } from "./rules/deploying.ts";
import { importModel } from "./rules/importing.ts";
import { compare, explain, networks, profile } from "./rules/networks.ts";
import { classify, data, evaluate, fit, quantize, recipes } from "./rules/training.ts";

/** Every command. What runs one is loaded when it runs. */
export const commands: readonly CommandRule[] = [
  fit,
  classify,
  evaluate,
  quantize,
  compile,
  exportModel,
  importModel,
  recipes,
  networks,
  explain,
  compare,
  profile,
  data,
];
