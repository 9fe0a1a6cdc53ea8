"""Layers that PyTorch does not have. An exported model.py holds those of them that it uses."""
import math

import torch
import torch.nn.functional as F
from torch import nn


def pads_of(padding):
    """What F.pad takes: (left, right, top, bottom) from a number, (rows, columns) or all four."""
    if isinstance(padding, int):
        return (padding,) * 4
    rows_columns = tuple(padding)
    return rows_columns if len(rows_columns) == 4 else rows_columns[1:] * 2 + rows_columns[:1] * 2


class PaddedConv2d(nn.Conv2d):
    """A convolution whose padding (left, right, top, bottom) is not symmetrical: TensorFlow's SAME."""

    def __init__(self, inputs, outputs, kernel, padding, **more):
        super().__init__(inputs, outputs, kernel, **more)
        self.pads = pads_of(padding)

    def forward(self, x):
        return super().forward(F.pad(x, self.pads))


class PaddedMaxPool2d(nn.MaxPool2d):
    """Max pooling whose padding (left, right, top, bottom) is not symmetrical; padding never wins."""

    def __init__(self, kernel, padding, **more):
        super().__init__(kernel, **more)
        self.pads = pads_of(padding)

    def forward(self, x):
        return super().forward(F.pad(x, self.pads, value=-math.inf))


class PaddedAvgPool2d(nn.AvgPool2d):
    """Average pooling whose padding (left, right, top, bottom) is not symmetrical; divides by all pixels or by those of the image."""

    def __init__(self, kernel, padding, **more):
        super().__init__(kernel, **more)
        self.pads = pads_of(padding)

    def forward(self, x):
        means = super().forward(F.pad(x, self.pads))
        if self.count_include_pad:
            return means
        return means / super().forward(F.pad(torch.ones_like(x[:1, :1]), self.pads))


