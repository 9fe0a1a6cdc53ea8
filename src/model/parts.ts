/** What a page can carry: a part for each family of networks, and one for each kind of numbers. */
import type { KernelTable } from "../backends/wasm/kernel.ts";
import { channelConv } from "../backends/wasm/kernels/channelConv.ts";
import { conv2dInputGradient } from "../backends/wasm/kernels/conv2dInputGradient.ts";
import { dynamicShiftMax } from "../backends/wasm/kernels/dynamicShiftMax.ts";
import { elementwise } from "../backends/wasm/kernels/elementwise.ts";
import { forwardKernels } from "../backends/wasm/kernels/forward.ts";
import { integerKernels } from "../backends/wasm/kernels/integer/index.ts";
import { permute } from "../backends/wasm/kernels/permute.ts";
import { resample } from "../backends/wasm/kernels/resample.ts";
import { softmax } from "../backends/wasm/kernels/softmax.ts";
import { adderNets } from "../networks/addernet.ts";
import { channelnetV1, channelnetV2, channelnetV3 } from "../networks/channelnet.ts";
import { efficientnets } from "../networks/efficientnet.ts";
import { efficientnetsV2 } from "../networks/efficientnetV2.ts";
import { ghostnet as ghostnetOne } from "../networks/ghostnet.ts";
import { igcv1Imagenet, igcv1Plain, igcv1Residual } from "../networks/igcv1.ts";
import { igcv2 } from "../networks/igcv2.ts";
import { igcv3 } from "../networks/igcv3.ts";
import { micronetM0, micronetM1, micronetM2, micronetM3 } from "../networks/micronet.ts";
import { mobilenetV1 as mobilenetV1One } from "../networks/mobilenetV1.ts";
import { mobilenetV2 as mobilenetV2One } from "../networks/mobilenetV2.ts";
import { mobilenetV3Large, mobilenetV3Small } from "../networks/mobilenetV3.ts";
import type { Network } from "../networks/network.ts";
import { resnet20, resnet50, resnet56 } from "../networks/resnet.ts";
import { shufflenetV1g1, shufflenetV1g2, shufflenetV1g3, shufflenetV1g4, shufflenetV1g8 } from "../networks/shufflenetV1.ts";
import { shufflenetV2 as shufflenetV2One } from "../networks/shufflenetV2.ts";
import { squeezenet10, squeezenet11 } from "../networks/squeezenet.ts";
import { squeezenext23, squeezenext23v5 } from "../networks/squeezenext.ts";
import { vanilla, vanillaCompact } from "../networks/vanilla.ts";
import { vgg16, vgg16Cifar } from "../networks/vgg.ts";
import type { Carried } from "./carried.ts";
import { type IntegerForm, integerForm } from "./integerForm.ts";
import { storedGraph } from "./storedGraph.ts";

/** Code that a program carries to open models with. */
export interface Part {
  readonly networks?: readonly Network[];
  /** Kernels: a family's, of ops that no other has. */
  readonly kernels?: KernelTable;
  readonly integers?: IntegerForm;
  readonly stored?: Carried["stored"];
}

/** The plain backbones, with every design that can take the place of their convolutions. */
export const backbones: Part = {
  networks: [vanilla, vanillaCompact, vgg16, vgg16Cifar, resnet20, resnet56, resnet50],
  kernels: { channelConv, dynamicShiftMax },
};
export const squeezenet: Part = { networks: [squeezenet10, squeezenet11] };
export const squeezenext: Part = { networks: [squeezenext23, squeezenext23v5] };
export const mobilenetV1: Part = { networks: [mobilenetV1One] };
export const mobilenetV2: Part = { networks: [mobilenetV2One] };
export const mobilenetV3: Part = { networks: [mobilenetV3Small, mobilenetV3Large] };
export const shufflenetV1: Part = { networks: [shufflenetV1g1, shufflenetV1g2, shufflenetV1g3, shufflenetV1g4, shufflenetV1g8] };
export const shufflenetV2: Part = { networks: [shufflenetV2One] };
export const igc: Part = { networks: [igcv1Plain, igcv1Residual, igcv1Imagenet, igcv2, igcv3] };
export const channelnet: Part = { networks: [channelnetV1, channelnetV2, channelnetV3], kernels: { channelConv } };
export const efficientnet: Part = { networks: efficientnets };
export const efficientnetV2: Part = { networks: efficientnetsV2 };
export const ghostnet: Part = { networks: [ghostnetOne] };
export const micronet: Part = { networks: [micronetM0, micronetM1, micronetM2, micronetM3], kernels: { dynamicShiftMax } };
export const addernet: Part = { networks: adderNets };

/** Models whose network lies in the file: those that were imported. */
export const imported: Part = {
  stored: storedGraph,
  kernels: { affine: elementwise, channelConv, clip: elementwise, conv2dInputGradient, dynamicShiftMax, permute, resample, softmax },
};

/** Models in floats, of whichever networks are carried beside it. */
export const floats: Part = { kernels: forwardKernels };
/** Quantised models. Where they keep layers in floats, they need `floats`, too. */
export const integers: Part = { kernels: integerKernels, integers: integerForm };
