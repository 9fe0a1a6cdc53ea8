"""
For test/interop/pytorch.interop.ts: loads exported folders one after the other in one process. For each: the golden logits; one epoch of train.py;
and, where expected.safetensors lies beside it, loss and gradients of one training step. Prints one line of JSON a folder.
"""
import importlib
import json
import sys
from pathlib import Path

import torch

torch.set_num_threads(1)


def fresh(folder, *names):
    """The modules of a folder, whatever other folder had modules of these names."""
    for name in ("model", "weights", "data", "train"):
        sys.modules.pop(name, None)
    sys.path.insert(0, str(folder))
    try:
        return [importlib.import_module(name) for name in names]
    finally:
        sys.path.pop(0)


def relative(found, expected, scale):
    return ((found - expected).norm() / max(expected.norm().item(), scale)).item()


def gradients(folder):
    """Largest relative differences of gradients and of new running statistics, and that of the loss."""
    model, weights, train = fresh(folder, "model", "weights", "train")
    held, _ = weights.read_weights(folder / "expected.safetensors")
    of = lambda kind: {name[len(kind) :]: value for name, value in held.items() if name.startswith(kind)}
    network = model.load().train()
    loss = train.cross_entropy(network(held["image"]), held["target"], 0.1)
    loss.backward()
    expected = of("gradient of ")
    scale = 1e-3 * max(value.norm().item() for value in expected.values())
    own = dict(network.named_parameters())
    assert own.keys() == expected.keys()
    states = network.state_dict()
    return {
        "loss": abs(loss.item() - held["loss"].item()),
        "gradients": max(relative(own[name].grad, value, scale) for name, value in expected.items()),
        "states": max([relative(states[name], value, 1e-6) for name, value in of("new ").items()], default=0),
    }


def epoch(folder, images):
    """All of the training that is a batch in one epoch, through the program's own main."""
    (train,) = fresh(folder, "train")
    sys.argv = ["train.py", "--data", images, "--epochs", "1", "--batch", "32", "--average", "0"]
    train.main()


def main():
    images, *folders = sys.argv[1:]
    for folder in map(Path, folders):
        found = {"folder": folder.name}
        try:
            model, weights = fresh(folder, "model", "weights")
            found["difference"] = weights.check_golden(model.load())
            if (folder / "expected.safetensors").exists():
                found.update(gradients(folder))
            epoch(folder, images)
        except (Exception, SystemExit) as error:
            found["error"] = f"{type(error).__name__}: {error}"[:400]
        print(json.dumps(found), flush=True)


main()
