"""Pictures as PNG: the mistakes of a network, its kernels, the learning curves of a run, the loss by learning rate."""

from __future__ import annotations

import io
import itertools
import math
from typing import Any

import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from cnn.data import DataSet

MOST_MISTAKES = 400
DOTS = 100  # an inch
COLORS = ("#1f6fb4", "#d1580f")  # apart for the colour-blind
ENLARGED = {"image": 3, "kernel": 16}  # times, point by point: a spreadsheet would blur what it enlarges itself


def png(figure: Figure) -> bytes:
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=DOTS)
    return content.getvalue()


def image(pixels: Tensor) -> bytes:
    """One image (height, width) of whole numbers from 0 to 255, black on white as on paper."""
    return enlarged(255 - pixels, ENLARGED["image"])


def kernel(weights: Tensor, largest: float) -> bytes:
    """A kernel (height, width): white is 0, the colours deepen to blue at `largest` and to orange at −`largest`."""
    share = (weights / largest).clamp(-1, 1).unsqueeze(2)
    blue, orange = (torch.tensor([int(color[at : at + 2], 16) for at in (1, 3, 5)]) for color in COLORS)
    return enlarged(255 + share.abs() * (torch.where(share > 0, blue, orange) - 255), ENLARGED["kernel"])


def enlarged(values: Tensor, times: int) -> bytes:
    """Grey (height, width) or colours (height, width, 3) from 0 to 255, each a square of `times` points."""
    content, drawn = io.BytesIO(), Image.fromarray(values.round().to(torch.uint8).numpy())
    drawn.resize((times * drawn.width, times * drawn.height), Image.Resampling.NEAREST).save(content, "PNG")
    return content.getvalue()


def mistakes(images: DataSet, predicted: Tensor) -> bytes:
    """The test images that were taken for something else, each titled true→predicted, in the set's own order."""
    wrong = (predicted != images.test.labels).nonzero().flatten()
    shown = wrong[:MOST_MISTAKES]
    columns = max(4, math.ceil(math.sqrt(1.6 * len(shown))))
    rows = max(1, math.ceil(len(shown) / columns))
    figure = Figure(figsize=(max(5.0, 0.62 * columns), 0.6 + 0.78 * rows))
    axes = figure.add_axes((0, 0, 1, rows * 0.78 / (0.6 + 0.78 * rows)))
    axes.axis("off")
    axes.set(xlim=(0, 36 * columns), ylim=(44 * rows, 0), aspect="equal")
    for place, index in enumerate(shown.tolist()):
        x, y = 36 * (place % columns) + 4, 44 * (place // columns) + 12
        axes.imshow(-images.test.images[index, 0].numpy(), cmap="gray", extent=(x, x + 28, y + 28, y))
        true, taken_for = (images.classes[int(found[index])] for found in (images.test.labels, predicted))
        axes.text(
            x + 14, y - 2, f"{true}→{taken_for}", ha="center", va="bottom", fontsize=min(7, 30 / len(true + taken_for))
        )
    axes.set(xlim=(0, 36 * columns), ylim=(44 * rows, 0))
    more = "" if len(shown) == len(wrong) else f", the first {len(shown)} of them"
    title = f"{images.name}, {images.part}: {len(wrong):,} of {len(predicted):,} wrong (true→predicted){more}"
    figure.suptitle(title, fontsize=9, y=1 - 0.12 / (0.6 + 0.78 * rows), va="top")
    return png(figure)


def curves(epochs: list[dict[str, Any]], part: str) -> bytes:
    """Loss, accuracy and learning rate by epoch."""
    figure = Figure(figsize=(11, 3.4), layout="constrained")
    for axes, quantity in zip(figure.subplots(1, 3), ("loss", "accuracy", "learning_rate"), strict=True):
        names = [quantity] if quantity == "learning_rate" else [f"train_{quantity}", f"{part}_{quantity}"]
        for name, color, marker in zip(names, COLORS, "os", strict=False):
            numbers = [line["epoch"] for line in epochs]
            values = [line[name] for line in epochs]
            axes.plot(numbers, values, color=color, marker=marker, markersize=3, label=name.replace("_", " "))
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        if quantity == "loss":
            axes.set_yscale("log")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    return png(figure)


def trials(rows: list[dict[str, Any]]) -> bytes:
    """The held-out accuracy of trials by their learning rate, a colour for each model; completed ones are filled."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    seen = [row for row in rows if row["validation_accuracy"] != ""]
    models = dict.fromkeys(row["model"] for row in seen)
    for model, color, marker in zip(models, itertools.cycle(COLORS), "os^D", strict=False):
        for done, filled in ((True, color), (False, "none")):
            kept = [row for row in seen if row["model"] == model and (row["state"] == "complete") == done]
            places = [[row[name] for row in kept] for name in ("learning_rate", "validation_accuracy")]
            axes.scatter(
                *places,
                edgecolors=color,
                facecolors=filled,
                marker=marker,
                label=model if done else f"{model}, cut short",
            )
    axes.set(xscale="log", xlabel="learning rate", ylabel="accuracy on held-out training images")
    axes.grid(alpha=0.3)
    if seen:
        axes.legend(fontsize=8)
    return png(figure)


def rates(found: list[tuple[float, float]], suggested: float) -> bytes:
    """The smoothed loss by learning rate, both on their usual scales, and the rate that is suggested."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(*zip(*found, strict=True), color=COLORS[0])
    axes.axvline(suggested, color=COLORS[1], linestyle="--", label=f"suggested: {suggested:.2g}")
    axes.set(xscale="log", xlabel="learning rate", ylabel="train loss, smoothed")
    axes.grid(alpha=0.3)
    axes.legend()
    return png(figure)
