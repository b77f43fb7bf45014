"""The forward and the backward pass, for one row of weights or for many at once.

weights (..., n), inputs (samples, i), targets (samples, o), float64. Leading axes of the weights (epochs, learning
rates) lead every result. What overflows comes back as inf or nan, without a warning. Raises NetworkError where weights,
inputs or targets do not fit the network, or targets its loss.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .network import Array, Layers, Network, NetworkError

Function = Callable[[Array], Array]
Slope = Callable[[Array], Array | NDArray[np.bool_]]
ONE = np.ones(())  # numpy takes an array without axes twice as fast as the Python number 1


def softmax(z: Array) -> Array:
    """e^z / Σ e^z over the units of a layer. Less the largest z, which changes nothing, no power overflows."""
    powers = np.exp(z - z.max(axis=-1, keepdims=True))
    shares: Array = powers / powers.sum(axis=-1, keepdims=True)
    return shares


# Each unit's value a = f(z). The sigmoid is not written as ½(1 + tanh ½z), which loses every digit of a value near 0.
ACTIVATIONS: dict[str, Function] = {
    "sigmoid": lambda z: ONE / (ONE + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "linear": lambda z: z,
    "softmax": softmax,
}
# Each unit's slope f'(z) in terms of a; ReLU's at 0 is taken as 0. Softmax mixes the units of its layer: it has none of
# its own, only its loss's delta.
SLOPES: dict[str, Slope] = {
    "sigmoid": lambda a: a * (ONE - a),
    "tanh": lambda a: ONE - a * a,
    "relu": lambda a: a > 0,
    "linear": np.ones_like,
}


class Loss(NamedTuple):
    """errors: E_k of each output from z, a and t. delta: dE_total/dz of each output from a and t. For each sample."""

    errors: Callable[[Array, Array, Array], Array]
    delta: Callable[[Array, Array], Array]


def half_squared(slope: Slope) -> Loss:
    """E_k = ½(t_k − a_k)²."""
    return Loss(lambda z, a, t: 0.5 * (t - a) ** 2, lambda a, t: (a - t) * slope(a))


def binary_errors(z: Array, a: Array, t: Array) -> Array:
    """E_k = −t_k ln a_k − (1 − t_k) ln(1 − a_k), from z: −ln a = ln(1 + e^−z) keeps its digits where a is nearly 1."""
    return t * np.logaddexp(0, -z) + (1 - t) * np.logaddexp(0, z)


def softmax_errors(z: Array, a: Array, t: Array) -> Array:
    """E_k = −t_k ln a_k, from z: −ln a_k = ln Σ e^z − z_k, both less the largest z."""
    z = z - z.max(axis=-1, keepdims=True)
    return t * (np.logaddexp.reduce(z, axis=-1, keepdims=True) - z)


# By output unit and loss. Softmax's delta is a_k Σt − t_k: the a_k − t_k of textbooks where the targets add up to 1.
LOSSES = {(unit, "half-squared"): half_squared(slope) for unit, slope in SLOPES.items()} | {
    ("sigmoid", "cross-entropy"): Loss(binary_errors, lambda a, t: a - t),
    ("softmax", "cross-entropy"): Loss(softmax_errors, lambda a, t: a * t.sum(axis=-1, keepdims=True) - t),
}

quiet = np.errstate(all="ignore")


class Pass(NamedTuple):
    """z: the weighted sums, (..., samples, units) for each layer. a: the inputs, then the values of each layer."""

    z: list[Array]
    a: list[Array]


@quiet
def forward(network: Network, weights: Array, inputs: Array) -> Pass:
    """z = W a + b and a = f(z), layer by layer."""
    return propagate(network, network.unpack(weights), rows("inputs", inputs, network.sizes[0]))


@quiet
def units(network: Network, weights: Array, inputs: Array) -> Array:
    """Every unit's z and a, in the order of network.unit_names: (..., samples, 2 · units)."""
    z, (_, *a) = forward(network, weights, inputs)
    pairs = np.stack([np.concatenate(z, axis=-1), np.concatenate(a, axis=-1)], axis=-1)
    return pairs.reshape(*pairs.shape[:-2], -1)


