"""The analytic gradient beside central differences of the loss, which know nothing of the chain rule."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .network import Array, Network
from .propagation import forward, gradient, loss, quiet

STEP = 1e-5
TOLERANCE = 1e-6
SMALLEST = 1e-8
BENT, SHORT = 3, 0.1  # of tolerance: times the square of the bend, up to which part of the rise
ACTIVATION, LOSS = 3, 3  # operations: 1 / (1 + e^−z) has three, no loss has more
KINKED, CURVED = ("relu",), ("sigmoid", "tanh", "softmax")
FAR, STRAIGHT = 0.1, 1e-3  # of z: there a central difference is off by FAR² / 6; bend / rise of a loss that is straight
PIECE = 1_000_000

Row = tuple[float, float, float, str]


class Differences(NamedTuple):
    """For each weight the central difference, how far the loss bends, if the steps cross a kink or go FAR: (n,)."""

    numeric: Array
    bend: Array
    kink: NDArray[np.bool_]
    far: NDArray[np.bool_]


@quiet
def check(network: Network, weights: Array, inputs: Array, targets: Array) -> list[Row]:
    """A row per weight: analytic, numeric, relative difference, verdict. Raises NetworkError as gradient does.

    numeric is (E(w + h) − E(w − h)) / 2h with h = 1e-5 · max(1, |w|), the relative difference is
    |analytic − numeric| / max(|analytic|, |numeric|, 1e-8). PASS: it is below 1e-6 (tolerance), or the two differ by
    less than the numeric one is exact (noise, 2e-10 for 2-2-2: else a nearly finished descent, whose gradient is as
    small, would fail). KINK: the steps carry a ReLU unit's z over 0, where the loss has no derivative; or the two
    differ and the steps are too long to say anything, as for weights of millions: they carry the z of a unit that is
    curved by more than 0.1, and the loss bends. FAIL: all else.
    """
    weights = np.asarray(weights, dtype=float)
    analytic = gradient(network, weights, inputs, targets)
    numeric, bend, kink, far = central_differences(network, weights, inputs, targets)
    difference = abs(analytic - numeric)
    relative = difference / np.maximum(np.maximum(abs(analytic), abs(numeric)), SMALLEST)
    total = loss(network, weights, inputs, targets)[-1]
    exact = noise(rounding(network, len(inputs)), total, weights, numeric, step_sizes(weights))
    rise = abs(numeric) * step_sizes(weights)
    agrees, bent = (relative < tolerance(rise, bend)) | (difference < exact), bend > STRAIGHT * rise
    verdict = np.where(kink, "KINK", np.where(agrees, "PASS", np.where(far & bent, "KINK", "FAIL")))
    return list(zip(analytic.tolist(), numeric.tolist(), relative.tolist(), verdict.tolist(), strict=True))


def tolerance(rise: Array | float, bend: Array | float) -> Array:
    """How large a relative difference passes: 1e-6, and more where the step is long for the loss.

    A central difference is off by h²·E‴/6. Where a weight multiplies a large number, as inputs in thousands or a ReLU
    unit without bounds, a step of 1e-5 carries z far, and that is more than 1e-6 of E′. How far the loss bends within a
    step is known without the chain rule: rise = |E(w + h) − E(w − h)| / 2 = h·|E′|, and
    bend = |E(w + h) − 2·E(w) + E(w − h)| = h²·|E″|. In a tail E‴/E″ is about E″/E′, so that the error is about
    (bend / rise)² / 6 of E′; a product of tails has some times as much. Near a minimum the bend is as large as the rise
    and says nothing of E‴: there 1e-6 stands.
    """
    short = bend < SHORT * rise
    bent = np.where(short, bend, 0) / np.where(short, rise, 1)
    return TOLERANCE + BENT * bent**2


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


def step_sizes(weights: Array) -> Array:
    return STEP * np.maximum(1, abs(weights))


def central_differences(network: Network, weights: Array, inputs: Array, targets: Array) -> Differences:
    """A group of the weights at a time, as the step of every single weight is a whole row of weights."""
    numbers, numeric, bend, kink, far = np.arange(weights.size), [], [], [], []
    total = loss(network, weights, inputs, targets)[-1]
    for group in np.array_split(numbers, 1 + weights.size**2 // PIECE):
        steps = np.where(numbers == group[:, None], step_sizes(weights), 0)
        below, above = weights - steps, weights + steps
        lower, upper = (loss(network, moved, inputs, targets)[:, -1] for moved in (below, above))
        numeric.append((upper - lower) / (2 * steps.sum(axis=-1)))
        bend.append(abs((upper - total) - (total - lower)))
        before, here, after = (forward(network, moved, inputs).z for moved in (below, weights, above))
        signs = [np.sign(units(network, z, KINKED)) for z in (before, here, after)]
        kink.append(((signs[0] != signs[1]) | (signs[1] != signs[2])).any(axis=(-2, -1)))
        moved_by = abs(units(network, after, CURVED) - units(network, before, CURVED)) / 2
        far.append((moved_by > FAR).any(axis=(-2, -1)))
    return Differences(*map(np.concatenate, (numeric, bend, kink, far)))


def units(network: Network, z: list[Array], activations: tuple[str, ...]) -> Array:
    """The z of the units that have one of these activations: (..., samples, units)."""
    chosen = [layer for layer, name in zip(z, network.activations, strict=True) if name in activations]
    return np.concatenate([z[0][..., :0], *chosen], axis=-1)
