import argparse
import math

import torch
import torch.nn.functional as F
from torch import nn

from weights import FOLDER, check_golden, read_weights, write_golden


# The classes of the network stand here.


def build():
    """The network with PyTorch's own random weights."""
    return Network()


def load():
    """The network with the weights of this folder, ready to classify."""
    model = build()
    model.load_state_dict(read_weights(FOLDER / "weights.safetensors")[0])
    return model.eval()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compute the logits of golden.json and compare")
    parser.add_argument("--golden", action="store_true", help="write golden.json anew, for the weights that are there")
    options = parser.parse_args()
    if options.golden:
        write_golden(load())
    if options.check:
        print(f"the logits are those of golden.json (largest difference {check_golden(load()):.2g} of the largest logit)")
    if not (options.check or options.golden):
        print(load())