def channel_shuffle(x, groups):
    """Interleaves the groups: channel j of group i becomes channel j * groups + i. ShuffleNet, arXiv 1707.01083."""
    n, c = x.shape[:2]
    return x.view(n, groups, c // groups, *x.shape[2:]).transpose(1, 2).reshape(x.shape)


class ChannelShuffle(nn.Module):
    """`channel_shuffle` as a layer."""

    def __init__(self, groups):
        super().__init__()
        self.groups = groups

    def forward(self, x):
        return channel_shuffle(x, self.groups)


class ChannelConv(nn.Module):
    """Kernels [kernels, 1, length, rows, columns] that slide along the channels. ChannelNets, arXiv 1809.01330."""

    def __init__(self, kernels, length, window=(1, 1), stride=1, padding=(0, 0)):
        super().__init__()
        taps = length * window[0] * window[1]
        self.weight = nn.Parameter(torch.randn(kernels, 1, length, *window) / math.sqrt(taps))
        self.stride, self.padding = stride, padding

    def forward(self, x):
        volume = F.pad(x.unsqueeze(1), (0, 0, 0, 0, *self.padding))
        return F.conv3d(volume, self.weight, stride=(self.stride, 1, 1)).flatten(1, 2)


def greater(a, b):
    """The greater of each two elements; gradients go to the first of equals."""
    return torch.where(b > a, b, a)


def shift_max(x, gates, groups, reach, start):
    """The greatest of sums a * x + b * x', x' the next group's next channel; coefficients from gates. MicroNet, arXiv 2108.05894."""
    n, c, h, w = x.shape
    met = x.view(n, groups, c // groups, h, w).roll((-1, -1), (1, 2)).reshape(x.shape)
    gates = gates.view(n, len(start), c, 1, 1)
    a = [first + reach * (2 * gates[:, i] - 1) for i, first in enumerate(start)]
    best = a[0] * x + a[1] * met
    for i in range(2, len(start), 2):
        best = greater(best, a[i] * x + a[i + 1] * met)
    return best


class StochasticDepth(nn.Module):
    """Drops the branch of an image with a probability while training, and scales the others up. arXiv 1603.09382."""

    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        kept = torch.rand(x.shape[0], *[1] * (x.dim() - 1), device=x.device) >= self.p
        return x * kept.to(x.dtype) / (1 - self.p)


def parts_of(total, elements):
    """Cuts range(total) into runs so short that tensors of run * elements stay below 16 million elements."""
    step = max(1, (1 << 24) // max(1, elements))
    return [slice(start, min(total, start + step)) for start in range(0, total, step)]


class SimilarConv2d(nn.Module):
    """A convolution that sums another similarity than the product; padding takes part as zeros."""

    def __init__(self, inputs, outputs, kernel, stride=1, padding=0, groups=1, bias=True, names=("weight", "bias")):
        super().__init__()
        self.kernel = (kernel, kernel) if isinstance(kernel, int) else tuple(kernel)
        self.stride, self.pads, self.groups, self.names = stride, pads_of(padding), groups, names
        weight = torch.randn(outputs, inputs // groups, *self.kernel) * self.deviation(outputs)
        self.register_parameter(names[0], nn.Parameter(weight))
        self.register_parameter(names[1], nn.Parameter(torch.zeros(outputs)) if bias else None)

    def deviation(self, outputs):
        return math.sqrt(2 * self.groups / (outputs * self.kernel[0] * self.kernel[1]))

    def similarities(self, columns, weight):
        """(columns [n, groups, taps, pixels], weight [groups, outputs / groups, taps]) -> [n, groups, outputs / groups, pixels]."""
        raise NotImplementedError

    def forward(self, x):
        weight, bias = (getattr(self, name) for name in self.names)
        padded = F.pad(x, self.pads)
        (rows, columns), (down, across) = self.kernel, (self.stride,) * 2 if isinstance(self.stride, int) else self.stride
        height, width = (padded.shape[2] - rows) // down + 1, (padded.shape[3] - columns) // across + 1
        taps = F.unfold(padded, self.kernel, stride=(down, across))
        taps = taps.view(x.shape[0], self.groups, -1, height * width)
        y = self.similarities(taps, weight.view(self.groups, weight.shape[0] // self.groups, -1))
        y = y.reshape(x.shape[0], weight.shape[0], height, width)
        return y if bias is None else y + bias.view(1, -1, 1, 1)


class NamedConv2d(SimilarConv2d):
    """An ordinary convolution whose weights have other names."""

    def forward(self, x):
        weight, bias = (getattr(self, name) for name in self.names)
        return F.conv2d(F.pad(x, self.pads), weight, bias, self.stride, groups=self.groups)


class Distances(torch.autograd.Function):
    """
    Minus the L1 distance of columns and filters. Gradients are AdderNet's, arXiv 1912.13200, not the derivative: dW = X - W, scaled to the
    norm rate * sqrt(elements) of the whole layer; dX = clip(W - X, -1, 1).
    """

    @staticmethod
    def forward(ctx, columns, weight, rate):
        ctx.save_for_backward(columns, weight)
        ctx.rate = rate
        return -torch.cdist(weight.unsqueeze(0), columns.transpose(2, 3), p=1)

    @staticmethod
    def backward(ctx, dy):
        columns, weight = ctx.saved_tensors
        dw = (dy @ columns.transpose(2, 3) - dy.sum(3, keepdim=True) * weight).sum(0)
        dw = dw * (ctx.rate * math.sqrt(dw.numel()) / dw.norm().clamp(min=1e-12))
        dx = torch.zeros_like(columns)
        for part in parts_of(weight.shape[1], columns.numel()):
            differences = (weight[None, :, part, :, None] - columns.unsqueeze(2)).clamp(-1, 1)
            dx += (dy[:, :, part].unsqueeze(3) * differences).sum(2)
        return dx, dw, None


class AdderConv2d(SimilarConv2d):
    """AdderNet's layer: minus the L1 distance of each window from the filter. arXiv 1912.13200."""

    rate = 0.2

    def deviation(self, outputs):
        return 1

    def similarities(self, columns, weight):
        return Distances.apply(columns, weight, self.rate)


def split_binary(x):
    """x = +-2^n * (1 + m) as +-2^n (0 for zeros and subnormal numbers) and m, exactly, from the bits."""
    bits = x.contiguous().view(torch.int32)
    power = bits & -0x00800000
    mantissa = (bits & 0x007FFFFF) | 0x3F800000
    power = torch.where(power & 0x7FFFFFFF == 0, torch.zeros_like(power), power)
    return power.view(torch.float32), mantissa.view(torch.float32) - 1


def mitchell_products(left, right):
    """Mitchell's product of split numbers: 2^n 2^m (1 + s) below s = 1, 2^n 2^m 2s from there on; below 2^-126 it is 0."""
    (left_power, left_mantissa), (right_power, right_mantissa) = left, right
    s = left_mantissa + right_mantissa
    product = left_power * right_power * torch.maximum(s + 1, s + s)
    return torch.where(product.abs() < 2.0**-126, torch.zeros_like(product), product)


def mitchell_matmul(left, right):
    """[.., m, k], [.., k, l] -> [.., m, l], every product Mitchell's (J. N. Mitchell 1962; arXiv 2012.03458)."""
    split_left, split_right = split_binary(left), split_binary(right)
    sizes = torch.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    total = left.new_zeros(*sizes, left.shape[-2], right.shape[-1])
    for part in parts_of(left.shape[-1], total.numel()):
        rows = [each[..., part].unsqueeze(-1) for each in split_left]
        columns = [each[..., part, :].unsqueeze(-3) for each in split_right]
        total += mitchell_products(rows, columns).sum(-2)
    return total


class MitchellProducts(torch.autograd.Function):
    """
    Sums of Mitchell's products of weight [groups, outputs, taps] and columns [n, groups, taps, pixels]. Gradients: "approx" has Mitchell's
    products again (arXiv 2012.03458), "exact" the derivative of the piecewise affine product, "ste" those of the ordinary product.
    """

    @staticmethod
    def forward(ctx, columns, weight, gradient):
        ctx.save_for_backward(columns, weight)
        ctx.gradient = gradient
        return mitchell_matmul(weight, columns)

    @staticmethod
    def backward(ctx, dy):
        columns, weight = ctx.saved_tensors
        if ctx.gradient == "exact":
            return (*piecewise_gradients(columns, weight, dy), None)
        matmul = mitchell_matmul if ctx.gradient == "approx" else torch.matmul
        return matmul(weight.transpose(1, 2), dy), matmul(dy, columns.transpose(2, 3)).sum(0), None


def piecewise_gradients(columns, weight, dy):
    """The slope in one factor is the power of two of the other, doubled where the mantissas' sum reaches 1."""
    (x_power, x_mantissa), (w_power, w_mantissa) = split_binary(columns), split_binary(weight)
    dx, dw = torch.zeros_like(columns), torch.zeros_like(weight)
    for part in parts_of(weight.shape[1], columns.numel()):
        carries = x_mantissa.unsqueeze(2) + w_mantissa[None, :, part, :, None] >= 1
        both = (x_power != 0).unsqueeze(2) & (w_power != 0)[None, :, part, :, None]
        slopes = dy[:, :, part].unsqueeze(3) * (1 + (carries & both).to(dy.dtype))
        dx += (slopes * w_power[None, :, part, :, None]).sum(2)
        dw[:, part] = (slopes * x_power.unsqueeze(2)).sum(4).sum(0)
    return dx, dw


class MitchellConv2d(SimilarConv2d):
    """A convolution of Mitchell's products, each an addition of integers."""

    def __init__(self, *sizes, gradient="approx", **more):
        super().__init__(*sizes, **more)
        self.gradient = gradient

    def similarities(self, columns, weight):
        return MitchellProducts.apply(columns, weight, self.gradient)


class MitchellLinear(nn.Linear):
    """A fully connected layer of Mitchell's products."""

    def __init__(self, inputs, outputs, bias=True, gradient="approx"):
        super().__init__(inputs, outputs, bias=bias)
        self.gradient = gradient

    def forward(self, x):
        y = MitchellProducts.apply(x.t()[None, None], self.weight[None], self.gradient)[0, 0].t()
        return y if self.bias is None else y + self.bias
