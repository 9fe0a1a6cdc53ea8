"""Computes the fixtures in test/goldens/fixtures/references/ with the references' own code, weights and input by the recipe of the golden
fixtures (test/goldens/recipe.ts), everything in float64 rounded once.

    python3 test/goldens/references.py FOLDER_OF_TIMM FOLDER_OF_PYTORCHCV FOLDER_OF_SHUFFLENET_SERIES

The folders are check-outs; torch and torchvision are installed. Written with torch 1.13.1, torchvision 0.14.1,
huggingface/pytorch-image-models @aa4b5850 osmr/pytorchcv @7f31dc8f and
megvii-model/ShuffleNet-Series @c1a844dd.
"""
import json
import os
import sys
import zlib

import numpy as np
import torch
from torch import nn

# Reference, its name there, our network, side of the image, gain (torch's own float32 must stay within 1e-5).
CASES = [
    ("timm", "mobilenetv2_100", "mobilenet-v2", 96, 1.0),
    ("timm", "mobilenetv3_small_100", "mobilenet-v3-small", 96, 1.0),
    ("timm", "efficientnet_b0", "efficientnet-b0", 64, 1.0),
    ("timm", "tf_efficientnet_b0", "efficientnet-b0", 64, 1.0),
    ("pytorchcv", "squeezenet_v1_1", "squeezenet-1.1", 224, 1.0),
    ("pytorchcv", "igcv3_w1", "igcv3", 224, 0.7),
    ("pytorchcv", "efficientnet_b0", "efficientnet-b0", 64, 1.0),
    ("pytorchcv", "efficientnet_b0b", "efficientnet-b0", 64, 1.0),
    ("pytorchcv", "resnet20_cifar10", "resnet-20", 32, 1.0),
    ("megvii", "shufflenetv2_0.5x", "shufflenet-v2", 224, 1.0),
]


def mixed(name, count):
    seed = 0x811C9DC5
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x01000193) & 0xFFFFFFFF
    h = (seed + np.arange(count, dtype=np.uint64) * 0x9E3779B9) & 0xFFFFFFFF
    h ^= h >> np.uint64(16)
    h = (h * np.uint64(0x85EBCA6B)) & np.uint64(0xFFFFFFFF)
    h ^= h >> np.uint64(13)
    h = (h * np.uint64(0xC2B2AE35)) & np.uint64(0xFFFFFFFF)
    h ^= h >> np.uint64(16)
    return (h >> np.uint64(8)).astype(np.float64) / 2**24 * 2 - 1


def draw(name, shape, a, b):
    return (a + b * mixed(name, int(np.prod(shape)))).astype(np.float32).reshape(shape)


RANGES = {"bias": (0, 0.05), "bn.weight": (1, 0.5), "bn.bias": (0, 0.1), "bn.mean": (0, 0.1), "bn.var": (1, 0.5)}


def kinds(model):
    found = {}
    for path, module in model.named_modules():
        dot = path + "." if path else ""
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            found.update({dot + "weight": "bn.weight", dot + "bias": "bn.bias", dot + "running_mean": "bn.mean",
                          dot + "running_var": "bn.var", dot + "num_batches_tracked": "bn.count"})
        elif isinstance(module, (nn.Conv2d, nn.Linear)):
            found.update({dot + "weight": "weight", dot + "bias": "bias"})
    return found


def compute(reference, name, network, size, gain):
    if reference == "timm":
        import timm
        model = timm.create_model(name)
    elif reference == "megvii":
        from network import ShuffleNetV2
        model = ShuffleNetV2(model_size=name.split("_")[1])
    else:
        from pytorchcv.model_provider import get_model
        model = get_model(name)
    by_name = kinds(model)
    state, values, checksum = [], {}, 0
    for key, held in model.state_dict().items():
        kind, shape = by_name[key], list(held.shape)
        state.append([key, shape, kind])
        if kind == "bn.count":
            values[key] = torch.zeros((), dtype=torch.int64)
            continue
        a, b = (0, gain * np.sqrt(6 / np.prod(shape[1:]))) if kind == "weight" else RANGES[kind]
        drawn = draw(key, shape, a, b)
        checksum = zlib.crc32(drawn.tobytes(), checksum)
        values[key] = torch.from_numpy(drawn)
    model.load_state_dict(values)
    model.double().eval()
    image = torch.from_numpy(draw("input", [1, 3, size, size], 0, 1.5)).double()
    with torch.no_grad():
        logits = model(image).float().numpy().ravel()
    return {
        "format": "goldcrest-reference",
        "reference": reference,
        "id": name,
        "network": network,
        "input": {"name": "input", "shape": [1, 3, size, size], "a": 0, "b": 1.5},
        "recipe": {"gain": gain, "overrides": {}},
        "state": state,
        "state_crc32": f"{checksum:08x}",
        "logits": [float(f"{x:.9g}") for x in logits],
    }


if __name__ == "__main__":
    sys.path[:0] = [*sys.argv[1:3], os.path.join(sys.argv[3], "ShuffleNetV2")]
    folder = os.path.join(os.path.dirname(__file__), "fixtures", "references")
    os.makedirs(folder, exist_ok=True)
    for case in CASES:
        fixture = compute(*case)
        with open(os.path.join(folder, f"{case[0]}_{case[1]}.json"), "w") as file:
            json.dump(fixture, file, separators=(",", ":"))
        largest = max(map(abs, fixture["logits"]))
        print(case[0], case[1], len(fixture["state"]), "largest logit", largest, "smallest", min(map(abs, fixture["logits"])))
