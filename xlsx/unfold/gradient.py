"""The way back in float64, with numpy: the derivatives of the loss by everything that the steps compute.

d[k] is the derivative by what step k computes before its ReLU, d[0] that by the normalised image. The chain rule goes
from each step to the maps that it reads (BACK), and past a residual's layers as it is.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from xlsx.unfold.arithmetic import softmax
from xlsx.unfold.steps import CONVOLUTION, DEPTHWISE, LARGEST, LINEAR, MEAN, Step
from xlsx.unfold.trained import Array

TIE = 1e-9  # on blank paper all four places are equal, but for the order in which a program rounds


def backward(steps: list[Step], outs: list[Array], target: int) -> list[Array]:
    """d[0] … d[n] of the loss −ln p(target); `outs` as arithmetic.forward gives them."""
    logits = outs[-1].ravel()
    last = softmax(logits)
    last[target] -= 1
    found = [np.zeros_like(out) for out in outs]
    found[-1] = last.reshape(outs[-1].shape)
    for number in range(len(steps), 0, -1):
        step, before = steps[number - 1], number - 1
        if step.relu:
            found[number] = np.where(outs[number] > 0, found[number], 0.0)
        found[before] = found[before] + BACK[step.kind](step, outs[before], found[number])
        if step.back:
            found[number - step.back] = found[number - step.back] + found[number]
    return found


def kernel(step: Step, before: Array, after: Array) -> Array:
    """Every weight takes the derivative back to the place that it was laid on."""
    assert step.weight is not None
    many = step.kind == CONVOLUTION
    found = np.zeros((len(before), *(size + 2 * step.padding for size in before.shape[1:])))
    rows, columns = after.shape[1:]
    for i, j in np.ndindex(*step.weight.shape[2:]):
        part = np.tensordot(step.weight[:, :, i, j], after, (0, 0)) if many else step.weight[:, :1, i, j, None] * after
        y, x = (at + step.crop for at in (i, j))
        found[:, y : y + rows * step.stride : step.stride, x : x + columns * step.stride : step.stride] += part
    inside = slice(step.padding, -step.padding or None)
    return found[:, inside, inside]


def largest(step: Step, before: Array, after: Array) -> Array:
    """To the largest of 2×2 places; of several that are as large but for rounding, to the first."""
    found = np.zeros_like(before)
    factor = np.ones(len(before)) if step.weight is None else step.weight
    for channel, y, x in np.ndindex(*after.shape):
        window = before[channel, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2]
        i, j = divmod(int((window >= window.max() - TIE).argmax()), 2)
        found[channel, 2 * y + i, 2 * x + j] = after[channel, y, x] * factor[channel]
    return found


def mean(step: Step, before: Array, after: Array) -> Array:
    return np.broadcast_to(after / (before.shape[1] * before.shape[2]), before.shape).copy()


def linear(step: Step, before: Array, after: Array) -> Array:
    assert step.weight is not None
    return (after.ravel() @ step.weight).reshape(before.shape)


BACK: dict[str, Callable[[Step, Array, Array], Array]] = {
    CONVOLUTION: kernel,
    DEPTHWISE: kernel,
    LARGEST: largest,
    MEAN: mean,
    LINEAR: linear,
}
