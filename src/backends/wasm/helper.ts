/** The body of a helper thread (threads.ts): says "ready", serves, and says "failed" where a run could not be finished. */
import { onParentMessage } from "../../core/worker.ts";
import { declareFailed } from "./control.ts";
import type { HelperTask } from "./threads.ts";

onParentMessage((message, tell, close) => {
  const { module, memory, part, parts } = message as HelperTask;
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  tell("ready");
  try {
    (exports.serve as (part: number, parts: number, control: number) => void)(part, parts, 0);
  } catch {
    declareFailed(memory);
    tell("failed");
  }
  close();
});
