"""Trains a network epoch by epoch: each ends with a checkpoint and a line in the log."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from cnn import augment, machine, measure, recipe, runs
from cnn.training import TrainingState

Batch = tuple[Tensor, Tensor]  # images and labels
PROGRESS_SECONDS = 0.25  # between two `progress` lines, at least


class Watch:
    """Stands between the batches: asks whether to stop, and says how the epoch goes, to the log and on a terminal.

    Without a log, in a process that only trains along, it says nothing.
    """

    def __init__(self, log: runs.Log | None, check_stop: Callable[[], None], training: TrainingState):
        self.log, self.check_stop, self.training = log, check_stop, training
        self.next_line = 0.0

    @contextlib.contextmanager
    def epoch(self, epoch: int) -> Iterator[None]:
        """The training part of an epoch; the bar is drawn on a terminal only (disable=None)."""
        label = f"epoch {epoch} of {self.training.settings['epochs']}"
        self.number = epoch
        hidden = None if self.log else True
        with tqdm(total=self.training.batches, desc=label, unit="batch", leave=False, disable=hidden) as self.bar:
            yield

    def until_stopped(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        for batch in batches:
            self.check_stop()
            yield batch

    def batch_done(self, batch: int, tally: measure.Tally) -> None:
        """After an update; most calls only move the bar, since reading the loss makes a GPU wait."""
        self.bar.update()
        if self.log is None or time.monotonic() < self.next_line:
            return
        self.next_line = time.monotonic() + PROGRESS_SECONDS
        loss = tally.means()[0]
        self.log.write("progress", epoch=self.number, batch=batch, train_loss=loss)
        self.bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
        if not math.isfinite(loss):
            raise self.training.diverged(f"the loss is not finite in epoch {self.number}, batch {batch}")

    def seen(self, images: list[int]) -> None:
        """How many images each process has seen in the epoch, where there are several."""
        if self.log and len(images) > 1:
            self.log.write("shards", epoch=self.number, images=images)


def train(
    training: TrainingState,
    folder: Path,
    say: Callable[[str], None],
    check_stop: Callable[[], None],
    told: Callable[[dict[str, Any]], None],
) -> None:
    """Train the epochs that are left; `told` is given the figures of each.

    `check_stop` is called before every batch and raises what ends the training.
    """
    settings, log = training.settings, runs.Log(folder)
    watch = Watch(log, check_stop, training)
    for epoch in range(len(training.epochs) + 1, settings["epochs"] + 1):
        epochs = [*training.epochs, one_epoch(training, epoch, watch)]
        training.save(folder / "checkpoint.pt", epochs)
        log.write("epoch", **epochs[-1])  # after the checkpoint: what a reader has seen is never trained again
        say(epoch_line(epochs[-1], settings["epochs"]))
        told(epochs[-1])


def follow(training: TrainingState, check_stop: Callable[[], None]) -> None:
    """Train the epochs that are left along with rank 0, which writes down what comes of them."""
    watch = Watch(None, check_stop, training)
    for epoch in range(len(training.epochs) + 1, training.settings["epochs"] + 1):
        training.epochs = [*training.epochs, one_epoch(training, epoch, watch)]


def epoch_line(figures: dict[str, Any], epochs: int) -> str:
    """An epoch's figures for a person."""
    parts = [
        f"{part} loss {figures[f'{part}_loss']:.4f}, accuracy {100 * figures[f'{part}_accuracy']:.2f} %"
        for part in ("train", "test", "validation")
        if f"{part}_loss" in figures
    ]
    return f"epoch {figures['epoch']} of {epochs}: {'; '.join(parts)}; {figures['seconds']:.1f} s"


def one_epoch(training: TrainingState, epoch: int, watch: Watch) -> dict[str, Any]:
    """Go through all training images once; the figures of epoch_keys. Raises Failure when the training diverges."""
    began, images = time.perf_counter(), training.images
    machine.seed_epoch(training.settings["seed"], epoch)
    with watch.epoch(epoch):
        train_figures = _update(training, watch)
    training.ranks.average_statistics(training.network, training.result)
    speed = len(images.train) / (time.perf_counter() - began)
    if not (math.isfinite(train_figures[0]) and training.is_finite):  # the last update may spoil the weights
        raise training.diverged(f"the weights are not finite after epoch {epoch}")
    batches = training.ranks.shards(watch.until_stopped(images.test.batches(measure.BATCH_SIZE)))
    test_figures = measure.evaluate(training.result, batches, training.ranks.total)
    learning_rate = training.optimizer.param_groups[0]["lr"]
    values = (epoch, *train_figures, *test_figures, learning_rate, time.perf_counter() - began, speed)
    return dict(zip(runs.epoch_keys(images.part), values, strict=True))


def _update(training: TrainingState, watch: Watch) -> tuple[float, float]:
    """One update a batch, in random order; mean loss and accuracy of the batches, each before its update."""
    training.network.train()
    tally, images, ranks = measure.Tally(), training.images.train, training.ranks
    prepared = augment.AUGMENTATIONS["none" if training.is_plain(watch.number) else training.settings["augment"]]
    order = torch.randperm(len(images), device=training.device)
    batches = images.batches(training.settings["batch_size"], order, training.least)
    ranks.draw_apart()
    for batch, (pixels, labels) in enumerate(watch.until_stopped(batches), 1):
        shard = ranks.shard(len(labels))
        with recipe.autocast(training.settings, training.device):
            logits = training.forward(prepared(pixels[shard.rows], shard.draw))
            loss = recipe.objective(training.settings, logits, labels[shard.rows])
            tally.add(logits, labels[shard.rows])
        training.step(shard.loss(loss), (watch.number - 1) * training.batches + batch)
        watch.batch_done(batch, tally)
    watch.seen(ranks.images(tally.images))
    return ranks.total(tally).means()
