"""Images for train.py: a folder with one sub-folder a label, or the four IDX files of the MNIST family. Random changes are keyed by (seed, epoch, image)."""
import gzip
import math
import random
import struct
from pathlib import Path

import torch
import torch.nn.functional as F

IDX = {"train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"), "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")}
PARTS = {"train": "train", "val": "validation", "valid": "validation", "validation": "validation", "test": "test"}
ENDINGS = {".jpg", ".jpeg", ".png", ".webp"}


def find_idx(folder, name):
    dotted = name.replace("-idx", ".idx")
    for spelling in (f"{name}.gz", name, f"{dotted}.gz", dotted):
        if (folder / spelling).exists():
            return folder / spelling
    return None


def read_idx(path):
    data = path.read_bytes()
    data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    rank = data[3]
    shape = struct.unpack(f">{rank}I", data[4 : 4 + 4 * rank])
    return torch.frombuffer(bytearray(data[4 + 4 * rank :]), dtype=torch.uint8).reshape(shape)


class IdxImages:
    """All images of the four files in memory; `parts` holds the indices of each part."""

    def __init__(self, folder, labels):
        files = {part: [find_idx(folder, name) for name in names] for part, names in IDX.items()}
        read = {part: [read_idx(path) for path in paths] for part, paths in files.items()}
        self.images = torch.cat([images for images, _ in read.values()])
        self.labels = torch.cat([found for _, found in read.values()]).tolist()
        if max(self.labels) >= len(labels):
            raise SystemExit(f"{folder}: label {max(self.labels)}, but the model has {len(labels)} labels")
        count = len(read["train"][1])
        self.parts = {"train": list(range(count)), "test": list(range(count, len(self.labels)))}
        self.side = self.images.shape[1]

    def pixels(self, index, size, channels, fit, share=1):
        height, width = self.images[index].shape
        kept = (max(1, int(height * share + 0.5)), max(1, int(width * share + 0.5)))
        top, left = (height - kept[0]) // 2, (width - kept[1]) // 2
        image = self.images[index][top : top + kept[0], left : left + kept[1]]
        return resized(image[None], size, size).expand(channels, -1, -1)


class FolderImages:
    """A folder with one sub-folder a label, or with train/ beside val/ or test/ that hold them. Needs Pillow."""

    def __init__(self, folder, labels):
        roots = {PARTS[each.name]: each for each in sorted(folder.iterdir()) if each.is_dir() and each.name in PARTS}
        roots = roots if "train" in roots and len(roots) > 1 else {"train": folder}
        self.paths, self.labels, self.parts, self.side = [], [], {}, None
        for part, root in roots.items():
            start = len(self.paths)
            for path in sorted(each for each in root.rglob("*") if each.suffix.lower() in ENDINGS):
                name = path.relative_to(root).parts[0]
                if name not in labels:
                    raise SystemExit(f"{path}: the model has no label {name!r} (labels: {', '.join(labels)})")
                self.paths.append(path)
                self.labels.append(labels.index(name))
            self.parts[part] = list(range(start, len(self.paths)))
        if not self.parts["train"]:
            raise SystemExit(f"{folder}: no images; needed is one sub-folder a label ({', '.join(labels)}) or the four IDX files")

    def pixels(self, index, size, channels, fit, share=1):
        from PIL import Image, ImageOps

        image = ImageOps.exif_transpose(Image.open(self.paths[index]))
        if "A" in image.getbands() or "transparency" in image.info:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        image = image.convert("RGB" if channels == 3 else "L")
        width, height = image.size
        side = max(1, int(min(width, height) * share + 0.5))
        left, top = (width - side) // 2, (height - side) // 2
        box = (left, top, left + side, top + side) if fit == "crop" else None
        image = image.resize((size, size), Image.BILINEAR, box=box)
        pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
        return pixels.reshape(size, size, channels).permute(2, 0, 1)


def open_images(folder, labels):
    """What a folder holds, by its contents."""
    folder = Path(folder)
    if not folder.is_dir():
        raise SystemExit(f"{folder}: there is no such folder; --data needs one")
    is_idx = all(find_idx(folder, name) for names in IDX.values() for name in names)
    return (IdxImages if is_idx else FolderImages)(folder, labels)


def resized(x, height, width):
    """Bytes [channels, h, w] by a triangle filter that widens with the reduction."""
    if x.shape[1:] == (height, width):
        return x
    y = F.interpolate(x[None].float(), (height, width), mode="bilinear", antialias=True, align_corners=False)
    return as_bytes(y[0])


def as_bytes(x):
    return x.round().clamp(0, 255).to(torch.uint8)


def cut(x, size, area, draws):
    """A random window of a share of the area and of proportions from 3/4 to 4/3, resized."""
    side = x.shape[1]
    for _ in range(10 if area else 0):
        pixels, proportion = side * side * draws.uniform(*area), math.exp(draws.uniform(math.log(3 / 4), math.log(4 / 3)))
        width, height = round(math.sqrt(pixels * proportion)), round(math.sqrt(pixels / proportion))
        if 1 <= width <= side and 1 <= height <= side:
            left, top = draws.randrange(side - width + 1), draws.randrange(side - height + 1)
            return resized(x[:, top : top + height, left : left + width], size, size)
    return resized(x, size, size)


