"""
Trains the network of this folder by recipe.json: on one CPU or GPU, or on many under torchrun (gloo on CPUs, nccl on GPUs).

    python3 train.py --data FOLDER
    torchrun --nproc_per_node 2 train.py --data FOLDER

A step's batch is divided into parts, each process's own; normalisation sees one part at a time and gradients are averaged over the parts.
What is random depends on (seed, epoch, step, image) alone, so a training that goes on from checkpoint.pt is the training that was stopped.
At the end weights.safetensors and golden.json hold the trained network; `goldcrest import` takes the folder back.
"""
import argparse
import json
import math
import os
import random
import sys
from contextlib import nullcontext

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader

from data import Samples, open_images, split
from model import StochasticDepth, build
from weights import FOLDER, read_weights, write_atomically, write_golden, write_weights

RANK, WORLD, LOCAL = (int(os.environ.get(name, default)) for name, default in (("RANK", 0), ("WORLD_SIZE", 1), ("LOCAL_RANK", 0)))
CHECKPOINT, WEIGHTS = FOLDER / "checkpoint.pt", FOLDER / "weights.safetensors"


def say(text):
    if RANK == 0:
        print(text, file=sys.stderr, flush=True)


def seeded(*parts):
    return random.Random(" ".join(str(part) for part in parts))


def learning_rate(recipe, step, per_epoch):
    """The schedule, a pure function of the step (counted from 0)."""
    epochs, schedule = recipe["epochs"], recipe["schedule"]
    warm_up = min(recipe["warmUp"], epochs / 4)
    steps = math.floor(warm_up * per_epoch + 0.5)
    if step < steps:
        return recipe["learningRate"] * (step + 1) / (steps + 1)
    epoch = step / per_epoch
    progress = min(1, (epoch - warm_up) / (epochs - warm_up)) if epochs > warm_up else 1
    floor = schedule.get("floor", 0)
    share = {
        "constant": lambda: 1,
        "cosine": lambda: floor + (1 - floor) * (1 + math.cos(math.pi * progress)) / 2,
        "linear": lambda: 1 - progress,
        "poly": lambda: (1 - progress) ** schedule["power"],
        "step": lambda: schedule["factor"] ** math.floor(epoch / schedule["epochs"]),
        "milestones": lambda: schedule["factor"] ** sum(epoch >= milestone for milestone in schedule["epochs"]),
    }
    return recipe["learningRate"] * share[schedule["kind"]]()


class Updates:
    """The optimiser, with decoupled weight decay for weights of rank 2 and more; and the moving average of the weights."""

    def __init__(self, parameters, recipe):
        self.parameters, self.recipe = dict(parameters), recipe
        starts = {"sgd": {"velocity": 0}, "rmsprop": {"square": 1, "velocity": 0}, "adamw": {"first": 0, "second": 0}}
        kept = starts[recipe["optimiser"]["kind"]]
        self.states = {name: {key: torch.full_like(p, value) for key, value in kept.items()} for name, p in self.parameters.items()}
        self.averages = {name: p.detach().clone() for name, p in self.parameters.items()} if recipe["average"] > 0 else {}

    @torch.no_grad()
    def step(self, step, rate):
        """One step with gradients that are all there; returns their norm. Nothing changes where that is not finite."""
        norm = torch.stack([p.grad.norm() for p in self.parameters.values()]).norm().item()
        if not math.isfinite(norm):
            return norm
        clip = self.recipe["clip"]
        scale = clip / norm if 0 < clip < norm else 1
        apply = getattr(self, self.recipe["optimiser"]["kind"])
        for name, p in self.parameters.items():
            decay = rate * self.recipe["weightDecay"] if p.dim() > 1 else 0
            change = apply(p.grad * scale, self.states[name], rate, step, **self.recipe["optimiser"])
            p.copy_(p - change - decay * p)
        keep = min(self.recipe["average"], (1 + step) / (10 + step))
        for name, average in self.averages.items():
            average.mul_(keep).add_(self.parameters[name], alpha=1 - keep)
        return norm

    def sgd(self, g, state, rate, step, kind, momentum, isNesterov):
        v = state["velocity"].mul_(momentum).add_(g)
        return rate * (g + momentum * v if isNesterov else v)

    def rmsprop(self, g, state, rate, step, kind, decay, eps, momentum):
        s = state["square"].mul_(decay).addcmul_(g, g, value=1 - decay)
        return state["velocity"].mul_(momentum).add_(rate * g / (s + eps).sqrt()).clone()

    def adamw(self, g, state, rate, step, kind, beta1, beta2, eps):
        m = state["first"].mul_(beta1).add_(g, alpha=1 - beta1)
        v = state["second"].mul_(beta2).addcmul_(g, g, value=1 - beta2)
        return rate * (m / (1 - beta1 ** (step + 1))) / ((v / (1 - beta2 ** (step + 1))).sqrt() + eps)

    def finished(self, model):
        """The model's state with the averages in the place of the weights."""
        return {name: self.averages.get(name, value).detach().cpu().clone() for name, value in model.state_dict().items()}


