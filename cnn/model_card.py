"""The card of a trained network: what it is, how it was trained, what it reaches and is not for, in Markdown.

Its head is what model collections read (huggingface.co/docs/hub/model-cards).
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cnn import __version__
from cnn.runs.config import read_config
from cnn.runs.processes import train_command
from cnn.runs.settings import DATASETS, check_settings, words
from cnn.training import TrainingState

CARD = """---
library_name: pytorch
pipeline_tag: image-classification
datasets:
- {dataset}
---

# {model}, trained on {dataset}

A convolutional network of {parameters:,} parameters that says which of {classes} classes a grey picture of 28 × 28
pixels shows. Made by Backprop {version} on {date}.

## Figures

| | |
|---|---|
| {part} accuracy | {accuracy:.2f} % of {count:,} images |
| {part} loss (cross-entropy) | {loss:.4f} |
| most often mistaken | {mistaken} |

They are the last epoch's, measured once it was over; nothing was chosen by them. `python start.py evaluate` measures
them anew, `confusion.csv` and `classes.csv` have them by class.

## Training

{epochs} epoch{plural} of {train_images:,} images: {images}.

    {command}

trains it again: the same weights on the same machine with as many threads ({threads}).{parent}

## Use

`weights.safetensors` holds the weights; `config.json` and `layers.csv` describe the network. A pixel p from 0 (ground)
to 255 (ink) goes in as (p / 255 − {mean:.6g}) / {deviation:.6g}:

    from pathlib import Path
    from cnn import predict
    trained = predict.load(Path("{folder}"))
    probabilities = trained.probabilities(pixels)  # of a tensor (n, 28, 28): (n, {classes})

It knows these {classes} classes only: whatever the picture, it names one, and may be sure of it. It was measured
on pictures made as those it learnt from: others, and other people's, it knows less well.
"""


def write(training: TrainingState, folder: Path, counts: Sequence[Sequence[int]]) -> bytes:
    """The card of a network that has been trained, with its confusion matrix `counts`, rows the true classes."""
    images, last, parent = training.images, training.epochs[-1], read_config(folder).get("parent")
    known = {
        **training.facts,
        "plural": "s" * (training.settings["epochs"] > 1),
        "version": __version__,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "classes": len(images.classes),
        "part": images.part,
        "count": len(images.test),
        "accuracy": 100 * last[f"{images.part}_accuracy"],
        "loss": last[f"{images.part}_loss"],
        "mistaken": mistaken(counts, images.classes),
        "images": DATASETS[images.name],
        "command": command(training.settings, parent, training.ranks.count),
        "parent": f" It began with the weights of {parent}." if parent else "",
        "mean": images.mean,
        "deviation": images.deviation,
        "folder": folder.name,
    }
    return CARD.format(**known).encode()


def command(settings: dict[str, Any], parent: str | None, processes: int) -> str:
    """What to type for the same training: every setting that is not the default of its recipe."""
    defaults = check_settings({"recipe": settings["recipe"]})
    others = {name: value for name, value in settings.items() if parent or value != defaults[name]}
    more = ["--more", str(others.pop("epochs")), parent] if parent else []
    return shlex.join([*train_command(processes), *more, *words(others)])


def mistaken(counts: Sequence[Sequence[int]], classes: Sequence[str]) -> str:
    """The three commonest mistakes: 4 for 9 (5 times)."""
    pairs = [(n, true, taken) for true, row in enumerate(counts) for taken, n in enumerate(row) if n and true != taken]
    worst = sorted(pairs, key=lambda pair: (-pair[0], *pair[1:]))[:3]
    return ", ".join(f"{classes[true]} for {classes[taken]} ({n} times)" for n, true, taken in worst) or "none"
