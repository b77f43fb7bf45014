"""The analytic gradient beside central differences of the loss, which know nothing of the chain rule."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .network import Array, Network
from .propagation import forward, gradient, loss, quiet

STEP, LEAST = 1e-5, 1e-10
TOLERANCE = 1e-6
SMALLEST = 1e-8
CURVATURE = 3  # of tolerance, times the square of the move
ACTIVATION, LOSS = 3, 3  # operations: 1 / (1 + e^−z) has three, no loss has more
KINKED, CURVED = ("relu",), ("sigmoid", "tanh", "softmax")
FAR, STRAIGHT = 0.1, 1e-3  # a move of z; bend / rise of a loss that is straight
PIECE = 1_000_000

Row = tuple[float, float, float, str]


class Differences(NamedTuple):
    """For each weight, (n,): the central difference; how far the loss bends; whether the steps cross a kink; how far
    they carry z, the farthest of the curved units'.
    """

    numeric: Array
    bend: Array
    kink: NDArray[np.bool_]
    move: Array


@quiet
def check(network: Network, weights: Array, inputs: Array, targets: Array) -> list[Row]:
    """A row per weight: analytic, numeric, relative difference, verdict. Raises NetworkError as gradient does.

    numeric is (E(w + h) − E(w − h)) / 2h with the h of step_sizes, the relative difference is
    |analytic − numeric| / max(|analytic|, |numeric|, 1e-8). PASS: it is below 1e-6 (tolerance), or the two differ by
    less than the numeric one is exact (noise, 2e-10 for 2-2-2: else a nearly finished descent, whose gradient is as
    small, would fail). KINK: the steps carry a ReLU unit's z over 0, where the loss has no derivative; or the two
    differ and the steps are too long to say anything, as before weights of millions: they carry the z of a unit that is
    curved by more than 0.1, and the loss bends. FAIL: all else.
    """
    weights = np.asarray(weights, dtype=float)
    analytic = gradient(network, weights, inputs, targets)
    steps = step_sizes(network, weights, inputs)
    numeric, bend, kink, move = central_differences(network, weights, inputs, targets, steps)
    difference = abs(analytic - numeric)
    relative = difference / np.maximum(np.maximum(abs(analytic), abs(numeric)), SMALLEST)
    total = loss(network, weights, inputs, targets)[-1]
    exact, rise = noise(rounding(network, len(inputs)), total, weights, numeric, steps), abs(numeric) * steps
    agrees, far = (relative < tolerance(move)) | (difference < exact), (move > FAR) & (bend > STRAIGHT * rise)
    verdict = np.where(kink, "KINK", np.where(agrees, "PASS", np.where(far, "KINK", "FAIL")))
    return list(zip(analytic.tolist(), numeric.tolist(), relative.tolist(), verdict.tolist(), strict=True))


def tolerance(move: Array | float) -> Array:
    """How large a relative difference passes: 1e-6, and more where the steps carry a z far.

    A central difference is off by h²·E‴/6. The step is short for the weight's own z; but where large weights follow, it
    carries a later unit's by `move`, which is seen without the chain rule, and what a curved unit makes of that is off
    by about move² / 6, a product of several by some times as much.
    """
    return TOLERANCE + CURVATURE * np.square(np.minimum(move, FAR))


def noise(rounding: float, total: float, weights: Array, numeric: Array, steps: Array) -> Array:
    """How exact a central difference is, (n,): what the loss may be off by, over h.

    A pass that rounds is an exact one of weights that are off by their last digits (backward error). So a loss is off
    by rounding · (max(1, E_total) + Σ |w · dE/dw|), of which the sum counts where large numbers leave a small one. Its
    derivatives are the numeric ones, as the chain rule is what is to be checked.
    """
    off: Array = rounding * (np.maximum(1, total) + abs(weights * numeric).sum()) / steps
    return off


def rounding(network: Network, samples: int) -> float:
    """How far off a loss may be, in parts of the numbers that it is made of (noise).

    Every operation on the way through the network rounds by at most ε/2: a unit's product, the sum of as many as the
    layer before has, its bias and its activation; then the loss, its sum over the outputs and the mean of the samples.
    """
    before, after = network.sizes[:-1], network.sizes[1:]
    operations = sum(before) + len(after) * (1 + ACTIVATION) + LOSS + after[-1] + samples
    return float(operations * np.finfo(float).eps / 2)


def step_sizes(network: Network, weights: Array, inputs: Array) -> Array:
    """h = 1e-5 · ∛max(1, |w|·c) / c, but at least 1e-10 · |w|; c is the largest number that w carries, or 1: (n,).

    So a step of z = w·c is as long for an input in thousands as for one of 1. A central difference loses the square of
    that length, and by rounding ε·|z| over it: together least at ∛(ε·|z|) (Press et al., Numerical Recipes, 3rd ed.,
    section 5.7). In 1e-10 of w there are six digits.
    """
    carried = np.ones(network.weight_count)
    for (w, _), sources in zip(network.unpack(carried), forward(network, weights, inputs).a, strict=False):
        w[...] = np.maximum(1, abs(sources).max(axis=0))
    z = abs(weights) * carried
    steps: Array = np.maximum(STEP * np.maximum(1, z) ** (1 / 3), LEAST * z) / carried
    return steps


def central_differences(network: Network, weights: Array, inputs: Array, targets: Array, sizes: Array) -> Differences:
    """By steps of these sizes, (n,). A group of the weights at a time: the step of each is a whole row of weights."""
    numbers, numeric, bend, kink, move = np.arange(weights.size), [], [], [], []
    total = loss(network, weights, inputs, targets)[-1]
    for group in np.array_split(numbers, 1 + weights.size**2 // PIECE):
        steps = np.where(numbers == group[:, None], sizes, 0)
        below, above = weights - steps, weights + steps
        lower, upper = (loss(network, moved, inputs, targets)[:, -1] for moved in (below, above))
        numeric.append((upper - lower) / (2 * steps.sum(axis=-1)))
        bend.append(abs((upper - total) - (total - lower)))
        before, here, after = (forward(network, moved, inputs).z for moved in (below, weights, above))
        signs = [np.sign(units(network, z, KINKED)) for z in (before, here, after)]
        kink.append(((signs[0] != signs[1]) | (signs[1] != signs[2])).any(axis=(-2, -1)))
        moves = abs(units(network, after, CURVED) - units(network, before, CURVED)) / 2
        move.append(moves.max(axis=(-2, -1), initial=0))
    return Differences(*map(np.concatenate, (numeric, bend, kink, move)))


def units(network: Network, z: list[Array], activations: tuple[str, ...]) -> Array:
    """The z of the units that have one of these activations: (..., samples, units)."""
    chosen = [layer for layer, name in zip(z, network.activations, strict=True) if name in activations]
    return np.concatenate([z[0][..., :0], *chosen], axis=-1)