def shifted(x, right, down):
    """Moved by whole pixels; what comes in is black."""
    h, w = x.shape[1:]
    padded = F.pad(x, (max(right, 0), max(-right, 0), max(down, 0), max(-down, 0)))
    return padded[:, max(-down, 0) : max(-down, 0) + h, max(-right, 0) : max(-right, 0) + w]


def warped(x, matrix):
    grid = F.affine_grid(torch.tensor([[[*matrix[0], 0.0], [*matrix[1], 0.0]]]), (1, *x.shape), align_corners=False)
    return as_bytes(F.grid_sample(x[None].float(), grid, align_corners=False)[0])


def brightened(x, factor):
    return as_bytes(x.float() * factor)


def contrasted(x, factor):
    mean = x.float().mean().round()
    return as_bytes(mean + (x.float() - mean) * factor)


def saturated(x, factor):
    if x.shape[0] != 3:
        return x
    red, green, blue = x.float()
    grey = (0.299 * red + 0.587 * green + 0.114 * blue).round()
    return as_bytes(grey + (x.float() - grey) * factor)


def stretched(x):
    low, high = x.min().float(), x.max().float()
    return as_bytes((x.float() - low) * 255 / (high - low)) if high > low else x


def rotated(x, angle):
    return warped(x, ((math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))))


# RandAugment's operations (arXiv 1909.13719), by a strength with a sign; strength 1 is magnitude 10.
OPERATIONS = (
    lambda x, s: rotated(x, s * math.pi / 6),
    lambda x, s: warped(x, ((1.0, 0.3 * s), (0.0, 1.0))),
    lambda x, s: warped(x, ((1.0, 0.0), (0.3 * s, 1.0))),
    lambda x, s: shifted(x, round(0.3 * s * x.shape[2]), 0),
    lambda x, s: shifted(x, 0, round(0.3 * s * x.shape[1])),
    lambda x, s: brightened(x, max(0.0, 1 + 0.9 * s)),
    lambda x, s: contrasted(x, max(0.0, 1 + 0.9 * s)),
    lambda x, s: saturated(x, max(0.0, 1 + 0.9 * s)),
    lambda x, s: x & ((0xFF << min(7, round(abs(s) * 4))) & 0xFF),
    lambda x, s: torch.where(x.float() < 256 - abs(s) * 256, x, 255 - x),
    lambda x, s: stretched(x),
)


def augmented(x, size, rules, draws):
    """Bytes [channels, side, side] -> bytes [channels, size, size], changed as the recipe says."""
    x = cut(x, size, rules.get("area"), draws)
    pad, jitter = rules.get("pad", 0), rules.get("jitter", 0)
    if pad:
        x = shifted(x, draws.randint(-pad, pad), draws.randint(-pad, pad))
    if rules.get("isFlipped") and draws.random() < 0.5:
        x = x.flip(2)
    more = rules.get("randAugment", {"operations": 0, "magnitude": 0})
    for _ in range(more["operations"]):
        x = draws.choice(OPERATIONS)(x, draws.choice((-1, 1)) * more["magnitude"] / 10)
    if jitter:
        for change in (brightened, contrasted, saturated):
            x = change(x, draws.uniform(1 - jitter, 1 + jitter))
    return x


class Samples(torch.utils.data.Dataset):
    """Items (index, epoch, turn) -> normalised image and label; without an epoch unchanged. `stage` is set by train.py."""

    def __init__(self, images, preprocessing, seed):
        self.images, self.preprocessing, self.seed = images, preprocessing, seed
        shape = (-1, 1, 1)
        self.mean, self.std = torch.tensor(preprocessing["mean"]).view(shape), torch.tensor(preprocessing["std"]).view(shape)

    def __getitem__(self, item):
        index, epoch, turn, stage = item
        rule = self.preprocessing
        size = stage["size"] if stage else rule["size"]
        rules = stage["augmentation"] if stage else {}
        side = size
        if rules.get("area", (1, 1))[0] != 1:
            side = self.images.side if (self.images.side or 0) >= size else math.ceil(size * 8 / 7)
        x = self.images.pixels(index, side, rule["channels"], rule["fit"], rule.get("share", 1))
        if stage:
            x = augmented(x, size, rules, random.Random(f"augment {self.seed} {epoch} {index} {turn}"))
        return (x.float() / 255 - self.mean) / self.std, self.images.labels[index]

    def __len__(self):
        return len(self.images.labels)


def split(images, count, share, seed):
    """Training, validation and test indices; where the data has no validation part, a share of every label's training images."""
    train, validation, test = images.parts["train"], images.parts.get("validation", []), images.parts.get("test", [])
    if not validation and share > 0:
        taken = set()
        for label in range(count):
            members = [index for index in train if images.labels[index] == label]
            random.Random(f"validation {seed} {label}").shuffle(members)
            taken.update(members[: min(max(1, round(len(members) * share)), len(members) - 1)] if members else [])
        train, validation = [i for i in train if i not in taken], sorted(taken)
    return train, validation, test
