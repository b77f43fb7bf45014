"""What a run leaves beside its log and checkpoint once it has trained: weights, tables and pictures.

weights.safetensors   the network that counts: the average of the weights where there is one
layers.csv            layer by layer: output, parameters, multiply-adds
confusion.csv         a row per true class, a column per predicted class
classes.csv           per class: images, how many right, accuracy
mistakes.png          the images that were taken for something else
curves.png            loss, accuracy and learning rate by epoch
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from cnn import models, pictures, runs
from cnn.measure import BATCH_SIZE, predictions
from cnn.training import TrainingState

WEIGHTS = "weights.safetensors"


def write(training: TrainingState, folder: Path) -> None:
    """Write all of it, each file whole or not at all. Raises OSError."""
    images, settings = training.images, training.settings
    predicted = predictions(training.result, images.test.batches(BATCH_SIZE)).cpu()
    images = images.to(torch.device("cpu"))
    counts = confusion(images.test.labels, predicted, len(images.classes))
    files = {
        WEIGHTS: weights(training.result, {"model": settings["model"], "dataset": settings["dataset"]}),
        "layers.csv": table([dict(row) for row in models.layer_table(training.result)]),
        "confusion.csv": table(confusion_rows(counts, images.classes)),
        "classes.csv": table(class_rows(counts, images.classes)),
        "mistakes.png": pictures.mistakes(images, predicted),
        "curves.png": pictures.curves(training.epochs, images.part),
    }
    for name, content in files.items():
        runs.write_file(folder / name, content)


def weights(network: nn.Module, facts: dict[str, str]) -> bytes:
    return save({name: value.cpu().contiguous() for name, value in network.state_dict().items()}, facts)


def read_weights(folder: Path, model: str) -> nn.Module:
    """The network of a finished run. Raises Failure where the weights are missing, damaged or of another network."""
    path, advice = Path(folder) / WEIGHTS, "A run has it once it is finished: --resume goes on with one that is not"
    try:
        network = models.build(model)
        network.load_state_dict(load(path.read_bytes()))
        return network
    except FileNotFoundError:
        raise runs.Failure(f"There is no {path}", advice) from None
    except safetensors.SafetensorError as error:
        raise runs.Failure(f"{path} is cut short or damaged ({error})", "Train anew") from error
    except RuntimeError as error:
        raise runs.Failure(f"{path} does not fit the network {model}", "Put the run's own file back") from error


def confusion(labels: Tensor, predicted: Tensor, classes: int) -> Tensor:
    """Counts (classes, classes): a row per true class, a column per predicted class."""
    return torch.bincount(labels * classes + predicted, minlength=classes**2).view(classes, classes)


def confusion_rows(counts: Tensor, classes: Iterable[str]) -> list[dict]:
    names = tuple(classes)
    return [
        {"true": name, **dict(zip(names, row, strict=True))} for name, row in zip(names, counts.tolist(), strict=True)
    ]


def class_rows(counts: Tensor, classes: Iterable[str]) -> list[dict]:
    """Per class: images, how many were recognised, and that as a fraction (recall)."""
    found = zip(classes, counts.sum(1).tolist(), counts.diagonal().tolist(), strict=True)
    return [
        {"class": name, "images": images, "right": right, "accuracy": right / images if images else None}
        for name, images, right in found
    ]


def table(rows: list[dict]) -> bytes:
    """Rows of the same keys as CSV."""
    content = io.StringIO()
    writer = csv.DictWriter(content, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return content.getvalue().encode()