def predict(network: Network, weights: Array, inputs: Array) -> Array:
    """The values of the output units: (..., samples, o)."""
    return forward(network, weights, inputs).a[-1]


@quiet
def loss(network: Network, weights: Array, inputs: Array, targets: Array) -> Array:
    """E_k of the network's loss, the mean over the samples, and their sum E_total: (..., o + 1)."""
    inputs, targets = samples(network, inputs, targets)
    z, a = forward(network, weights, inputs)
    errors = LOSSES[network.output, network.loss].errors(z[-1], a[-1], targets).mean(axis=-2)
    return np.concatenate([errors, errors.sum(axis=-1, keepdims=True)], axis=-1)


@quiet
def gradient(network: Network, weights: Array, inputs: Array, targets: Array) -> Array:
    """dE_total/dw and dE_total/db, in the order of the weights: (..., n).

    A fixed bias has its true derivative too, the sum over the units that share it, though no update uses it.
    """
    inputs, targets = samples(network, inputs, targets)
    layers = network.unpack(weights)
    row = np.empty(np.shape(weights))
    backpropagate(network, layers, inputs, targets, network.unpack(row))
    return row


def propagate(network: Network, layers: Layers, inputs: Array) -> Pass:
    """The forward pass through unpacked layers."""
    z, a, times = [], [inputs], product(layers)
    for (w, b), activation in zip(layers, network.activations, strict=True):
        weighted = times(a[-1], w.mT)
        if b is not None:
            weighted += b[..., None, :]
        z.append(weighted)
        a.append(ACTIVATIONS[activation](weighted))
    return Pass(z, a)


def backpropagate(network: Network, layers: Layers, inputs: Array, targets: Array, gradients: Layers) -> None:
    """The backward pass through unpacked layers, by the chain rule: a delta is dE_total/dz, (..., samples, units).

    dE_total/dw and dE_total/db are written into `gradients`, an unpacked row of their own.
    """
    a, times = propagate(network, layers, inputs).a, product(layers)
    slope = SLOPES[network.hidden]
    delta = LOSSES[network.output, network.loss].delta(a[-1], targets)
    if len(targets) > 1:
        delta = delta / len(targets)
    for layer in range(len(layers) - 1, -1, -1):
        dw, db = gradients[layer]
        times(delta.mT, a[layer], dw)
        if db is not None:
            db[...] = delta.sum(axis=-2) if network.bias == "bias" else delta.sum(axis=(-2, -1))[..., None]
        if layer:
            delta = times(delta, layers[layer][0]) * slope(a[layer])


def product(layers: Layers) -> Callable[..., Array]:
    """The matrix product for these layers: np.dot takes half as long, but knows no leading axes."""
    return np.dot if layers[0][0].ndim == 2 else np.matmul


def samples(network: Network, inputs: Array, targets: Array) -> tuple[Array, Array]:
    """Inputs (samples, i) and targets (samples, o), as many of one as of the other; for cross-entropy t is 0 to 1."""
    inputs, targets = rows("inputs", inputs, network.sizes[0]), rows("targets", targets, network.sizes[-1])
    if len(inputs) != len(targets):
        raise NetworkError(f"{len(inputs)} rows of inputs, but {len(targets)} of targets; each sample is a row of both")
    if network.loss == "cross-entropy" and not ((targets >= 0) & (targets <= 1)).all():
        raise NetworkError("cross-entropy compares probabilities: its targets must be 0 to 1")
    return inputs, targets


def rows(name: str, values: Array, columns: int) -> Array:
    """(samples, columns) float64. Checked, because numpy would stretch a single column over all outputs."""
    values = np.asarray(values, dtype=float)
    if values.ndim != 2 or values.shape[1] != columns or not len(values):
        raise NetworkError(f"{name} have the shape {values.shape}; due is a row of {columns} for each sample")
    return values
