"""How far apart two right computations of a network may be, because each rounds: a bound for every number.

A running error analysis (N. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.3): beside every
value of the two passes goes a bound of its error, `d` and the value's name. A sum adds its terms' errors and UNIT of
their sizes, so that a small number that large ones leave has a large bound. Weights, inputs and targets are exact.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .network import Array, Network
from .propagation import ACTIVATIONS, LOSSES, SLOPES, forward, quiet, samples

UNIT = 2.0**-48  # a spreadsheet's: Calc and Excel call a difference 0 that is below about this part of its terms


class Rounding(NamedTuple):
    """forward: as propagation.units, (samples, 2 · units). loss: (o + 1,). gradient: (n,)."""

    forward: Array
    loss: Array
    gradient: Array


class Layer(NamedTuple):
    """The units of a layer and their bounds: (samples, units) each."""

    z: Array
    a: Array
    dz: Array
    da: Array


class Output(NamedTuple):
    """The bounds of E_k and of dE/dz, from the output layer and the targets."""

    errors: Callable[[Layer, Array], Array]
    delta: Callable[[Layer, Array], Array]


@quiet
def bounds(network: Network, weights: Array, inputs: Array, targets: Array) -> Rounding:
    """The bounds for weights (n,), inputs (samples, i), targets (samples, o). Raises NetworkError as gradient does."""
    inputs, targets = samples(network, inputs, targets)
    layers = forward_bounds(network, weights, inputs)
    losses = OUTPUTS[network.output, network.loss].errors(layers[-1], targets).mean(axis=0)
    pairs = [np.stack([layer.dz, layer.da], axis=-1).reshape(len(inputs), -1) for layer in layers[1:]]
    gradient = backward_bounds(network, weights, layers, targets)
    return Rounding(np.concatenate(pairs, axis=-1), np.append(losses, losses.sum()), gradient)


def forward_bounds(network: Network, weights: Array, inputs: Array) -> list[Layer]:
    """The inputs, which are exact, then every layer."""
    found, exact = forward(network, weights, inputs), np.zeros_like(inputs)
    layers = [Layer(inputs, inputs, exact, exact)]
    for (w, b), activation, z, a in zip(
        network.unpack(weights), network.activations, found.z, found.a[1:], strict=True
    ):
        dz = sum_bound(layers[-1].a, layers[-1].da, w.T) + (0 if b is None else UNIT * abs(b))
        layers.append(Layer(z, a, dz, moved(activation, z, dz) + UNIT * abs(a)))
    return layers


def backward_bounds(network: Network, weights: Array, layers: list[Layer], targets: Array) -> Array:
    """Those of dE/dw and dE/db, (n,)."""
    w, row = [w for w, _ in network.unpack(weights)], np.empty(network.weight_count)
    output, kind = layers[-1], (network.output, network.loss)
    delta = LOSSES[kind].delta(output.a, targets) / len(targets)
    off = OUTPUTS[kind].delta(output, targets) / len(targets)
    for at, (dw, db) in reversed(list(enumerate(network.unpack(row)))):
        before, rounded = layers[at], off + UNIT * abs(delta)
        dw[...] = rounded.T @ (abs(before.a) + before.da) + abs(delta).T @ before.da
        if db is not None:
            db[...] = rounded.sum(axis=0) if network.bias == "bias" else rounded.sum()
        if at:
            back, steep = delta @ w[at], slope(network.hidden, before)
            off = product_bound(back, sum_bound(delta, off, w[at]), steep, STEEPNESS[network.hidden](before))
            delta = back * steep
    return row


def moved(activation: str, z: Array, by: Array) -> Array:
    """How far a unit's value may move when z moves by at most `by`: none but softmax's falls as its z rises."""
    function = ACTIVATIONS[activation]
    if activation == "softmax":
        by = function(z) * np.expm1(2 * by.max(axis=-1, keepdims=True))
        return np.where(by < 1, by, 1.0)
    return np.maximum(function(z + by) - function(z), function(z) - function(z - by))


def slope(unit: str, layer: Layer) -> Array:
    return np.asarray(SLOPES[unit](layer.a), dtype=float)


# The bound of a slope. ReLU's may be 0 or 1 where z may lie on either side of 0.
STEEPNESS: dict[str, Callable[[Layer], Array]] = {
    "sigmoid": lambda at: at.da + UNIT,
    "tanh": lambda at: 2 * at.da + UNIT,
    "relu": lambda at: (abs(at.z) <= at.dz).astype(float),
    "linear": lambda at: np.zeros_like(at.a),
}


def product_bound(x: Array, dx: Array, y: Array, dy: Array) -> Array:
    """The bound of x · y, place by place."""
    return abs(x) * dy + dx * (abs(y) + dy) + UNIT * abs(x * y)


def sum_bound(x: Array, dx: Array, y: Array) -> Array:
    """The bound of the matrix product x @ y of an exact y."""
    return (dx + UNIT * abs(x)) @ abs(y)


def half_squared(unit: str) -> Output:
    """a − t is off by what a is off by; where it is 0 in a spreadsheet, it is less than that."""
    return Output(
        lambda at, t: product_bound(at.a - t, at.da, at.a - t, at.da) / 2,
        lambda at, t: product_bound(at.a - t, at.da, slope(unit, at), STEEPNESS[unit](at)),
    )


def softmax_errors(at: Layer, t: Array) -> Array:
    """Those of t · (ln Σ e^z − z), where both z are less the largest."""
    largest = abs(at.z).max(axis=-1, keepdims=True) + 1
    off: Array = t * (2 * at.dz.max(axis=-1, keepdims=True) + UNIT * (abs(at.z) + largest))
    return off


OUTPUTS = {(unit, "half-squared"): half_squared(unit) for unit in SLOPES} | {
    ("sigmoid", "cross-entropy"): Output(lambda at, t: at.dz + UNIT * (1 + abs(at.z)), lambda at, t: at.da),
    ("softmax", "cross-entropy"): Output(softmax_errors, lambda at, t: at.da * t.sum(axis=-1, keepdims=True)),
}
