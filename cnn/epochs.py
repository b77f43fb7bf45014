"""Trains a network epoch by epoch: each ends with a checkpoint and a line in the log. What it needs, it is given."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from cnn import augment, checkpoint, data, models, recipe, runs
from cnn.evaluate import BATCH_SIZE, Tally, evaluate
from cnn.runs.settings import SettingsError

Batch = tuple[Tensor, Tensor]  # images and labels
PROGRESS_SECONDS = 0.25  # between two `progress` lines, at least
MALLOC_KEEPS = {-3: 1 << 30, -1: (1 << 31) - 1}  # mallopt(3): M_MMAP_THRESHOLD and M_TRIM_THRESHOLD, in bytes
DEVICES = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available, "cpu": lambda: True}


@dataclass
class Training:
    """A network with its optimizer and images, on one device, after `epochs`: the figures of the complete ones."""

    settings: dict
    images: data.DataSet
    network: nn.Module
    optimizer: torch.optim.Optimizer
    average: AveragedModel | None = None
    epochs: list[dict] = field(default_factory=list)

    @property
    def parts(self) -> dict[str, checkpoint.Stateful]:
        """All that changes while it learns, by the name it has in a checkpoint."""
        found = {"network": self.network, "optimizer": self.optimizer, "average": self.average}
        return {name: part for name, part in found.items() if part is not None}

    @property
    def result(self) -> nn.Module:
        """The network that counts: the average of its weights where there is one."""
        return self.average.module if self.average else self.network

    @property
    def device(self) -> torch.device:
        return torch.device(self.settings["device"])

    @property
    def batches(self) -> int:
        return math.ceil(len(self.images.train) / self.settings["batch_size"])

    @property
    def facts(self) -> dict:
        """What the log's `started` says of this training."""
        return {
            **{name: self.settings[name] for name in ("dataset", "model", "device", "epochs")},
            "parameters": models.parameter_count(self.network),
            "batches": self.batches,
            "train_images": len(self.images.train),
            f"{self.images.part}_images": len(self.images.test),
            "threads": torch.get_num_threads(),
        }

    def is_plain(self, epoch: int) -> bool:
        """Whether the images of this epoch are left as they are: the last ones are, at least one unless plain is 0."""
        epochs, plain = self.settings["epochs"], self.settings["plain"]
        return epoch > epochs - max(plain > 0, round(plain * epochs))

    def step(self, loss: Tensor, update: int) -> None:
        """One update, the number `update` from 1 on: weights, and their average."""
        updates = self.settings["epochs"] * self.batches
        recipe.update(self.optimizer, loss, recipe.learning_rate(self.settings, update, updates))
        if self.average and update % recipe.AVERAGE_EVERY == 0:
            self.average.update_parameters(self.network)

    @property
    def is_finite(self) -> bool:
        """Whether the weights are, and their average, whose last step may lie before the last update."""
        states = [*self.network.state_dict().values(), *self.result.state_dict().values()]
        return all(bool(value.isfinite().all()) for value in states)

    def diverged(self, error: str) -> runs.Failure:
        advice = f"Take a smaller learning_rate than {self.settings['learning_rate']}; the epochs before are kept"
        return runs.Failure(error, advice)


def prepare(settings: dict, data_dir: str | None, say: Callable[[str], None]) -> Training:
    """All that the first epoch needs. Raises SettingsError for a missing device or too large a batch, DataError."""
    device = choose_device(settings["device"])
    images = data.load(settings["dataset"], data_dir, say)
    images = (images.validation() if settings["validate"] == "yes" else images).to(torch.device(device))
    if settings["batch_size"] > len(images.train):
        error = f"batch_size is {settings['batch_size']}, more than the {len(images.train):,} training images"
        raise SettingsError(f"{error} of {images.name}", "Take a smaller --batch-size")
    use_one_thread()
    keep_memory()
    torch.backends.cudnn.deterministic = True
    seed_epoch(settings["seed"], 0)
    network = models.build(settings["model"]).to(device)
    precision = recipe.choose_precision(settings["precision"], device)
    settings = {**settings, "dataset": images.name, "device": device, "precision": precision}
    optimizer, average = recipe.make_optimizer(network, settings), recipe.make_average(network, settings["average"])
    return Training(settings, images, network, optimizer, average)


def choose_device(name: str) -> str:
    """The device `name`; auto is the first there is. Raises SettingsError where it is missing."""
    found = [device for device, is_there in DEVICES.items() if name in (device, "auto") and is_there()]
    if not found:
        error = f"device is {name}, and this PyTorch ({torch.__version__}) sees none here"
        raise SettingsError(error, "Take --device cpu; python start.py doctor says what a GPU lacks")
    return found[0]


