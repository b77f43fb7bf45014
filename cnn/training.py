"""A network in training: its images, optimizer and average, and how far it has come. What it needs, it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from cnn import augment, checkpoint, data, machine, models, ranks, recipe, runs, weights
from cnn.official import Official
from cnn.runs.settings import SETTINGS, SettingsError


@dataclass
class TrainingState:
    """A network with its optimizer and images, on one device, after `epochs`: the figures of the complete ones."""

    settings: dict[str, Any]
    images: data.DataSet
    network: nn.Module
    optimizer: torch.optim.Optimizer
    average: AveragedModel | None = None
    ranks: ranks.Alone = field(default_factory=ranks.Alone)
    epochs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def parts(self) -> dict[str, checkpoint.Stateful]:
        """All that changes while it learns, by the name it has in a checkpoint."""
        average = {"average": self.average} if self.average else {}
        return {"network": self.network, "optimizer": self.optimizer, **average}

    @property
    def result(self) -> nn.Module:
        """The network that counts: the average of its weights where there is one, and it has begun."""
        return self.average.module if self.average and self.average.n_averaged else self.network

    @property
    def identity(self) -> dict[str, Any]:
        """The settings that tell this run from another: all but where it is computed."""
        return {name: value for name, value in self.settings.items() if name != "device"}

    def told(self, folder: Path) -> dict[str, Any]:
        """What another process needs to train along with this one."""
        states = {name: part.state_dict() for name, part in self.parts.items()}
        data_dir = self.images.folder and str(self.images.folder)
        known = {"settings": self.settings, "data_dir": data_dir, "epochs": self.epochs, "folder": str(folder)}
        return {**known, "states": states}

    def save(self, path: Path, epochs: list[dict[str, Any]]) -> None:
        """Write the checkpoint after `epochs`, which are then the complete ones. Raises OSError."""
        checkpoint.save(path, self.identity, self.parts, epochs)
        self.epochs = epochs

    def restore(self, path: Path) -> None:
        """Go back to the checkpoint's state. Raises CheckpointError, OSError."""
        self.epochs = checkpoint.load(path, self.identity, self.parts)

    @cached_property
    def forward(self) -> Callable[[Tensor], Tensor]:
        """Images (n, 1, 28, 28) to logits (n, 10); going backward from them averages over the run's processes."""
        return self.ranks.wrapped(self.network)

    @property
    def device(self) -> torch.device:
        return torch.device(self.settings["device"])

    @property
    def batches(self) -> int:
        return self.images.train.batch_count(self.settings["batch_size"], self.least)

    @property
    def least(self) -> int:
        """Of how few images a batch may be."""
        return data.LEAST * self.ranks.count

    @property
    def facts(self) -> dict[str, Any]:
        """What the log's `started` says of this training."""
        return {
            **{name: self.settings[name] for name in ("dataset", "model", "device", "epochs")},
            "parameters": models.parameter_count(self.network),
            "batches": self.batches,
            "train_images": len(self.images.train),
            f"{self.images.part}_images": len(self.images.test),
            "threads": torch.get_num_threads(),
            **({"processes": self.ranks.count} if self.ranks.count > 1 else {}),
        }

    def is_plain(self, epoch: int) -> bool:
        """Whether the images of this epoch are left as they are: the last ones are, at least one unless plain is 0."""
        epochs: int = self.settings["epochs"]
        plain: float = self.settings["plain"]
        return epoch > epochs - max(plain > 0, round(plain * epochs))

    def step(self, loss: Tensor, update: int) -> None:
        """One update, the number `update` from 1 on: weights, and their average."""
        updates = self.settings["epochs"] * self.batches
        recipe.update(self.optimizer, loss, recipe.learning_rate(self.settings, update, updates))
        if self.average and update % self.settings["average_every"] == 0:
            self.average.update_parameters(self.network)

    @property
    def is_finite(self) -> bool:
        """Whether the weights are, and their average, whose last step may lie before the last update."""
        states = [*self.network.state_dict().values(), *self.result.state_dict().values()]
        return all(bool(value.isfinite().all()) for value in states)

    def diverged(self, error: str) -> runs.Diverged:
        advice = f"Take a smaller --learning-rate than {self.settings['learning_rate']}"
        decay = self.settings["weight_decay"]
        if decay > SETTINGS["weight_decay"].default:
            advice += f", or a smaller --weight-decay than {decay:g}"
        if self.epochs:
            advice += "; the epochs before are kept"
        return runs.Diverged(error, advice)


def prepare(
    settings: dict[str, Any],
    data_dir: str | None,
    say: Callable[[str], None],
    files: Official | None = None,
    start: Path | None = None,
) -> TrainingState:
    """All that the first epoch needs; the network begins with the weights in `start`, else with random ones.

    Raises SettingsError for a missing device or too large a batch, DataError, and Failure for weights of no use.
    """
    device = machine.choose_device(settings["device"])
    say("reading the images")
    images = data.load(settings["dataset"], data_dir, say, files)
    images = (images.validation() if settings["validate"] == "yes" else images).to(torch.device(device))
    if settings["batch_size"] > len(images.train):
        error = f"--batch-size is {settings['batch_size']}, more than the {len(images.train):,} training images"
        raise SettingsError(f"{error} of {images.name}", "Take a smaller --batch-size")
    machine.use_one_thread()
    machine.keep_memory()
    machine.compute_exactly()
    machine.seed_epoch(settings["seed"], 0)
    network = (weights.read(start, settings["model"]) if start else models.build(settings["model"])).to(device)
    if settings["batch_size"] == 1 and any(isinstance(layer, nn.BatchNorm1d) for layer in network.modules()):
        error = f"--batch-size is 1, and the network {settings['model']} is normalised over a batch (BatchNorm)"
        raise SettingsError(error, "Take a larger --batch-size")
    own = ranks.here(device)
    if settings["batch_size"] < data.LEAST * own.count > data.LEAST:
        error = f"--batch-size is {settings['batch_size']}, and {own.count} processes share a batch"
        raise SettingsError(error, f"Take at least {data.LEAST * own.count}, or fewer processes")
    precision = recipe.choose_precision(settings["precision"], device, settings["model"])
    augmentation = augment.choose(settings["augment"], images.name)
    found = {"dataset": images.name, "device": device, "precision": precision, "augment": augmentation}
    settings = {**settings, **found}
    optimizer, average = recipe.make_optimizer(network, settings), recipe.make_average(network, settings["average"])
    return TrainingState(settings, images, network, optimizer, average, own)
