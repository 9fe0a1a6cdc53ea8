"""Reads and writes safetensors files and golden.json with nothing but PyTorch; imported by model.py and train.py."""
import ctypes
import hashlib
import json
import math
import os
import struct
from pathlib import Path

import torch

FOLDER = Path(__file__).resolve().parent
TYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "I64": torch.int64, "I32": torch.int32, "U8": torch.uint8}


def read_weights(path):
    """The tensors of a safetensors file by name, and its metadata."""
    data = bytearray(Path(path).read_bytes())
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length].decode())
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        kind, shape = TYPES[entry["dtype"]], entry["shape"]
        held = data[8 + length + begin : 8 + length + end]
        tensors[name] = torch.frombuffer(held, dtype=kind).reshape(shape) if held else torch.empty(shape, dtype=kind)
    return tensors, metadata


def write_atomically(path, contents):
    """Whoever reads the file sees the old one or the new one."""
    beside = Path(f"{path}.{os.getpid()}.tmp")
    with open(beside, "wb") as file:
        file.write(contents)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def write_weights(path, tensors, metadata):
    """Writes a safetensors file; float32 parameters and statistics, counts as int64."""
    names = {kind: name for name, kind in TYPES.items()}
    ordered = sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0]))
    header, chunks, at = {"__metadata__": metadata}, [], 0
    for name, tensor in ordered:
        held = tensor.detach().cpu().contiguous()
        chunk = ctypes.string_at(held.data_ptr(), held.numel() * held.element_size())
        header[name] = {"dtype": names[held.dtype], "shape": list(held.shape), "data_offsets": [at, at + len(chunk)]}
        chunks.append(chunk)
        at += len(chunk)
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    write_atomically(path, struct.pack("<Q", len(text)) + text + b"".join(chunks))


def hash_of(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def golden_input(shape, name="image", scale=1.5):
    """Numbers from -scale to scale by a counter: FNV-1a of the name, then murmur3's finaliser for each element."""
    seed = 0x811C9DC5
    for byte in name.encode():
        seed = (seed ^ byte) * 0x01000193 & 0xFFFFFFFF
    h = (seed + torch.arange(math.prod(shape), dtype=torch.int64) * 0x9E3779B9) & 0xFFFFFFFF
    h = ((h ^ (h >> 16)) * 0x85EBCA6B) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 0xC2B2AE35) & 0xFFFFFFFF
    uniform = ((h ^ (h >> 16)) >> 8).to(torch.float64) / 2**24
    return (scale * (2 * uniform - 1)).to(torch.float32).reshape(shape)


def logits_of(model, golden):
    """The model's answers to the golden input, on the CPU, with its running statistics."""
    shape, scale = golden["input"]["shape"], golden["input"]["scale"]
    model = model.cpu().eval()
    with torch.no_grad():
        return model(golden_input(shape, golden["input"]["name"], scale))


def read_golden():
    return json.loads((FOLDER / "golden.json").read_text())


def write_golden(model, path=FOLDER / "weights.safetensors"):
    """Records what the model answers with the weights of a file, so that others can prove that they have the same network."""
    golden = read_golden()
    golden.update(logits=logits_of(model, golden).tolist(), weights=hash_of(path), by=f"PyTorch {torch.__version__}")
    write_atomically(Path(path).parent / "golden.json", json.dumps(golden, indent=1).encode())


def check_golden(model):
    """The largest difference from the recorded logits, as a share of the largest of them; ends the program where it is too large."""
    golden = read_golden()
    if golden["weights"] != hash_of(FOLDER / "weights.safetensors"):
        raise SystemExit("golden.json belongs to other weights: python3 model.py --golden writes it anew")
    expected = torch.tensor(golden["logits"])
    found = logits_of(model, golden)
    difference = ((found - expected).abs().max() / expected.abs().max().clamp(min=1e-30)).item()
    if not difference <= golden["tolerance"]:
        raise SystemExit(f"the logits differ by {difference:.3g} of the largest, at most {golden['tolerance']:g} is right")
    return difference
