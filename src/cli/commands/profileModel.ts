import { loadModel, type MeasuredCost, measureCost, modelGraph, runnable, staticCost, wasmBackend } from "../../index.ts";
import { readFileBytes } from "../../node.ts";
import type { Context } from "../context.ts";
import { hasFlag, type RawOptions, threadsOption, wholeOption } from "../options.ts";
import { grouped } from "../terminal/text.ts";
import { costTable, measuredTable } from "./profile.ts";

const MB = 1e6;

/** `goldcrest profile FILE`: what a model costs as it runs, in floats or in integers, and with --measure how long each layer takes here. */
export async function profileModel(path: string, raw: RawOptions, context: Context): Promise<void> {
  const model = await loadModel(await readFileBytes(path), path);
  const [batch, threads] = [wholeOption(raw, "batch", 1), threadsOption(raw, 1)];
  const { graph, weights } = runnable(model, batch);
  const cost = staticCost(model.quantisation ? graph : modelGraph(model, batch));
  const numbers = model.quantisation ? "int8" : "float32";
  let measured: MeasuredCost | undefined;
  if (hasFlag(raw, "measure")) {
    using session = await wasmBackend.open(graph, weights, { threads });
    session.view("image").data.fill(0.5);
    measured = measureCost(session);
  }
  if (context.isJson) {
    context.print(JSON.stringify({ model: path, network: model.network, numbers, ...cost, ...(measured ? { threads, measured } : {}) }));
    return;
  }
  const megabytes = (bytes: number): string => `${(bytes / MB).toFixed(2)} MB, ${numbers}`;
  const rows = [
    `${path} (${model.network})`,
    `  multiply–accumulates  ${grouped(cost.macs)}`,
    `  bytes moved           ${megabytes(cost.bytes)}`,
    `  weights               ${megabytes(cost.weightBytes)}`,
    `  peak activations      ${megabytes(cost.peakBytes)}`,
  ];
  if (measured) {
    rows.push(`  time                  ${measured.milliseconds.toFixed(2)} ms a run, ${threads} thread${threads === 1 ? "" : "s"}`);
    rows.push(
      `  reference             ${measured.fallbacks === 0 ? "no layer" : `${measured.fallbacks} layers`} fell back to the reference`,
    );
  }
  context.print([...rows, "", measured ? measuredTable(measured) : costTable(cost)].join("\n"));
}