def cross_entropy(logits, targets, smoothing):
    spread = smoothing * targets.sum(1, keepdim=True) / targets.shape[1]
    return -(((1 - smoothing) * targets + spread) * F.log_softmax(logits, 1)).sum() / len(targets)


def mix_up(images, targets, alpha, draws):
    """The first picture with the last, the second with the last but one, each pair with its own share. arXiv 1710.09412."""
    half = len(images) // 2
    shares = torch.ones(len(images), device=images.device)
    for i in range(half):
        shares[i] = shares[-1 - i] = draws.betavariate(alpha, alpha)
    of = lambda x: shares.view(-1, *[1] * (x.dim() - 1))
    return tuple(of(x) * x + (1 - of(x)) * x.flip(0) for x in (images, targets))


def batches_of(train, recipe, stages, seed, world, rank, parts, first, steps, per_epoch):
    """The items of this process's parts, step after step from `first` on: a pure function of the step."""
    share, epoch_held, order = recipe["batch"] // (world * parts), None, []
    for step in range(first, steps):
        epoch, at = divmod(step, per_epoch)
        if epoch != epoch_held:
            order, epoch_held = list(train), epoch
            seeded("order", seed, epoch).shuffle(order)
        stage = next((each for each in stages if epoch < each["to"]), stages[-1])
        for part in range(parts):
            start = at * recipe["batch"] + (part * world + rank) * share
            places = range(start, start + share)
            yield [(order[i % len(order)], epoch, i // len(order), stage) for i in places]


def evaluate(model, state, samples, indices, batch, device):
    """Accuracy and mean loss of a state on some of the images, each process its share."""
    held = {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(state)
    model.eval()
    mine = [(index, 0, 0, None) for index in indices[RANK::WORLD]]
    sums = torch.zeros(3, dtype=torch.float64)
    with torch.no_grad():
        for images, labels in DataLoader(samples, batch_size=batch, sampler=mine):
            logits, labels = model(images.to(device)).cpu(), labels
            sums += torch.tensor([(logits.argmax(1) == labels).sum(), F.cross_entropy(logits, labels, reduction="sum"), len(labels)])
    model.load_state_dict(held)
    model.train()
    sums = sums.to(device)
    if WORLD > 1:
        dist.all_reduce(sums)
    correct, loss, count = sums.tolist()
    return {"accuracy": correct / count, "loss": loss / count, "images": int(count)}


def start_values(model, initial, seed):
    """First values as the network's own rules have them: normal with a deviation, uniform within a bound, or constant."""
    with torch.no_grad():
        for name, value in model.state_dict().items():
            rule, generator = initial[name], torch.Generator().manual_seed(seeded(seed, name).getrandbits(62))
            if "normal" in rule:
                value.copy_(torch.randn(value.shape, generator=generator) * rule["normal"])
            elif "uniform" in rule:
                value.copy_((2 * torch.rand(value.shape, generator=generator) - 1) * rule["uniform"])
            else:
                value.fill_(rule["constant"])


def save_checkpoint(contents):
    beside = CHECKPOINT.with_suffix(".tmp")
    torch.save(contents, beside)
    os.replace(beside, CHECKPOINT)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="a folder with one sub-folder a label, or with the four IDX files")
    for name, kind in (("epochs", int), ("batch", int), ("lr", float), ("average", float)):
        parser.add_argument(f"--{name}", type=kind, help="instead of the recipe's")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--validation", type=float, default=0.1, help="share of the training images that choose the epoch (default 0.1)")
    parser.add_argument("--fresh", action="store_true", help="start from new random weights instead of weights.safetensors")
    parser.add_argument("--resume", action="store_true", help="go on from checkpoint.pt")
    parser.add_argument("--every", type=int, default=0, help="steps from one checkpoint to the next, beside one after each epoch")
    parser.add_argument("--steps", type=int, help="stop after so many steps, leaving a checkpoint")
    parser.add_argument("--workers", type=int, default=0, help="processes that prepare images")
    return parser.parse_args()


def read_recipe(options):
    written = json.loads((FOLDER / "recipe.json").read_text())
    recipe, stages = written["recipe"], written["stages"]
    if options.epochs:
        stages = [{**each, **{end: round(each[end] * options.epochs / recipe["epochs"]) for end in ("from", "to")}} for each in stages]
    asked = {"epochs": options.epochs, "batch": options.batch, "learningRate": options.lr, "average": options.average}
    recipe = {**recipe, **{name: value for name, value in asked.items() if value is not None}}
    parts = max(1, recipe["accumulate"] // WORLD)
    if recipe["batch"] % (WORLD * parts):
        raise SystemExit(f"batch {recipe['batch']} does not divide into {WORLD} processes with {parts} part(s) each; choose another --batch")
    return recipe, stages, parts, written["initial"]


def train(options, device):
    recipe, stages, parts, initial = read_recipe(options)
    weights, metadata = read_weights(WEIGHTS)
    card = json.loads(metadata["goldcrest.pytorch"])
    images = open_images(options.data, card["labels"])
    samples = Samples(images, card["preprocessing"], options.seed)
    training, validation, test = split(images, len(card["labels"]), options.validation, options.seed)
    per_epoch = max(1, len(training) // recipe["batch"])
    steps = per_epoch * recipe["epochs"]
    identity = {"recipe": recipe, "seed": options.seed, "world": WORLD, "images": len(images.labels), "train": len(training)}

    model = build()
    model.load_state_dict(weights)
    if options.fresh:
        start_values(model, initial, options.seed)
    model.to(device).train()
    updates = Updates(model.named_parameters(), recipe)
    step, history, best = 0, [], None
    restarted = int(os.environ.get("TORCHELASTIC_RESTART_COUNT", 0)) > 0
    if CHECKPOINT.exists() and not (options.resume or restarted):
        raise SystemExit("checkpoint.pt is there: --resume goes on from it; remove it to begin anew")
    if CHECKPOINT.exists():
        held = torch.load(CHECKPOINT, map_location=device)
        if held["identity"] != identity:
            raise SystemExit("checkpoint.pt is of another training (recipe, seed, data or number of processes differ)")
        model.load_state_dict(held["model"])
        updates.states, updates.averages = held["states"], held["averages"]
        step, history, best = held["step"], held["history"], held["best"]
        say(f"goes on at step {step} of {steps}")

    def checkpoint():
        if RANK == 0:
            held = {"states": updates.states, "averages": updates.averages, "model": model.state_dict()}
            save_checkpoint({**held, "identity": identity, "step": step, "history": history, "best": best})

    counts = [sum(images.labels[i] == label for i in training) for label in range(len(card["labels"]))]
    present = sum(count > 0 for count in counts)
    balance = [len(training) / (present * count) if count and recipe["classWeights"] == "balanced" else 1.0 for count in counts]
    one_hot = torch.diag(torch.tensor(balance)).to(device)
    wrapped = DistributedDataParallel(model, device_ids=[LOCAL] if device.type == "cuda" else None) if WORLD > 1 else model
    last = min(steps, options.steps or steps)
    items = list(batches_of(training, recipe, stages, options.seed, WORLD, RANK, parts, step, last, per_epoch)) if last > step else []
    loader = iter(DataLoader(samples, batch_sampler=items, num_workers=options.workers))
    say(f"{len(training)} train, {len(validation)} choose the epoch, {len(test)} test; {steps} steps of {recipe['batch']} on {WORLD} process(es), {device.type}")
    running = torch.zeros(3)
    while step < last:
        epoch = step // per_epoch
        stage = next((each for each in stages if epoch < each["to"]), stages[-1])
        for module in model.modules():
            if isinstance(module, nn.Dropout) and "dropout" in stage:
                module.p = stage["dropout"]
        model.zero_grad(set_to_none=True)
        for part in range(parts):
            torch.manual_seed(seeded("noise", options.seed, step, part, RANK).getrandbits(62))
            x, labels = next(loader)
            x, labels = x.to(device), labels.to(device)
            targets = one_hot[labels]
            if stage["augmentation"].get("mixup"):
                x, targets = mix_up(x, targets, stage["augmentation"]["mixup"], seeded("mixup", options.seed, step, part, RANK))
            alone = WORLD > 1 and part < parts - 1
            with wrapped.no_sync() if alone else nullcontext():
                logits = wrapped(x)
                loss = cross_entropy(logits, targets, recipe["smoothing"])
                (loss / parts).backward()
            running += torch.tensor([loss.item(), (logits.argmax(1) == labels).float().mean().item(), 1])
        norm = updates.step(step, learning_rate(recipe, step, per_epoch))
        if not math.isfinite(norm):
            raise SystemExit(f"step {step + 1}: the gradient is not finite; a smaller --lr may help (checkpoint.pt, where there is one, is sound)")
        step += 1
        if step % per_epoch == 0:
            found = {"epoch": step // per_epoch, "loss": (running[0] / running[2]).item(), "accuracy": (running[1] / running[2]).item()}
            running.zero_()
            state = updates.finished(model)
            if validation:
                found["validation"] = evaluate(model, state, samples, validation, recipe["batch"], device)
            history.append(found)
            score = lambda each: (each["validation"]["accuracy"], -each["validation"]["loss"])
            if best is None or not validation or score(found) > score(best["epoch"]):
                best = {"epoch": found, "state": state}
            shown = f"  validation {found['validation']['accuracy']:.2%}" if validation else ""
            say(f"epoch {found['epoch']}/{recipe['epochs']}  loss {found['loss']:.4f}  train {found['accuracy']:.2%}{shown}")
            checkpoint()
        elif options.every and step % options.every == 0:
            checkpoint()
    if step < steps:
        checkpoint()
        say(f"stopped after step {step} of {steps}; --resume goes on")
        return
    metrics = {"best": best["epoch"]}
    if test:
        metrics["test"] = evaluate(model, best["state"], samples, test, recipe["batch"], device)
        say(f"test {metrics['test']['accuracy']:.2%} of {metrics['test']['images']} images")
    if RANK == 0:
        name = os.path.basename(os.path.abspath(options.data))
        card["metrics"] = metrics
        card["provenance"] = {
            **({} if options.fresh else {"before": card["provenance"]}),
            **{"by": f"PyTorch {torch.__version__}", "data": {"name": name, "images": len(images.labels)}, "recipe": recipe},
            **{"seed": options.seed, "epochs": len(history), "processes": WORLD},
        }
        write_weights(WEIGHTS, best["state"], {"goldcrest.pytorch": json.dumps(card)})
        trained = build()
        trained.load_state_dict(best["state"])
        write_golden(trained)
        CHECKPOINT.unlink()
        say("weights.safetensors and golden.json hold the trained network; goldcrest import takes this folder back")


def main():
    options = parse()
    is_cuda = torch.cuda.is_available()
    device = torch.device("cuda", LOCAL) if is_cuda else torch.device("cpu")
    if is_cuda:
        torch.cuda.set_device(device)
    if WORLD > 1:
        dist.init_process_group("nccl" if is_cuda else "gloo")
    try:
        train(options, device)
        if WORLD > 1:
            dist.barrier()
    finally:
        if WORLD > 1:
            dist.destroy_process_group()


if __name__ == "__main__":
    main()
