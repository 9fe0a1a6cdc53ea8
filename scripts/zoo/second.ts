import type { Page } from "./page.ts";

/** From the interleaved group convolutions to the arithmetic without multiplication. */
export const second: readonly Page[] = [
  {
    family: "igc",
    idea: "A dense convolution as a product of sparse ones. IGCV1: a 3×3 convolution in L groups of M channels, the channels permuted, a 1×1 convolution in M groups of L channels, and back; every output sees every input, and for the same parameters the layer is wider than a dense one whenever L / (L − 1) < 9 · M. IGCV2 repeats the sparse 1×1 convolutions until everything is connected: with K channels a group, as many layers as K has to be multiplied to reach the width. IGCV3 does the same to MobileNetV2's block. The rules (complementary and balance conditions, the best number of layers) are functions of `interleavedRules.ts`.",
    figures: [
      { design: "igc", caption: "IGCV1." },
      { design: "igcv2", caption: "IGCV2: each of the sparse 1×1 convolutions reads permuted channels." },
      { network: "igcv1-residual", caption: "IGC-L24M2 with identity shortcuts, 20 layers." },
    ],
    designs: ["igc", "igcv2"],
    survey: [
      "IGCV1: a normalisation between the two convolutions and biases in both; M fixed to 2.",
      "IGCV2: the first convolution has groups of 8 channels instead of one, so that the product of the group widths overshoots; a normalisation after every factor; widths that are no multiple of 8 fail.",
    ],
    open: [
      "IGCV1: the paper's CIFAR tables were not found; structure and counts are those of the authors' code. Its README's parameters for L4M32 and L16M16 on ImageNet are those without the classifier, or nearly; both counts are given by the network.",
      "IGCV2: no code and no layer tables were found. Our CIFAR network is a reading; its counts are ours alone. At K = 8 exactly one path joins each input and output only where the width is a power of 8.",
    ],
  },
  {
    family: "channelnet",
    idea: "Channels as an axis to slide along: a kernel of a few numbers moves over the channels as an ordinary one over pixels. Three uses: between the groups of grouped convolutions, to let them exchange (group channel-wise convolution); in place of a 1×1 convolution (depthwise separable channel-wise convolution, 64 numbers for a whole layer); and in place of the classifier, where one kernel of 7×7×25 gives all 1000 classes.",
    figures: [
      { design: "channel", caption: "The first use as a stand-in: two groups, fused along the channels." },
      { network: "channelnet-v1", block: "gcwm1", caption: "The paper's GCWM." },
      { network: "channelnet-v3", caption: "ChannelNet-v3." },
    ],
    designs: ["channel"],
    survey: [
      "Three free statements with undefined names, and paddings that give one channel too few where kernels are even.",
      "The block has no place in a network; ours come from the paper's layer list.",
    ],
    open: [
      "The released network was changed after the paper (it concatenates skips); ours follows the paper's list, without a normalisation between depthwise and 1×1 convolution as in the released block.",
      "In the classification layer neighbouring classes share most of their inputs, so the order of the classes matters.",
    ],
  },
  {
    family: "efficientnet",
    idea: "Depth, width and image size are scaled together by one number φ: depth by α^φ, width by β^φ, resolution by γ^φ, with α · β² · γ² near 2, so that each step of φ doubles the arithmetic. α = 1.2, β = 1.1 and γ = 1.15 were found by a grid search on the smallest network, B0, itself found by a search over MBConv blocks: inverted residuals with SiLU and channel attention. `compoundScale` and `searchCoefficients` are that rule and that search.",
    figures: [
      { design: "mbconv", caption: "MBConv." },
      { network: "efficientnet-b0", caption: "EfficientNet-B0." },
    ],
    designs: ["mbconv"],
    survey: [
      "Equates MBConv with its MobileNetV3 block, which has another activation, another gate, another squeeze and an activation on the projection.",
    ],
    open: [
      "The released B1 to B7 follow a table of widths, depths and sizes near α^φ, β^φ, γ^φ, not the powers themselves; so do ours.",
      "Top-1 is that of the paper's later version; the first versions print up to 0.8 less.",
    ],
  },
  {
    family: "efficientnet-v2",
    idea: "Depthwise convolutions use few of a processor's units in early, large layers, so there MBConv's widening and depthwise convolution become one dense 3×3 convolution: Fused-MBConv. Later layers keep MBConv with attention. Training is progressive: images grow from stage to stage, and dropout, augmentation and mixup grow with them; `progressiveSchedule` gives the paper's and the released schedule, `goldcrest fit --recipe published` trains by the first, `--recipe efficientnet-v2-s-released` by the second.",
    figures: [
      { design: "fused-mbconv", caption: "Fused-MBConv." },
      { network: "efficientnet-v2-s", caption: "EfficientNetV2-S." },
    ],
    designs: ["fused-mbconv"],
    survey: [
      "The class name holds a hyphen, which Python does not parse.",
      "Attention (in none of the released fused blocks), ReLU instead of SiLU, an activation on the projection, a projected shortcut.",
    ],
    open: [
      "Channels are rounded without the rule that no more than a tenth may be lost: 16 · 1.2 gives 16 in V2-B3 and 24 in B3 of the first version.",
    ],
  },
  {
    family: "ghostnet",
    idea: "Many feature maps of a trained layer resemble each other. A Ghost module computes half of them by a convolution and each of the others from one of these by a cheap depthwise filter. A bottleneck of two modules, with a depthwise convolution between them where the image is halved, replaces MobileNetV3's block.",
    figures: [
      { design: "ghost", caption: "A Ghost module in place of a 3×3 convolution." },
      { network: "ghostnet", block: "blocks.3.0", caption: "A bottleneck that halves the image, with attention." },
      { network: "ghostnet", caption: "GhostNet." },
    ],
    designs: ["ghost"],
    survey: [
      "Ignores its own `relu` flag, so that a second module would not be linear.",
      "Does not cut surplus channels: odd outputs, or parts that do not divide, fail.",
      "No bottleneck, no stride, no attention.",
    ],
    open: ["See the [plain backbones](backbones.md) for Ghost-VGG-16 and Ghost-ResNet-56."],
  },
  {
    family: "micronet",
    idea: "For networks of a few million multiply–accumulates even 1×1 convolutions are factorised: into two grouped ones with a shuffle between them, with as many groups as √(channels / reduction), so that each output still depends on every input exactly once; depthwise k×k filters become k×1 and 1×k. What is lost in depth comes back by Dynamic Shift-Max: each channel is the greater of two sums of itself and a shifted copy, whose coefficients are computed from the image.",
    figures: [
      { design: "micro", caption: "Micro-factorised convolutions as a stand-in." },
      { network: "micronet-m0", block: "features.2", caption: "Micro-A: the filters expand, one convolution in groups compresses." },
      {
        network: "micronet-m0",
        block: "features.4",
        caption: "Micro-B: both convolutions in groups, Dynamic Shift-Max behind each layer.",
      },
      { network: "micronet-m1", caption: "MicroNet-M1." },
    ],
    designs: ["micro"],
    survey: ["No code; a figure and the idea."],
    open: [
      "The survey cites the first version of the paper (arXiv 2011.12289), whose networks are larger; ours are those of the released code, from the later paper (2108.05894).",
      "The printed multiply–accumulates include the products of Dynamic Shift-Max; with these, ours are 4,054,128, 6,120,032, 12,743,440 and 20,807,520. Counted like every other network here, convolutions and linear layers alone, there are fewer.",
      "The code shifts by one group and by one position inside it, where the paper's formula has whole groups; the second shuffles are there, its authors say, for ablations only. Ours follow the code, to which the released weights belong.",
      "The code puts normalisation and h-swish behind the logits too, so a training batch of one image has nothing to normalise by, and is refused.",
    ],
  },
  {
    family: "compconv",
    idea: "Divide and conquer for one convolution: part of the output is the input itself, the rest is convolved from a smaller layer's output, which is built the same way, down to a core of few channels. The largest copied part, the tailing channels, is not copied but filtered by depthwise filters from the last convolution's output; then all parts are concatenated. The core has C_prim = ⌈C_out / (2 · (2^d − 1))⌉ channels at depth d, and the depth grows with the inputs, d = min(⌊log₂(C_in / C₀)⌋ + 1, 3): at C₀ = 128 one level up to 255 inputs, two up to 511, then three, which cost a half, 28 % and 17 % of a dense convolution. These rules are functions of `compConvRules.ts`. CompConv is a convolution, not a network: any plain backbone takes it as `conv: compconv`; C₀, the copied channels and more are the option `compConv`. Its sizes are listed with the [plain backbones](backbones.md).",
    figures: [
      { design: "compconv", place: { inputs: 256, outputs: 256 }, caption: "CompConv of 256 channels, depth 2." },
      { design: "compconv", place: { inputs: 512, outputs: 512 }, caption: "512 channels, depth 3." },
      {
        network: "resnet-20",
        options: { conv: "compconv" },
        caption: "ResNet-20 with CompConvs; C₀ = 16, so that its stages have one, two and three levels.",
      },
    ],
    designs: ["compconv"],
    survey: ["No code; a figure and the formulas."],
    open: [
      "No code was found, and the paper's result tables only as pictures: our counts have nothing to be compared with.",
      "By the paper's formulas the convolutions of VGG-16 shrink from 14,710,464 weights to 3,170,808 and from 15.35 G to 5.20 G multiply–accumulates at C₀ = 128, the first one staying ordinary; ours have exactly these. ResNet-50 with its 3×3 convolutions replaced has 16,793,244 weights and 2.91 G, as counted; the option leaves 1×1 convolutions as they are, which replaced too would leave 8.56 M.",
      "Which channels are copied is not stated: `prefix` (default) copies for each part from the first input on, `disjoint` goes on where the part before ended. Neither are the groups of the shuffle behind the concatenation: there is none unless `shuffle` is given. Surplus channels are cut from the end; `surplus: tail` cuts them from the tailing channels, as one text has it.",
      "At a stride only the first convolution strides, and the copies keep every second pixel. Normalisation and activation follow the whole, as they would the convolution. A broken logarithm is rounded down. Where inputs are too few to copy, the depth is less.",
      "The printed depth rule takes a maximum with 3 where the text limits the depth to 3; the tail's printed cost is that of a depthwise convolution.",
    ],
  },
  {
    family: "addernet",
    idea: "A convolution compares filter and image by products; the L1 distance compares them by additions alone: Y = −Σ |X − F|. Trained with the full-precision difference as the filter's gradient, the clipped one as the input's, and a learning rate that each layer's gradient norm sets, residual networks come close to their multiplying originals. The first convolution and the classifier keep multiplying.",
    figures: [
      { network: "addernet-resnet-50", block: "layer2.0", caption: "A bottleneck of adders that halves the image." },
      { network: "addernet-resnet-20", caption: "ResNet-20 of adders." },
    ],
    designs: [],
    arithmetic: "adder",
    survey: [
      "The post prints the number of the filter's elements in the denominator of the layer-wise rate; in the authors' code it multiplies.",
      "No code; formulas only.",
    ],
    open: [
      "Zero padding is not neutral: a padded tap adds −|F|.",
      "As an option, adders take the place of convolutions that a normalisation follows, but for the first one and the classifier; gates of channel attention and the first halves of IGCV1's pairs, which nothing normalises, stay products, and so do convolutions along channels. SqueezeNet and VGG-16 of 2014 normalise nothing and are refused.",
      "An adder takes two additions. The energy table counts arithmetic alone, at 45 nm; on a processor that multiplies and adds in one instruction nothing is saved.",
      "The authors' code starts biases at random; ours, which no published network has, at 0.",
      "VGG-small (93.72 % on CIFAR-10) is in the authors' table, its layers are not in their code.",
    ],
  },
  {
    family: "mitchell",
    idea: "The bits of a float are nearly its logarithm, so adding the bits of two floats nearly multiplies them: Mitchell's approximation, at most a ninth too small, and 3.8 % on average. Put in place of every product of a convolution, forward and backward, networks still train. It is an arithmetic, not a network: any network takes it as an option.",
    figures: [],
    designs: [],
    arithmetic: "mitchell",
    survey: ["The formula only."],
    open: [
      "No full text of the paper was found: datasets, accuracies, and whether normalisation and the optimiser are covered are unknown.",
      "Which gradient the paper takes is not known either. There are three: `approx` (Mitchell products again, the default), `exact` (the derivative of the piecewise affine product) and `ste` (that of the ordinary product). Normalisation and optimiser keep their products here, and convolutions along channels theirs.",
      "Raw sums of bits give a tiny number for 0 · x and wrap at both ends of the range; zeros, subnormal numbers and overflow are treated apart here.",
    ],
  },
];
