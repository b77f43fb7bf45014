"""What an optimizer text such as `momentum 0.9` or `adam 0.9 0.999 1e-8` says, and the direction that each rule gives.

An update is w ← w − learning_rate · direction. A rule is made anew for each descent, so that its state begins at zero;
it takes dE_total/dw of any shape, epoch after epoch. Momentum is that of torch.optim.SGD (without dampening), Adam that
of Kingma and Ba, Adam: A Method for Stochastic Optimization (2015), algorithm 1, and of torch.optim.Adam.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .network import Array, NetworkError, unknown

Direction = Callable[[Array], Array]


def sgd() -> Direction:
    """Plain gradient descent: the gradient itself."""
    return lambda gradient: gradient


def momentum(beta: float) -> Direction:
    """v ← β v + dE/dw: the direction is v, which remembers the gradients before."""
    v: Array | float = 0.0

    def direction(gradient: Array) -> Array:
        nonlocal v
        v = beta * v + gradient
        return v

    return direction


def adam(beta1: float, beta2: float, epsilon: float) -> Direction:
    """m ← β1 m + (1 − β1) dE/dw and v ← β2 v + (1 − β2) (dE/dw)², each divided by 1 − β^epoch for its start at zero.

    The direction is m̂ / (√v̂ + ε).
    """
    m: Array | float = 0.0
    v: Array | float = 0.0
    epoch = 0

    def direction(gradient: Array) -> Array:
        nonlocal m, v, epoch
        epoch += 1
        m = beta1 * m + (1 - beta1) * gradient
        v = beta2 * v + (1 - beta2) * gradient * gradient
        v = np.where(np.isinf(v), np.nan, v)  # too large a number has no root, and no step of 0 follows from it
        return m / (1 - beta1**epoch) / (np.sqrt(v / (1 - beta2**epoch)) + epsilon)

    return direction


class Setting(NamedTuple):
    """One number of an optimizer text."""

    name: str
    default: float
    fits: Callable[[float], bool]
    allowed: str


def decay(name: str, default: float) -> Setting:
    return Setting(name, default, lambda number: 0 <= number < 1, "from 0 to below 1")


EPSILON = Setting("epsilon", 1e-8, lambda number: 0 < number < 1, "above 0 and below 1")
RULES: dict[str, Callable[..., Direction]] = {"sgd": sgd, "momentum": momentum, "adam": adam}
SETTINGS = {
    "sgd": (),
    "momentum": (decay("beta", 0.9),),
    "adam": (decay("beta1", 0.9), decay("beta2", 0.999), EPSILON),
}


class Optimizer(NamedTuple):
    """A rule and the numbers in its text, those left out at their defaults: ("adam", (0.9, 0.999, 1e-8))."""

    name: str
    numbers: tuple[float, ...]

    def start(self) -> Direction:
        """The rule with its state at zero."""
        return RULES[self.name](*self.numbers)


def parse(text: str) -> Optimizer:
    """The optimizer that a text describes, in any case. Raises NetworkError."""
    name, *words = text.lower().split() or [""]
    if name not in RULES:
        raise NetworkError(unknown("optimizer", text, RULES))
    settings = SETTINGS[name]
    if len(words) > len(settings):
        taken = " ".join(each.name for each in settings) or "no numbers"
        raise NetworkError(f'"{text[:60]}" is too long: {name} takes {taken}')
    given = [number(name, *pair) for pair in zip(words, settings, strict=False)]
    return Optimizer(name, (*given, *(each.default for each in settings[len(given) :])))


def number(name: str, word: str, setting: Setting) -> float:
    try:
        value = float(word)
    except ValueError:
        wrong = f'{name}: {setting.name} is "{word[:60]}", but must be a number such as {setting.default:g}'
        raise NetworkError(wrong) from None
    if not setting.fits(value):
        raise NetworkError(f"{name}: {setting.name} is {value:g}, but must be {setting.allowed}")
    return value
