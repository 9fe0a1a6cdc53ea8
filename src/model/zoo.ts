import { networks } from "../networks/index.ts";
import type { Carried } from "./carried.ts";
import { integerForm } from "./integerForm.ts";
import { storedGraph } from "./storedGraph.ts";

/** Every network, in floats and in integers. */
export const zoo: Carried = { networks, integers: integerForm, stored: storedGraph };
