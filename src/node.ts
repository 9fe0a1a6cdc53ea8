/** Goldcrest on Node: folders of images, data sets, model files and checkpoints on disk. */
export { defaultCacheFolder } from "./data/cacheFolder.node.ts";
export { type DownloadOptions, type DownloadProgress, downloadFashionMnist } from "./data/download.node.ts";
export { type FashionMnistOptions, isMnistFolder, openFashionMnist, openMnistFolder } from "./data/fashionMnist.node.ts";
export { atomicWrite } from "./formats/atomicWrite.node.ts";
export { checkpointStore } from "./train/checkpointStore.node.ts";
