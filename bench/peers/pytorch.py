"""PyTorch beside us: reads lines "network threads batch", answers each with the milliseconds of one training step (SGD with momentum)."""
import sys
import time

import torch
from torch import nn


def separable(inputs, outputs, stride):
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False), nn.BatchNorm2d(inputs), nn.ReLU(inplace=True),
        nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def fashion_net():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True),
        separable(16, 16, 1), separable(16, 32, 2), separable(32, 64, 2), separable(64, 64, 1),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def zoo(name):
    from torchvision import models
    if name == "mobilenet-v2":
        net = models.mobilenet_v2(weights=None)
        net.features[0][0].stride = (1, 1)
    elif name == "mobilenet-v3-small":
        net = models.mobilenet_v3_small(weights=None)
        net.features[0][0].stride = (1, 1)
    else:
        net = models.shufflenet_v2_x1_0(weights=None)
        net.conv1[0].stride = (1, 1)
        net.maxpool = nn.Identity()
    return net


def stepper(name, batch, layout):
    torch.manual_seed(0)
    shape = (batch, 1, 28, 28) if name == "fashion-net" else (batch, 3, 32, 32)
    net = (fashion_net() if name == "fashion-net" else zoo(name)).train().to(memory_format=layout)
    images = torch.randn(shape).contiguous(memory_format=layout)
    labels = torch.randint(0, 10, (batch,))
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)

    def step():
        optimiser.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(net(images), labels).backward()
        optimiser.step()
    return step


held = {}
print("ready", torch.__version__, flush=True)
for line in sys.stdin:
    name, threads, batch = line.split()
    torch.set_num_threads(int(threads))
    best = None
    for layout in (torch.contiguous_format, torch.channels_last):
        key = (name, batch, layout)
        if key not in held:
            held[key] = stepper(name, int(batch), layout)
            held[key]()
        start, steps = time.perf_counter(), 0
        while steps < 2 or time.perf_counter() - start < 1:
            held[key]()
            steps += 1
        spent = (time.perf_counter() - start) / steps * 1000
        best = spent if best is None else min(best, spent)
    print(best, flush=True)
