"""The networks: each is a list of layers, from images (n, 1, 28, 28) to logits (n, 10)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn


def reference() -> list[nn.Module]:
    """The exercise's network, 14,666 parameters; its convolutions have biases although BatchNorm follows."""
    return [
        nn.Conv2d(1, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Dropout2d(0.25),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.Dropout2d(0.25),
        nn.Conv2d(32, 16, 3),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * 5 * 5, 10),
    ]


MODELS: dict[str, Callable[[], list[nn.Module]]] = {"reference": reference}


def build(model: str) -> nn.Sequential:
    """The network `model` with the initial weights that torch's generator gives.

    channels_last, float32: on a CPU without AVX-512 an epoch in one thread took 13 s so, 20 s in torch's own order of
    memory; bfloat16 autocast, which others profit from, took 70 s on two.
    """
    return nn.Sequential(*MODELS[model]()).to(memory_format=torch.channels_last)


def parameter_count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())
