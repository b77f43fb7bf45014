"""A finished run's network for images of one's own: how likely it takes each class to be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from torch import Tensor, nn

from cnn import data, machine, measure, runs, weights
from cnn.runs.config import read_config


@dataclass(frozen=True)
class Trained:
    """A network, what it takes images for, and what they are normalised by."""

    network: nn.Module
    classes: tuple[str, ...]
    mean: float
    deviation: float

    def probabilities(self, pixels: Tensor) -> Tensor:
        """Of images (n, 28, 28) from 0, the ground, to 255: (n, classes), each row's sum 1."""
        normal = (pixels.float().unsqueeze(1) / 255 - self.mean) / self.deviation
        batches: Iterable[tuple[Tensor, Any]] = ((batch, None) for batch in torch.split(normal, measure.BATCH_SIZE))
        return measure.probabilities(self.network, batches)

    def probabilities_of(self, picture: NDArray[np.float64]) -> list[float]:
        """Of one image (28, 28) from 0 to 255."""
        row: list[float] = self.probabilities(torch.from_numpy(picture).unsqueeze(0))[0].tolist()
        return row


def load(folder: Path) -> Trained:
    """The network of a finished run. Raises Failure where settings, weights or images cannot be used, OSError."""
    config = read_config(folder)
    machine.use_one_thread()
    network = weights.read(folder / runs.WEIGHTS, config["model"])
    return Trained(network, data.classes(config["dataset"]), *normal(folder, config))


def normal(folder: Path, config: dict[str, Any]) -> tuple[float, float]:
    """Mean and deviation as the weights' file has them; an earlier version's has not, and the images are asked."""
    with safe_open(folder / runs.WEIGHTS, "pt") as file:
        facts = file.metadata() or {}
    if facts.keys() >= {"mean", "deviation"}:
        return float(facts["mean"]), float(facts["deviation"])
    images = data.load(config["dataset"], config.get("data_dir"))
    return images.mean, images.deviation
