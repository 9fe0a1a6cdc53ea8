"""For test/interop/pytorch.interop.ts: the learning rates and the updates of train.py in an exported folder. Reads a question as JSON, prints the answers."""
import json
import sys

import torch

sys.path.insert(0, sys.argv[1])
import train

question = json.load(sys.stdin)
rates = [[train.learning_rate(recipe, step, 7) for step in range(7 * recipe["epochs"])] for recipe in question["recipes"]]


def updated(recipe):
    """Weight, vector and their averages after updates with the gradients given."""
    parameters = {"weight": torch.tensor(question["weight"]), "bias": torch.tensor(question["bias"])}
    updates = train.Updates(parameters, recipe)
    for step, gradients in enumerate(question["gradients"]):
        for name, parameter in parameters.items():
            parameter.grad = torch.tensor(gradients[name])
        updates.step(step, train.learning_rate(recipe, step, 7))
    flat = lambda held: [held[name].reshape(-1).tolist() for name in ("weight", "bias")]
    return [*flat(parameters), *flat(updates.averages)]


print(json.dumps({"rates": rates, "updated": [updated(recipe) for recipe in question["recipes"]]}))
