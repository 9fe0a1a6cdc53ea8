/** A step list as it lies in memory: control words, one record a step, then the steps' arguments; the arena begins behind them. */
import { control } from "./control.ts";
import type { Pointer, Step } from "./kernel.ts";
import { type KernelSource, STEP_BYTES } from "./module.ts";

const align = (bytes: number): number => Math.ceil(bytes / 64) * 64;

/** The kernels that a step list calls (function i of the module's table is kernel i − 1), and its words. */
export interface Program {
  readonly kernels: readonly KernelSource[];
  /** Bytes from address 0 to the arena. */
  readonly base: number;
  /** Writes the words; `address` places a pointer in the arena, whose first byte is 0. */
  write(view: DataView, address: (pointer: Pointer) => number): void;
}

/** Lays out a step list. */
export function programOf(steps: readonly Step[]): Program {
  const kernels = new Map<string, { source: KernelSource; index: number }>();
  for (const { kernel } of steps) if (!kernels.has(kernel.key)) kernels.set(kernel.key, { source: kernel, index: kernels.size + 1 });
  const words = steps.reduce((sum, { kernel }) => sum + Object.keys(kernel.fields).length, 0);
  const stepsAt = align(control.bytes);
  const argsAt = align(stepsAt + steps.length * STEP_BYTES);
  const base = align(argsAt + words * 4);
  const write = (view: DataView, address: (pointer: Pointer) => number): void => {
    view.setInt32(control.steps, stepsAt, true);
    let at = argsAt;
    steps.forEach(({ kernel, units, args }, i) => {
      const index = kernels.get(kernel.key)?.index ?? 0;
      [index, at, units, 0].forEach((word, j) => {
        view.setInt32(stepsAt + i * STEP_BYTES + j * 4, word, true);
      });
      for (const [name, type] of Object.entries(kernel.fields)) {
        const given = args[name];
        const value = typeof given === "number" ? given : base + address(given);
        if (type === "i32") view.setInt32(at, value, true);
        else view.setFloat32(at, value, true);
        at += 4;
      }
    });
  };
  return { kernels: [...kernels.values()].map(({ source }) => source), base, write };
}