def use_one_thread() -> None:
    """Compute in one thread on the CPU, unless OMP_NUM_THREADS asks for another number.

    These networks are small: on two cores at rest a second thread took an epoch from 7.2 s to 4.4 s, and beside any
    other program, such as the spreadsheet that shows the run, to 80 s and more, since each waits for the other.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)


def keep_memory() -> None:
    """Keep what is freed for the next batch, where the C library is glibc: it gives it back to the system otherwise.

    Fetched anew, page by page, it was some 8 % of the time of an update. The largest amount in use does not change.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):  # there is no mallopt in other systems' libraries
        mallopt = ctypes.CDLL(None).mallopt
        for parameter, size in MALLOC_KEEPS.items():
            mallopt(parameter, size)


def seed_epoch(seed: int, epoch: int) -> None:
    """Seed all of torch's random numbers, here and on the GPU, for one epoch; epoch 0 is the initial weights.

    So a resumed epoch draws what it would have drawn, and nothing about random numbers needs to be kept.
    """
    digest = hashlib.sha256(f"{seed} {epoch}".encode()).digest()
    torch.manual_seed(int.from_bytes(digest[:4], "big"))  # torch's generator on the CPU takes 32 bits


class Watch:
    """Stands between the batches: asks whether to stop, and says how the epoch goes, to the log and on a terminal."""

    def __init__(self, log: runs.Log, check_stop: Callable[[], None], training: Training):
        self.log, self.check_stop, self.training = log, check_stop, training
        self.next_line = 0.0

    @contextlib.contextmanager
    def epoch(self, epoch: int) -> Iterator[None]:
        """The training part of an epoch; the bar is drawn on a terminal only (disable=None)."""
        label = f"epoch {epoch} of {self.training.settings['epochs']}"
        self.number = epoch
        with tqdm(total=self.training.batches, desc=label, unit="batch", leave=False, disable=None) as self.bar:
            yield

    def until_stopped(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        for batch in batches:
            self.check_stop()
            yield batch

    def batch_done(self, batch: int, tally: Tally) -> None:
        """After an update; most calls only move the bar, since reading the loss makes a GPU wait."""
        self.bar.update()
        if time.monotonic() < self.next_line:
            return
        self.next_line = time.monotonic() + PROGRESS_SECONDS
        loss = tally.means()[0]
        self.log.write("progress", epoch=self.number, batch=batch, train_loss=loss)
        self.bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
        if not math.isfinite(loss):
            raise self.training.diverged(f"the loss is not finite in epoch {self.number}, batch {batch}")


def train(training: Training, folder: Path, say: Callable[[str], None], check_stop: Callable[[], None]) -> None:
    """Train the epochs that are left. `check_stop` is called before every batch and raises what ends the training."""
    settings, log = training.settings, runs.Log(folder)
    watch = Watch(log, check_stop, training)
    for epoch in range(len(training.epochs) + 1, settings["epochs"] + 1):
        epochs = [*training.epochs, one_epoch(training, epoch, watch)]
        checkpoint.save(folder / "checkpoint.pt", settings, training.parts, epochs)
        log.write("epoch", **epochs[-1])  # after the checkpoint: what a reader has seen is never trained again
        training.epochs = epochs
        say(epoch_line(epochs[-1], settings["epochs"]))


def epoch_line(figures: dict, epochs: int) -> str:
    """An epoch's figures for a person."""
    parts = [
        f"{part} loss {figures[f'{part}_loss']:.4f}, accuracy {100 * figures[f'{part}_accuracy']:.2f} %"
        for part in ("train", "test", "validation")
        if f"{part}_loss" in figures
    ]
    return f"epoch {figures['epoch']} of {epochs}: {'; '.join(parts)}; {figures['seconds']:.1f} s"


def one_epoch(training: Training, epoch: int, watch: Watch) -> dict:
    """Go through all training images once; the figures of epoch_keys. Raises Failure when the training diverges."""
    began, images = time.perf_counter(), training.images
    seed_epoch(training.settings["seed"], epoch)
    with watch.epoch(epoch):
        train_figures = _update(training, watch)
    speed = len(images.train) / (time.perf_counter() - began)
    if not (math.isfinite(train_figures[0]) and training.is_finite):  # the last update may spoil the weights
        raise training.diverged(f"the weights are not finite after epoch {epoch}")
    test_figures = evaluate(training.result, watch.until_stopped(images.test.batches(BATCH_SIZE)))
    learning_rate = training.optimizer.param_groups[0]["lr"]
    values = (epoch, *train_figures, *test_figures, learning_rate, time.perf_counter() - began, speed)
    return dict(zip(runs.epoch_keys(images.part), values, strict=True))


def _update(training: Training, watch: Watch) -> tuple[float, float]:
    """One update a batch, in random order; mean loss and accuracy of the batches, each before its update."""
    training.network.train()
    tally, images = Tally(), training.images.train
    prepared = augment.AUGMENTATIONS["none" if training.is_plain(watch.number) else training.settings["augment"]]
    batches = images.batches(training.settings["batch_size"], torch.randperm(len(images)))
    for batch, (pixels, labels) in enumerate(watch.until_stopped(batches), 1):
        with recipe.autocast(training.settings, training.device):
            loss = tally.add(training.network(prepared(pixels)), labels)
        training.step(loss, (watch.number - 1) * training.batches + batch)
        watch.batch_done(batch, tally)
    return tally.means()
