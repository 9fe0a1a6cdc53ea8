/** Goldcrest on Node: folders of images, data sets, model files and checkpoints on disk. */
import "./core/requireNode.ts";

export { defaultCacheFolder } from "./data/cacheFolder.node.ts";
export { type DownloadOptions, type DownloadProgress, downloadFashionMnist } from "./data/download.node.ts";
export { type FashionMnistOptions, isMnistFolder, openFashionMnist, openMnistFolder } from "./data/fashionMnist.node.ts";
export { type FolderOptions, openFolder } from "./data/folder/openFolder.node.ts";
export { listImages, openDecoder, readFileBytes } from "./data/imageFile.node.ts";
export { readLabels } from "./data/labels/labels.node.ts";
export { type CompiledFiles, compileToFiles } from "./deploy/compileModel.node.ts";
export { type CompiledRunner, openRunner } from "./deploy/loader.ts";
export type { WeightFormat } from "./deploy/stored.ts";
export type { CompileCard, CompiledSizes, CompileFileOptions } from "./deploy/wasmFile.ts";
export { writeFolder } from "./formats/atomicFolder.node.ts";
export { atomicWrite } from "./formats/atomicWrite.node.ts";
export { readOnnxFile } from "./formats/onnx/onnxFile.node.ts";
export { readWeightFile, type WeightFile } from "./formats/weights/weightFile.ts";
export { type ImportedFile, importWeightFile, isWeightFile } from "./model/import/importFile.node.ts";
export {
  type Fate,
  type ImportedWeights,
  type ImportOptions,
  importWeights,
  misfit,
  type TensorRow,
} from "./model/import/importWeights.ts";
export {
  type Files,
  fromPytorch,
  isUntouchedPytorch,
  pytorchFolder,
  pytorchPlace,
  type ReturnedModel,
} from "./model/pytorchFolder.node.ts";
export { checkpointStore } from "./train/checkpointStore.node.ts";
