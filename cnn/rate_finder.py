"""The learning-rate range test (arXiv 1506.01186): updates at rates that grow evenly on a logarithmic scale.

The loss falls, levels out and shoots up; a good highest rate lies a little before its lowest point. Only training
images are seen, and the network that comes out is thrown away.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import torch
from torch import Tensor

from cnn import augment, machine, outcome, pictures, recipe, runs
from cnn.training import TrainingState

LOWEST, HIGHEST = 1e-5, 3.0
UPDATES = 200
SMOOTHING = 0.9  # of the loss, an exponential mean without its bias towards 0
GIVE_UP = 4.0  # times the lowest loss: from there on it only grows
BEFORE = 3.0  # the suggestion is this much smaller than the rate of the lowest loss


def new_folder(model: str) -> Path:
    """Where the test goes without --out: <BACKPROP_HOME>/rates/<time>-<model>."""
    return runs.home() / "rates" / f"{datetime.now():%Y-%m-%dT%H-%M-%S}-{model}"


def find(training: TrainingState, folder: Path) -> str:
    """Write rates.csv and rates.png into the folder; what was found, in a line. Raises Failure, OSError."""
    found = list(smoothed(losses(training)))
    if len(found) < UPDATES // 10:
        raise runs.Failure(f"The loss is not finite from learning rate {LOWEST:g} on", "Look at the images")
    best = suggestion(found)
    folder.mkdir(parents=True, exist_ok=True)
    rows = [{"learning_rate": rate, "train_loss": loss} for rate, loss in found]
    runs.write_file(folder / "rates.csv", outcome.table(("learning_rate", "train_loss"), rows))
    runs.write_file(folder / "rates.png", pictures.rates(found, best))
    return f"suggested: --learning-rate {best:.2g}; the loss by learning rate: {folder / 'rates.png'}"


def losses(training: TrainingState) -> Iterator[tuple[float, float]]:
    """Learning rate and loss of every update, until the loss is not finite."""
    machine.seed_epoch(training.settings["seed"], 1)
    training.network.train()
    prepared = augment.AUGMENTATIONS[training.settings["augment"]]
    for update, (pixels, labels) in enumerate(itertools.islice(endless_batches(training), UPDATES)):
        rate = LOWEST * (HIGHEST / LOWEST) ** (update / (UPDATES - 1))
        with recipe.autocast(training.settings, training.device):
            loss = recipe.objective(training.settings, training.network(prepared(pixels)), labels)
        if not math.isfinite(loss.item()):
            return
        yield rate, loss.item()
        recipe.update(training.optimizer, loss, rate)


def endless_batches(training: TrainingState) -> Iterator[tuple[Tensor, Tensor]]:
    images = training.images.train
    while True:
        yield from images.batches(training.settings["batch_size"], torch.randperm(len(images)))


def smoothed(found: Iterator[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """The rates with their smoothed losses, until these are GIVE_UP times the lowest."""
    mean, lowest = 0.0, math.inf
    for count, (rate, loss) in enumerate(found, 1):
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        unbiased = mean / (1 - SMOOTHING**count)
        lowest = min(lowest, unbiased)
        if unbiased > GIVE_UP * lowest:
            return
        yield rate, unbiased


def suggestion(found: list[tuple[float, float]]) -> float:
    """A third of the rate at which the smoothed loss was lowest."""
    return min(found, key=lambda pair: pair[1])[0] / BEFORE
