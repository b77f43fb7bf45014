"""The analytic gradient beside central differences of the loss, which know nothing of the chain rule."""

from __future__ import annotations

import numpy as np

from .network import Array, Network
from .propagation import forward, gradient, loss, quiet

STEP = 1e-5
TOLERANCE = 1e-6
SMALLEST = 1e-8
BENT, SHORT = 3, 0.1  # of tolerance: times the square of the bend, up to which part of the rise
ACTIVATION, LOSS = 3, 3  # operations: 1 / (1 + e^−z) has three, no loss has more
PIECE = 1_000_000

Row = tuple[float, float, float, str]


@quiet
def check(network: Network, weights: Array, inputs: Array, targets: Array) -> list[Row]:
    """A row per weight: analytic, numeric, relative difference, verdict. Raises NetworkError as gradient does.

    numeric is (E(w + h) − E(w − h)) / 2h with h = 1e-5 · max(1, |w|), the relative difference is
    |analytic − numeric| / max(|analytic|, |numeric|, 1e-8). PASS: it is below 1e-6 (tolerance), or the two differ by
    less than the numeric one is exact (rounding · max(1, E_total) / h, 2e-10 for 2-2-2: else a nearly finished descent,
    whose gradient is as small, would fail). KINK: the steps carry a ReLU unit's z over 0, where the loss has no
    derivative. FAIL: all else.
    """
    weights = np.asarray(weights, dtype=float)
    analytic = gradient(network, weights, inputs, targets)
    numeric, bend, kink = central_differences(network, weights, inputs, targets)
    difference = abs(analytic - numeric)
    relative = difference / np.maximum(np.maximum(abs(analytic), abs(numeric)), SMALLEST)
    size = np.maximum(1, loss(network, weights, inputs, targets)[-1])
    noise = rounding(network, len(inputs)) * size / step_sizes(weights)
    near = relative < tolerance(abs(numeric) * step_sizes(weights), bend)
    verdict = np.where(kink, "KINK", np.where(near | (difference < noise), "PASS", "FAIL"))
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


def rounding(network: Network, samples: int) -> float:
    """How far off a loss may be, in parts of max(1, E_total), where weights and units are numbers of about 1.

    Every operation on the way through the network rounds by at most ε/2: a unit's product, the sum of as many as the
    layer before has, its bias and its activation; then the loss, its sum over the outputs and the mean of the samples.
    """
    before, after = network.sizes[:-1], network.sizes[1:]
    operations = sum(before) + len(after) * (1 + ACTIVATION) + LOSS + after[-1] + samples
    return float(operations * np.finfo(float).eps / 2)


def step_sizes(weights: Array) -> Array:
    return STEP * np.maximum(1, abs(weights))


def central_differences(network: Network, weights: Array, inputs: Array, targets: Array) -> tuple[Array, Array, Array]:
    """For each weight the central difference, how far the loss bends, and whether the steps cross a kink: (n,) each.

    A group of the weights at a time, as the step of every single weight is a whole row of weights.
    """
    numbers, numeric, bend, kink = np.arange(weights.size), [], [], []
    total = loss(network, weights, inputs, targets)[-1]
    for group in np.array_split(numbers, 1 + weights.size**2 // PIECE):
        steps = np.where(numbers == group[:, None], step_sizes(weights), 0)
        below, above = weights - steps, weights + steps
        lower, upper = (loss(network, moved, inputs, targets)[:, -1] for moved in (below, above))
        numeric.append((upper - lower) / (2 * steps.sum(axis=-1)))
        bend.append(abs((upper - total) - (total - lower)))
        before, here, after = (relu_signs(network, moved, inputs) for moved in (below, weights, above))
        kink.append(((before != here) | (here != after)).any(axis=(-2, -1)))
    return np.concatenate(numeric), np.concatenate(bend), np.concatenate(kink)


def relu_signs(network: Network, weights: Array, inputs: Array) -> Array:
    """The sign of every ReLU unit's z: (..., samples, ReLU units)."""
    z = forward(network, weights, inputs).z
    relu = [np.sign(layer) for layer, name in zip(z, network.activations, strict=True) if name == "relu"]
    return np.concatenate([z[0][..., :0], *relu], axis=-1)
