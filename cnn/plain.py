"""A finished run without PyTorch: its layers as names and arrays, its figures, test images and what it makes of them.

Whoever writes a network down elsewhere, such as into the cells of a workbook, needs no torch for what stands here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cnn import data, machine, models, runs, weights
from cnn.measure import BATCH_SIZE
from cnn.official import DataError
from cnn.runs.config import read_config
from cnn.runs.folder import called

PER_CLASS, WRONG_PER_CLASS = 10, 5  # so many images of each class, of these so many that are taken for another


def trained(folder: Path, data_dir: str | None = None) -> dict[str, Any]:
    """A finished run: its name, settings, accuracy on all test images, layers (see `layers`), and some images.

    `images` (n, 28, 28) are whole numbers from 0 to 255, class by class, those that the network takes for another at
    the end of each class; `labels` and `positions` (in the test set) are (n,), `logits` (n, classes) PyTorch's own,
    float32. Raises Failure where run, weights or images cannot be used, OSError.
    """
    config = read_config(folder)
    machine.use_one_thread()
    network = finite(weights.read(folder / runs.WEIGHTS, config["model"]), folder)
    network.eval()
    images = load(config["dataset"], data_dir or config.get("data_dir"))
    pixels, labels = images.pixels(), images.test.labels
    answers = logits(network, pixels, images)
    chosen = choose(answers.argmax(1), labels)
    return {
        "run": called(folder),
        **{name: config[name] for name in ("model", "dataset", "seed", "epochs")},
        "accuracy": float((answers.argmax(1) == labels).double().mean()),
        "tested": len(labels),
        "parameters": models.parameter_count(network),
        **{name: getattr(images, name) for name in ("mean", "deviation", "classes")},
        "layers": layers(network),
        "images": pixels[chosen].numpy(),
        "labels": labels[chosen].numpy(),
        "positions": chosen.numpy(),
        "logits": answers[chosen].numpy(),
    }


def load(dataset: str, data_dir: str | None) -> data.DataSet:
    """A run's images, no others. Raises DataError, OSError."""
    try:
        return data.load(dataset, data_dir)
    except DataError as error:
        advice = "Name a folder that holds them by --data-dir FOLDER, or let CNN_DATA_DIR name one"
        raise DataError(error.error, advice) from error


def finite(network: nn.Module, folder: Path) -> nn.Module:
    """The network. Raises Failure where one of its numbers is none that a cell can hold."""
    for name, values in network.state_dict().items():
        if not values.isfinite().all():
            error = f"The weights of {folder.name} are not all numbers: there is a NaN or an infinity in {name}"
            raise runs.Failure(error, "Train anew, at a smaller learning rate")
    return network


@torch.no_grad()
def logits(network: nn.Module, pixels: Tensor, images: data.DataSet) -> Tensor:
    """What the network makes of images (n, 28, 28) from 0 to 255: (n, classes)."""
    normal = (pixels.unsqueeze(1) / 255 - images.mean) / images.deviation
    return torch.cat([network(batch) for batch in torch.split(normal, BATCH_SIZE)])


def choose(predicted: Tensor, labels: Tensor) -> Tensor:
    """Positions of PER_CLASS images of each class: the first that are right, then the first that are not."""
    return torch.tensor([at for label in range(int(labels.max()) + 1) for at in of_class(predicted, labels, label)])


def of_class(predicted: Tensor, labels: Tensor, label: int) -> Iterator[int]:
    """Positions of one class's images: right ones, and as many wrong ones as WRONG_PER_CLASS allows, or fills up."""
    mine = labels == label
    right, wrong = ((mine & (predicted.eq(labels) == good)).nonzero().flatten().tolist() for good in (True, False))
    kept = right[: PER_CLASS - len(wrong[:WRONG_PER_CLASS])]
    yield from (*kept, *wrong[: PER_CLASS - len(kept)])


def layers(network: nn.Module) -> list[dict[str, Any]]:
    """The layers in their order: `kind` (its class), `words`, `options` (those PyTorch lists), `arrays` (float64).

    A layer around others, such as Residual, has these in `layers`, and no arrays of its own.
    """
    return [plain(layer) for layer in network.children()]


def plain(layer: nn.Module) -> dict[str, Any]:
    inner = layers(layer) if isinstance(layer, nn.Sequential) else []
    return {
        "kind": type(layer).__name__,
        "words": models.describe(layer),
        "options": {name: getattr(layer, name) for name in getattr(layer, "__constants__", ())},
        "arrays": {} if inner else {name: array(value) for name, value in layer.state_dict().items()},
        "layers": inner,
    }


def array(value: Tensor) -> NDArray[np.float64]:
    return value.detach().double().contiguous().numpy()
