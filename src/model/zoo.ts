import { networks } from "../networks/index.ts";
import type { Carried } from "./carried.ts";
import { integerForm } from "./integerForm.ts";

/** Every network, in floats and in integers. */
export const zoo: Carried = { networks, integers: integerForm };
