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
from model import build
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


def stage_of(stages, epoch):
    """The stage that an epoch, counted from 0, lies in."""
    return next((stage for stage in stages if epoch < stage["to"]), stages[-1])


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


class Training:
    """A training from its first step or from a checkpoint on."""

    def __init__(self, options, device):
        self.options, self.device = options, device
        self.recipe, self.stages, self.parts, initial = read_recipe(options)
        weights, metadata = read_weights(WEIGHTS)
        self.card = json.loads(metadata["goldcrest.pytorch"])
        labels = self.card["labels"]
        self.images = open_images(options.data, labels)
        self.samples = Samples(self.images, self.card["preprocessing"], options.seed)
        self.train, self.validation, self.test = split(self.images, len(labels), options.validation, options.seed)
        self.per_epoch = max(1, len(self.train) // self.recipe["batch"])
        self.steps = self.per_epoch * self.recipe["epochs"]
        self.identity = {"recipe": self.recipe, "seed": options.seed, "world": WORLD, "images": len(self.images.labels), "train": len(self.train)}
        self.model = build()
        self.model.load_state_dict(weights)
        if options.fresh:
            start_values(self.model, initial, options.seed)
        self.model.to(device).train()
        self.updates = Updates(self.model.named_parameters(), self.recipe)
        self.step, self.history, self.best, self.running = 0, [], None, [0.0, 0.0, 0]
        self.resume()
        self.targets = torch.diag(torch.tensor(self.class_weights())).to(device)

    def class_weights(self):
        """A target's weight by label: 1, or by inverse frequency with a mean of 1 over the images."""
        labels = range(len(self.card["labels"]))
        counts = [sum(self.images.labels[i] == label for i in self.train) for label in labels]
        if self.recipe["classWeights"] != "balanced":
            return [1.0 for _ in labels]
        present = sum(count > 0 for count in counts)
        return [len(self.train) / (present * count) if count else 0.0 for count in counts]

    def resume(self):
        """Goes on from checkpoint.pt where that is asked for, or where torchrun has started us again."""
        restarted = int(os.environ.get("TORCHELASTIC_RESTART_COUNT", 0)) > 0
        if not CHECKPOINT.exists():
            if self.options.resume:
                say("there is no checkpoint.pt: begins at the first step")
            return
        if not (self.options.resume or restarted):
            raise SystemExit("checkpoint.pt is there: --resume goes on from it; remove it to begin anew")
        held = torch.load(CHECKPOINT, map_location=self.device)
        if held["identity"] != self.identity:
            raise SystemExit("checkpoint.pt is of another training: recipe, seed, data or number of processes differ")
        self.model.load_state_dict(held["model"])
        for name in ("step", "history", "best", "running"):
            setattr(self, name, held[name])
        self.updates.states, self.updates.averages = held["states"], held["averages"]
        say(f"goes on at step {self.step} of {self.steps}")

    def save(self):
        if RANK != 0:
            return
        held = {name: getattr(self, name) for name in ("identity", "step", "history", "best", "running")}
        beside = CHECKPOINT.with_suffix(".tmp")
        torch.save({**held, "model": self.model.state_dict(), "states": self.updates.states, "averages": self.updates.averages}, beside)
        os.replace(beside, CHECKPOINT)

    def batches(self, last):
        """The items of this process's parts, from the step in hand on: a pure function of the step."""
        batch, held = self.recipe["batch"], None
        share = batch // (WORLD * self.parts)
        for step in range(self.step, last):
            epoch, at = divmod(step, self.per_epoch)
            if epoch != held:
                order, held = list(self.train), epoch
                seeded("order", self.options.seed, epoch).shuffle(order)
            for part in range(self.parts):
                start = at * batch + (part * WORLD + RANK) * share
                yield [(order[i % len(order)], epoch, i // len(order), stage_of(self.stages, epoch)) for i in range(start, start + share)]

    def part(self, wrapped, stage, part, images, labels):
        """Forward and backward of one part; gradients are summed up, and averaged over the processes behind the last one."""
        draws = ("noise", self.options.seed, self.step, part, RANK)
        torch.manual_seed(seeded(*draws).getrandbits(62))
        x, labels = images.to(self.device), labels.to(self.device)
        targets = self.targets[labels]
        if stage["augmentation"].get("mixup"):
            x, targets = mix_up(x, targets, stage["augmentation"]["mixup"], seeded("mixup", *draws))
        is_alone = WORLD > 1 and part < self.parts - 1
        with wrapped.no_sync() if is_alone else nullcontext():
            logits = wrapped(x)
            loss = cross_entropy(logits, targets, self.recipe["smoothing"])
            (loss / self.parts).backward()
        correct = (logits.argmax(1) == labels).float().mean()
        self.running = [self.running[0] + loss.item(), self.running[1] + correct.item(), self.running[2] + 1]

    def run(self):
        """Trains to the last step; returns whether that was the last of the recipe."""
        last = min(self.steps, self.options.steps or self.steps)
        device_ids = [LOCAL] if self.device.type == "cuda" else None
        wrapped = DistributedDataParallel(self.model, device_ids=device_ids) if WORLD > 1 else self.model
        loader = iter(DataLoader(self.samples, batch_sampler=self.batches(last), num_workers=self.options.workers))
        while self.step < last:
            stage = stage_of(self.stages, self.step // self.per_epoch)
            for module in self.model.modules():
                if isinstance(module, nn.Dropout) and "dropout" in stage:
                    module.p = stage["dropout"]
            self.model.zero_grad(set_to_none=True)
            for part in range(self.parts):
                self.part(wrapped, stage, part, *next(loader))
            norm = self.updates.step(self.step, learning_rate(self.recipe, self.step, self.per_epoch))
            if not math.isfinite(norm):
                raise SystemExit(f"step {self.step + 1}: the gradient is not finite; a smaller --lr may help, and a checkpoint.pt is sound")
            self.step += 1
            if self.step % self.per_epoch == 0:
                self.end_epoch()
            if self.step % self.per_epoch == 0 or self.step == last or (self.options.every and self.step % self.options.every == 0):
                self.save()
        return last == self.steps

    def end_epoch(self):
        """Validates the averages and keeps them where they are the best so far."""
        loss, accuracy, count = self.running
        found = {"epoch": self.step // self.per_epoch, "loss": loss / count, "accuracy": accuracy / count}
        self.running = [0.0, 0.0, 0]
        state = self.updates.finished(self.model)
        if self.validation:
            found["validation"] = self.evaluate(state, self.validation)
        self.history.append(found)
        score = lambda each: (each["validation"]["accuracy"], -each["validation"]["loss"])
        if self.best is None or not self.validation or score(found) > score(self.best["epoch"]):
            self.best = {"epoch": found, "state": state}
        shown = f"  validation {found['validation']['accuracy']:.2%}" if self.validation else ""
        say(f"epoch {found['epoch']}/{self.recipe['epochs']}  loss {found['loss']:.4f}  train {found['accuracy']:.2%}{shown}")

    @torch.no_grad()
    def evaluate(self, state, indices):
        """Accuracy and mean loss of a state on some of the images, each process its share."""
        held = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.model.load_state_dict(state)
        self.model.eval()
        mine = [(index, 0, 0, None) for index in indices[RANK::WORLD]]
        sums = torch.zeros(3, dtype=torch.float64)
        for images, labels in DataLoader(self.samples, batch_size=self.recipe["batch"], sampler=mine):
            logits = self.model(images.to(self.device)).cpu()
            sums += torch.tensor([(logits.argmax(1) == labels).sum(), F.cross_entropy(logits, labels, reduction="sum"), len(labels)])
        self.model.load_state_dict(held)
        self.model.train()
        sums = sums.to(self.device)
        if WORLD > 1:
            dist.all_reduce(sums)
        correct, loss, count = sums.tolist()
        return {"accuracy": correct / count, "loss": loss / count, "images": int(count)}

    def finish(self):
        """Tests the best weights and writes them, with what they answer to the golden images."""
        metrics = {"best": self.best["epoch"]}
        if self.test:
            metrics["test"] = self.evaluate(self.best["state"], self.test)
            say(f"test {metrics['test']['accuracy']:.2%} of {metrics['test']['images']} images")
        if RANK != 0:
            return
        before = {} if self.options.fresh else {"before": self.card["provenance"]}
        data = {"name": os.path.basename(os.path.abspath(self.options.data)), "images": len(self.images.labels)}
        made = {"by": f"PyTorch {torch.__version__}", "data": data, "recipe": self.recipe, "seed": self.options.seed}
        provenance = {**made, "epochs": len(self.history), "processes": WORLD, **before}
        card = {**self.card, "metrics": metrics, "provenance": provenance}
        write_weights(WEIGHTS, self.best["state"], {"goldcrest.pytorch": json.dumps(card)})
        trained = build()
        trained.load_state_dict(self.best["state"])
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
    training = Training(options, device)
    parts = (len(part) for part in (training.train, training.validation, training.test))
    say("{} train, {} choose the epoch, {} test; ".format(*parts) + f"{training.steps} steps on {WORLD} process(es), {device.type}")
    if training.run():
        training.finish()
    else:
        say(f"stopped after step {training.step} of {training.steps}; --resume goes on")
    if WORLD > 1:
        dist.barrier()
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
