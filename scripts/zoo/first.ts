import type { Page } from "./page.ts";

/** From the plain backbones to the ShuffleNets. */
export const first: readonly Page[] = [
  {
    family: "backbones",
    idea: "What the designs are measured against: stacks of ordinary 3×3 convolutions. `vanilla` is MobileNet's body with an ordinary convolution in place of each separable one, which that paper's table 4 calls Conv MobileNet; VGG-16 and the residual networks are what later papers swap their designs into. One option, `conv`, puts a design in place of every 3×3 convolution with its normalisation and activation; everything else stays. With `conv: depthwise`, `vanilla` has exactly the parameters and multiply–accumulates of MobileNet.",
    figures: [
      { network: "resnet-20", caption: "ResNet-20 for 32×32 pixels." },
      { network: "resnet-20", options: { conv: "fire" }, caption: "The same network with Fire modules in place of its 3×3 convolutions." },
    ],
    designs: ["vanilla"],
    survey: [
      "Its VanillaConv keeps a bias in front of the normalisation and always has a ReLU; other activations stand in comments. Our `vanilla` keeps the bias, the other backbones leave it out as their papers do.",
      "It takes a stride only in this block; none of its designs changes the resolution.",
    ],
    open: [
      "Ghost-ResNet-56's printed 0.43 M parameters and 63 M multiply–accumulates leave room for cheap filters of 1×1 only; with 3×3 filters the same network has 0.44 M and 65 M. The CIFAR ResNets therefore use 1×1, VGG-16 the 3×3 that its own figures (7.7 M, 158 M) imply.",
    ],
  },
  {
    family: "squeezenet",
    idea: "Few parameters by three habits: 1×1 instead of 3×3 filters where possible, few channels in front of the 3×3 filters that remain, and pooling late. A Fire module squeezes to few channels by 1×1 convolutions, then expands by 1×1 and 3×3 convolutions side by side. There is no fully connected layer: the last convolution has one channel for each class, and its average is the answer. Nothing is normalised.",
    figures: [
      { design: "fire", caption: "A Fire module as a stand-in, with normalisation; the published networks have biases instead." },
      { network: "squeezenet-1.1", caption: "SqueezeNet 1.1." },
    ],
    designs: ["fire"],
    survey: [
      "Normalises after the squeeze and after the concatenation; the paper nowhere.",
      "Squeezes to a quarter of the outputs; the published networks to an eighth (16 of 128). Fire(96 → 128) has 24,032 parameters there and 11,920 in the paper's first module.",
    ],
    open: [
      "The released 1.0 pads the last convolution by one pixel, so a ring of biases takes part in the average; torchvision does not, and its logits differ with the same weights. Both are variants.",
      "For 1.1 no top-1 is printed by the authors (their README says only that it is no worse than 1.0); the figure is that of torchvision's weights.",
    ],
  },
  {
    family: "squeezenext",
    idea: "SqueezeNet taken further, with the hardware in mind: two 1×1 convolutions narrow to a quarter of the block's width, a 3×3 convolution is split into 3×1 and 1×3, a 1×1 widens again, and the block's input is added. The order of the two halves changes from block to block. Version 5 moves blocks from the first stages, where they keep few arithmetic units busy, to later ones.",
    figures: [
      { design: "sqnxt", caption: "A block that keeps its shape." },
      { network: "squeezenext-23v5", caption: "1.0-SqNxt-23v5." },
    ],
    designs: ["sqnxt"],
    survey: [
      "Narrows to parts of the block's input instead of its output, and always begins with 3×1.",
      "No ReLU after the addition; the projected shortcut has neither normalisation nor activation.",
      "A leftover print in the constructor.",
    ],
    open: [
      "No text of the paper was at hand; parameters and multiply–accumulates of its tables are unknown. Structure and counts are those of the released Caffe definitions.",
      "pytorchcv's models of this name differ (biases, one order of the halves, other widths) and are no reference.",
    ],
  },
  {
    family: "mobilenet-v1",
    idea: "An ordinary convolution filters and mixes at once. MobileNet does one after the other: a depthwise 3×3 filter for each channel, then a 1×1 convolution that mixes them. That costs 1/N + 1/9 of the ordinary one for N outputs, at little loss. One number, the width multiplier, scales all channels; the image size is the other knob.",
    figures: [
      { design: "depthwise", caption: "A depthwise separable convolution." },
      { network: "mobilenet-v1", caption: "MobileNet." },
    ],
    designs: ["depthwise"],
    survey: [
      "ReLU6 stands in its comments and ReLU in its code; the paper says ReLU, the released code has ReLU6. Both are variants (`paper`, `relu6`).",
      "Both convolutions keep a bias in front of the normalisation.",
    ],
    open: [
      "The paper's table gives the last unit stride 2 at 7×7 pixels, which its own output size contradicts; it is 1 here, as in every implementation.",
    ],
  },
  {
    family: "mobilenet-v2",
    idea: "Narrow layers carry the features, wide ones compute with them: a block widens by 1×1 (six times), filters each channel, and projects back by 1×1 without an activation, because a ReLU in a narrow layer would destroy what it carries. The shortcut joins the narrow ends, where shapes allow.",
    figures: [
      { design: "inverted", caption: "An inverted residual." },
      { network: "mobilenet-v2", caption: "MobileNetV2." },
    ],
    designs: ["inverted"],
    survey: [
      "Projects the shortcut by a biased 1×1 convolution wherever channels change; the paper has no shortcut there.",
      "ReLU6 only in comments.",
    ],
    open: [
      "The paper's 6.9 M parameters at width 1.4 do not follow from its table: the structure has 6.11 M, and the authors' own code 6.06 M.",
    ],
  },
  {
    family: "mobilenet-v3",
    idea: "MobileNetV2's blocks, chosen by a search (platform-aware search for the whole, NetAdapt layer by layer) and refined by hand: channel attention in some blocks, the cheap hard-swish where channels are many and ReLU elsewhere, and a last stage rearranged so that the expensive 1×1 convolution runs on one pixel.",
    figures: [
      { network: "mobilenet-v3-small", block: "features.4", caption: "A block with attention." },
      { network: "mobilenet-v3-small", caption: "MobileNetV3-Small." },
    ],
    designs: [],
    survey: [
      "Attention squeezes the widened channels to a sixteenth by layers without biases and gates by a sigmoid; the paper squeezes to a quarter, with biases and a hard sigmoid.",
      "Hard-swish everywhere (and only in comments); always 3×3 and six times; a ReLU on the projection, against its own docstring. `surveyAttentiveResidual` takes both readings.",
      "A projected shortcut where the paper has none.",
    ],
    open: [
      "Small's printed 66 M (minimalistic: 65 M) multiply–accumulates do not follow from the layer table, which gives 56.5 M (52.3 M). The printed 2.9 M and 2.4 M parameters belong to an earlier head of 1280 features; the released one has 1024.",
      "At width 0.75 torchvision scales every number of the table; the authors scale ratios and keep the head. The variant `torchvision` gives the former.",
    ],
  },
  {
    family: "shufflenet-v1",
    idea: "Where 1×1 convolutions are most of the cost, split them into groups. Groups alone would never exchange anything, so the channels are shuffled between two grouped convolutions: group i of the second sees some channels of every group of the first. For the same cost a network can then have more channels, which small networks need most.",
    figures: [
      { design: "shuffle", caption: "The unit that keeps its shape." },
      { design: "shuffle", place: { outputs: 128, stride: 2 }, caption: "The unit that halves the image: beside the pooled input." },
      { network: "shufflenet-v1-g3", caption: "ShuffleNet with three groups." },
    ],
    designs: ["shuffle"],
    survey: [
      "The bottleneck is a quarter of the input; the paper's footnote says of the output.",
      "With few inputs only the first convolution gives up its groups, so that 24 → 240 channels in 4 groups fails.",
      "No unit that halves the image; a biased 1×1 convolution as shortcut.",
    ],
    open: [
      "The paper scales all channels but does not say how it rounds: widths at which a group's share is no whole number are refused here, with the nearest legal one.",
      "A stand-in that halves the image without more channels adds its branch to the pooled input, as there is nothing to put beside; the paper's networks double the channels wherever they halve the image.",
      "Two shuffles are published under one picture: the paper's in front of the depthwise convolution, and its inverse behind it in the authors' later code (variant `megvii`, without a bias in the classifier).",
    ],
  },
  {
    family: "shufflenet-v2",
    idea: "Equal channel counts, few groups, few branches and few elementwise steps run fastest for their arithmetic, so half of the channels simply pass each unit; the other half is filtered by 1×1, depthwise 3×3 and 1×1 of equal width; then both halves are concatenated and shuffled, and the next unit splits anew. Where the image is halved, both branches compute.",
    figures: [
      { design: "shuffle-v2", caption: "The unit that splits." },
      { design: "shuffle-v2", place: { outputs: 128, stride: 2 }, caption: "The unit that halves the image." },
      { network: "shufflenet-v2", caption: "ShuffleNetV2." },
    ],
    designs: ["shuffle-v2"],
    survey: ["A biased 1×1 convolution on the half that should pass untouched, wherever widths differ; no unit that halves the image."],
    open: [
      "Two networks carry this name: in the first unit of stage 2 the authors' left branch keeps its 24 channels, torchvision's gives half of the outputs. Only the former has the printed multiply–accumulates; the latter is the variant `torchvision`.",
    ],
  },
];
