"""Exports networks of torchvision as ONNX: python3 exportNetworks.py FOLDER SIDE NAME…; weights and statistics are drawn, so that nothing is trivial."""
import os
import sys
import warnings

import torch
import torchvision

warnings.filterwarnings("ignore")
folder, side, names = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
for name in names:
    torch.manual_seed(1)
    options = {"init_weights": False} if name == "googlenet" else {}
    network = getattr(torchvision.models, name)(weights=None, **options).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            torch.nn.init.uniform_(module.weight, 0.8, 1.2)
            torch.nn.init.normal_(module.bias, 0, 0.1)
        elif isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            torch.nn.init.kaiming_normal_(module.weight)
    torch.onnx.export(
        network,
        torch.zeros(1, 3, side, side),
        os.path.join(folder, name + ".onnx"),
        opset_version=16 if name == "resnet18" else 11 if name == "mnasnet0_5" else 17,
        input_names=["image"],
        output_names=["logits"],
        dynamic_axes={"image": {0: "n"}, "logits": {0: "n"}} if name.startswith("mobilenet") else None,
    )
