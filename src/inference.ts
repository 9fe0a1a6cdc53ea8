/** Classifying with a model file in a program that carries only the families that it names: a page's way. */
import "./core/requireNode.ts";

export * from "./core/errors.ts";
export type { Image } from "./data/image.ts";
export type { Preprocessing } from "./data/preprocessing.ts";
export { prepare } from "./data/resize.ts";
export type { OpenOptions } from "./engine/session.ts";
export { type OpenedModel, openModel } from "./model/openModel.ts";
export * from "./model/parts.ts";
