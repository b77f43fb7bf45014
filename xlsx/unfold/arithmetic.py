"""The steps in float64, with numpy: what every formula's cell stores."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from xlsx.unfold.steps import CONVOLUTION, DEPTHWISE, LARGEST, LINEAR, MEAN, Step
from xlsx.unfold.trained import Array


def forward(steps: list[Step], normal: Array) -> list[Array]:
    """What goes in, (1, 28, 28), and what comes out of every step, (channels, height, width)."""
    maps = [normal]
    for step in steps:
        out = APPLIED[step.kind](step, maps[-1])
        out = out + maps[-step.back] if step.back else out
        maps.append(np.maximum(out, 0) if step.relu else out)
    return maps


def windows(step: Step, maps: Array) -> Array:
    """(channels, height, width, rows, columns): what each place of the next maps sees."""
    assert step.weight is not None
    edge = slice(step.crop, -step.crop or None)
    padded = np.pad(maps[:, edge, edge], ((0, 0), *[(step.padding, step.padding)] * 2))
    seen = sliding_window_view(padded, step.weight.shape[2:], (1, 2))
    return seen[:, :: step.stride, :: step.stride]


def convolution(step: Step, maps: Array) -> Array:
    assert step.weight is not None
    found: Array = np.tensordot(step.weight, windows(step, maps), ([1, 2, 3], [0, 3, 4]))
    return found + shift(step)


def depthwise(step: Step, maps: Array) -> Array:
    assert step.weight is not None
    found: Array = (windows(step, maps) * step.weight[:, 0, np.newaxis, np.newaxis]).sum((3, 4))
    return found + shift(step)


def largest(step: Step, maps: Array) -> Array:
    """An odd last row or column is left out, as PyTorch does."""
    height, width = maps.shape[1] // 2, maps.shape[2] // 2
    found: Array = maps[:, : 2 * height, : 2 * width].reshape(-1, height, 2, width, 2).max((2, 4))
    return found if step.weight is None else found * step.weight[:, np.newaxis, np.newaxis] + shift(step)


def mean(step: Step, maps: Array) -> Array:
    found: Array = maps.mean((1, 2), keepdims=True)
    return found


def linear(step: Step, maps: Array) -> Array:
    assert step.weight is not None
    return (step.weight @ maps.reshape(-1))[:, np.newaxis, np.newaxis] + shift(step)


def shift(step: Step) -> Array:
    assert step.bias is not None
    return step.bias[:, np.newaxis, np.newaxis]


APPLIED: dict[str, Callable[[Step, Array], Array]] = {
    CONVOLUTION: convolution,
    DEPTHWISE: depthwise,
    LARGEST: largest,
    MEAN: mean,
    LINEAR: linear,
}


def softmax(logits: Array) -> Array:
    powers = np.exp(logits - logits.max())
    found: Array = powers / powers.sum()
    return found
