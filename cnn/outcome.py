"""What a run leaves beside its log and checkpoint once it has trained: weights, tables and pictures.

log.csv               the log's epochs, a row each
weights.safetensors   the network that counts: the average of the weights where there is one
layers.csv            layer by layer: output, parameters, multiply-adds
confusion.csv         a row per true class, a column per predicted class
classes.csv           per class: images, how many right, precision, recall, F1
mistakes.csv          the images taken for something else, the surest first: index, true, predicted, probability
mistakes.png          the same in the set's own order, as a picture
pictures/             mistake-INDEX.png, the 40 surest mistakes; filter-N.png, the first convolution's kernels
model-card.md         what the network is, how it was trained, what it reaches
curves.png            loss, accuracy and learning rate by epoch
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cnn import data, model_card, models, pictures, runs, weights
from cnn.measure import BATCH_SIZE, probabilities
from cnn.runs.scores import PICTURED, SCORES, scores
from cnn.training import TrainingState

MISTAKE_KEYS = ("index", "true", "predicted", "probability")


def write(training: TrainingState, folder: Path, check_stop: Callable[[], None]) -> None:
    """Write all of it, each file whole or not at all. `check_stop` may raise between two files. Raises OSError."""
    images, settings = training.images, training.settings
    chances = probabilities(training.result, images.test.batches(BATCH_SIZE))
    images, predicted = images.to(torch.device("cpu")), chances.argmax(1)
    counts = confusion(images.test.labels, predicted, len(images.classes)).tolist()
    wrong = mistakes(images, chances)
    facts = {**{name: settings[name] for name in ("model", "dataset")}, **normal(images)}
    files: dict[str, Callable[[], bytes]] = {
        "log.csv": lambda: table(runs.epoch_keys(images.part), training.epochs),
        runs.WEIGHTS: lambda: weights.write(training.result, facts),
        "layers.csv": lambda: table(models.LAYER_KEYS, models.layer_table(training.result)),
        "confusion.csv": lambda: table(("true", *images.classes), confusion_rows(counts, images.classes)),
        "classes.csv": lambda: table(("class", *SCORES), class_rows(counts, images.classes)),
        "mistakes.csv": lambda: table(MISTAKE_KEYS, wrong),
        "mistakes.png": lambda: pictures.mistakes(images, predicted),
        "curves.png": lambda: pictures.curves(training.epochs, images.part),
        "model-card.md": lambda: model_card.write(training, folder, counts),
        **mistake_pictures(images, wrong),
        **filter_pictures(training.result),
    }
    (folder / "pictures").mkdir(exist_ok=True)
    for name, content in files.items():
        check_stop()
        runs.write_file(folder / name, content())


def normal(images: data.DataSet) -> dict[str, str]:
    """What the network's images were normalised by, which others must be too, as texts."""
    return {"mean": repr(images.mean), "deviation": repr(images.deviation)}


def confusion(labels: Tensor, predicted: Tensor, classes: int) -> Tensor:
    """Counts (classes, classes): a row per true class, a column per predicted class."""
    return torch.bincount(labels * classes + predicted, minlength=classes**2).view(classes, classes)


def confusion_rows(counts: list[list[int]], classes: Sequence[str]) -> list[dict[str, Any]]:
    return [{"true": name, **dict(zip(classes, row, strict=True))} for name, row in zip(classes, counts, strict=True)]


def class_rows(counts: list[list[int]], classes: Sequence[str]) -> list[dict[str, Any]]:
    """Per class its name, images, how many were recognised, precision, recall and F1."""
    return [{"class": name, **found} for name, found in zip(classes, scores(counts), strict=True)]


def mistakes(images: data.DataSet, chances: Tensor) -> list[dict[str, Any]]:
    """A row per test image that was taken for something else, the surest of them first: MISTAKE_KEYS."""
    surest, predicted = chances.max(1)
    wrong = (predicted != images.test.labels).nonzero().flatten()
    order = wrong[surest[wrong].argsort(descending=True, stable=True)].tolist()
    return [
        {
            "index": index,
            "true": images.classes[int(images.test.labels[index])],
            "predicted": images.classes[int(predicted[index])],
            "probability": float(surest[index]),
        }
        for index in order
    ]


def mistake_pictures(images: data.DataSet, wrong: list[dict[str, Any]]) -> dict[str, Callable[[], bytes]]:
    """The surest mistakes as files, by their place in the run folder."""
    pixels = images.pixels()
    return {
        f"pictures/mistake-{row['index']}.png": partial(pictures.image, pixels[row["index"]])
        for row in wrong[:PICTURED]
    }


def filter_pictures(network: nn.Module) -> dict[str, Callable[[], bytes]]:
    """The first convolution's kernels as files, on one scale of colours."""
    layer = next(layer for layer in network.modules() if isinstance(layer, nn.Conv2d))
    kernels = layer.weight.detach().cpu()[:, 0]
    largest = float(kernels.abs().max())
    return {f"pictures/filter-{n}.png": partial(pictures.kernel, each, largest) for n, each in enumerate(kernels, 1)}


def table(keys: Iterable[str], rows: Iterable[dict[str, Any]]) -> bytes:
    """Rows as CSV, the keys as its head."""
    content = io.StringIO()
    writer = csv.DictWriter(content, tuple(keys), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return content.getvalue().encode()
