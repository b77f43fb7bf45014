"""From layers to steps: BatchNorm folded into what stands before it, so that a step is one formula a cell.

A kind of layer that is not in FOLDS, or an option that a formula does not follow, is named and nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xlsx.unfold.trained import Array, Layer

CONVOLUTION, DEPTHWISE, LARGEST, MEAN, LINEAR = "convolution", "depthwise", "largest", "mean", "linear"
OPTIONS: dict[str, set[Any]] = {  # what a formula follows only so
    "dilation": {1, (1, 1)},
    "padding_mode": {"zeros"},
    "kernel_size": {2, (2, 2)},
    "affine": {True},
    "value": {0.0},
}
FREE = {("Conv2d", "kernel_size")}  # and what it follows in any way


class UnknownLayer(ValueError):
    """A layer that no formula is known for."""


@dataclass
class Step:
    """What one sheet computes from the maps before it, a formula a cell: ReLU(residual + bias + window · kernel).

    `weight` is (after, before, rows, columns), of a depthwise one (channels, 1, rows, columns); of the largest of 2×2
    places, which BatchNorm may follow, `weight` and `bias` are a factor and a shift (channels,). `crop` pixels at each
    edge of what comes in are left out; `back` steps before stands what is added (0: nothing). `parameters` are as
    trained: BatchNorm has a factor and a shift a channel, which here are in kernel and bias.
    """

    kind: str
    words: list[str]
    weight: Array | None = None
    bias: Array | None = None
    stride: int = 1
    padding: int = 0
    crop: int = 0
    relu: bool = False
    back: int = 0
    parameters: int = 0

    @property
    def title(self) -> str:
        return " · ".join(self.words)


@dataclass
class Folding:
    """The steps so far, and the edge that the next one leaves out."""

    steps: list[Step] = field(default_factory=list)
    crop: int = 0

    def add(self, step: Step) -> None:
        step.crop, self.crop = self.crop, 0
        self.steps.append(step)


def fold(layers: tuple[Layer, ...]) -> list[Step]:
    """The steps of a network. Raises UnknownLayer, which names the layer."""
    folding = Folding()
    for layer in layers:
        fold_one(folding, layer)
    return folding.steps


def fold_one(folding: Folding, layer: Layer) -> None:
    for name, value in layer.options.items():
        if name in OPTIONS and (layer.kind, name) not in FREE and value not in OPTIONS[name]:
            raise UnknownLayer(f"{layer.words} has {name} {value}: there are no formulas for that")
    if layer.kind not in FOLDS:
        raise UnknownLayer(f"{layer.words} is a kind of layer without formulas ({layer.kind}); there are: {known()}")
    FOLDS[layer.kind](folding, layer)


def known() -> str:
    return ", ".join(FOLDS)


def count(layer: Layer) -> int:
    """Of the arrays that are learnt."""
    return sum(array.size for name, array in layer.arrays.items() if name in ("weight", "bias"))


def convolution(folding: Folding, layer: Layer) -> None:
    weight, groups = layer.arrays["weight"], layer.options["groups"]
    if groups not in (1, len(weight)) or (groups > 1 and weight.shape[1] > 1):
        raise UnknownLayer(f"{layer.words} has {groups} groups: there are formulas for one, and for one a channel")
    if len(set(layer.options["stride"])) > 1 or len(set(layer.options["padding"])) > 1:
        raise UnknownLayer(f"{layer.words} differs in rows and columns: there are no formulas for that")
    step = Step(CONVOLUTION if groups == 1 else DEPTHWISE, [layer.words], weight, parameters=count(layer))
    step.bias = layer.arrays.get("bias", np.zeros(len(weight)))
    step.stride, step.padding = layer.options["stride"][0], layer.options["padding"][0]
    folding.add(step)


def pointwise(folding: Folding, layer: Layer) -> None:
    weight = layer.arrays["weight"][:, :, np.newaxis, np.newaxis]
    folding.add(Step(CONVOLUTION, [layer.words], weight, np.zeros(len(weight)), parameters=count(layer)))


def places(folding: Folding, layer: Layer) -> None:
    """(places, channels), the places of a square row by row: a depthwise convolution as large as what comes in."""
    weight = layer.arrays["weight"].T
    edge = round(weight.shape[1] ** 0.5)
    kernels = weight.reshape(-1, 1, edge, edge)
    folding.add(Step(DEPTHWISE, [layer.words], kernels, np.zeros(len(weight)), parameters=count(layer)))


def largest(folding: Folding, layer: Layer) -> None:
    if layer.options["padding"] or layer.options["stride"] != 2 or layer.options["ceil_mode"]:
        raise UnknownLayer(f"{layer.words} is not the largest of 2×2 places: there are no formulas for another")
    folding.add(Step(LARGEST, ["largest of 2×2"]))


def mean(folding: Folding, layer: Layer) -> None:
    folding.add(Step(MEAN, ["mean over all places"]))


def linear(folding: Folding, layer: Layer) -> None:
    """(after, before): what comes in, of whatever shape, is read channel by channel, row by row."""
    weight = layer.arrays["weight"]
    bias = layer.arrays.get("bias", np.zeros(len(weight)))
    folding.add(Step(LINEAR, [layer.words], weight, bias, parameters=count(layer)))


def batch_norm(folding: Folding, layer: Layer) -> None:
    """y = (x − mean) / √(variance + eps) · weight + bias, with the running mean and variance: a factor and a shift.

    Behind the largest of 2×2 it stays there: a factor below 0 would make it the smallest.
    """
    arrays, step = layer.arrays, folding.steps[-1]
    factor = arrays["weight"] / np.sqrt(arrays["running_var"] + layer.options["eps"])
    shift = arrays["bias"] - arrays["running_mean"] * factor
    if step.relu or step.kind == MEAN or (step.kind == LARGEST and step.weight is not None):
        raise UnknownLayer(f"{layer.words} follows {step.title}: there are no formulas for that")
    if step.weight is None or step.bias is None:
        step.weight, step.bias = factor, shift
    else:
        step.weight = step.weight * factor.reshape(-1, *[1] * (step.weight.ndim - 1))
        step.bias = step.bias * factor + shift
    step.words.append("BatchNorm")
    step.parameters += count(layer)


def relu(folding: Folding, layer: Layer) -> None:
    folding.steps[-1].relu = True
    folding.steps[-1].words.append("ReLU")


def residual(folding: Folding, layer: Layer) -> None:
    before = len(folding.steps)
    for inner in layer.layers:
        fold_one(folding, inner)
    last = folding.steps[-1]
    last.back, last.relu = len(folding.steps) - before, True
    last.words.append(layer.words)


def crop(folding: Folding, layer: Layer) -> None:
    edges = set(layer.options["padding"])
    if len(edges) > 1 or max(edges) > 0 or any(step.kind for step in folding.steps):
        raise UnknownLayer(f"{layer.words} is no edge of the image left out: there are no formulas for that")
    folding.crop = -max(edges)


def nothing(folding: Folding, layer: Layer) -> None:
    """What only acts while a network learns, or only changes a shape."""


FOLDS: dict[str, Callable[[Folding, Layer], None]] = {
    "Conv2d": convolution,
    "Pointwise": pointwise,
    "Places": places,
    "MaxPool2d": largest,
    "Mean": mean,
    "Linear": linear,
    "BatchNorm1d": batch_norm,
    "BatchNorm2d": batch_norm,
    "ReLU": relu,
    "Residual": residual,
    "ZeroPad2d": crop,
    "Dropout2d": nothing,
    "Flatten": nothing,
}
