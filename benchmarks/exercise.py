"""The exercise's way to train, kept as the yardstick of the speed figures: `python -m benchmarks.exercise [EPOCHS]`.

Every image is decoded and transformed by PIL and torchvision in Python, batched by a DataLoader, in float32, through
the exercise's network; plain SGD with momentum, no schedule. Prints a line of JSON: seconds and accuracy by epoch.
"""

import gzip
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import MNIST

from cnn import models

LEARNING_RATE, MOMENTUM, BATCH_SIZE = 0.01, 0.9, 128


def main(epochs: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        unpack(Path(os.environ["CNN_DATA_DIR"]), Path(folder))
        normalised = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
        train, test = (MNIST(folder, train=part, transform=normalised) for part in (True, False))
    torch.manual_seed(0)
    network = nn.Sequential(*models.reference())
    optimizer = torch.optim.SGD(network.parameters(), LEARNING_RATE, MOMENTUM)
    lines = []
    for _ in range(epochs):
        began = time.perf_counter()
        learn(network, optimizer, DataLoader(train, BATCH_SIZE, shuffle=True))
        accuracy = test_accuracy(network, DataLoader(test, BATCH_SIZE))
        lines.append({"seconds": time.perf_counter() - began, "accuracy": accuracy})
    print(json.dumps(lines))


def unpack(official: Path, folder: Path) -> None:
    """torchvision reads unpacked files only."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for packed in (official / "MNIST" / "raw").glob("*.gz"):
        (raw / packed.stem).write_bytes(gzip.decompress(packed.read_bytes()))


def learn(network: nn.Module, optimizer: torch.optim.Optimizer, batches: DataLoader) -> None:
    network.train()
    for images, labels in batches:
        optimizer.zero_grad()
        F.cross_entropy(network(images), labels).backward()
        optimizer.step()


@torch.no_grad()
def test_accuracy(network: nn.Module, batches: DataLoader) -> float:
    network.eval()
    hits = sum(int((network(images).argmax(1) == labels).sum()) for images, labels in batches)
    return hits / len(batches.dataset)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 1)
