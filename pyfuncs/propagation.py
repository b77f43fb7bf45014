"""The forward and the backward pass, for one row of weights or for many at once.

weights (..., n), inputs (samples, i), targets (samples, o), float64. Leading axes of the weights (epochs, learning
rates) lead every result. What overflows comes back as inf or nan, without a warning. Raises NetworkError where weights,
inputs or targets do not fit the network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .network import Layers, Network, NetworkError

ONE = np.ones(())  # numpy takes an array without axes twice as fast as the Python number 1

# Each unit's value a = f(z), and its slope f'(z) in terms of a; ReLU's slope at 0 is taken as 0. The sigmoid is not
# written as ½(1 + tanh ½z), which loses every digit of a value near 0.
ACTIVATIONS: dict[str, tuple[Callable, Callable]] = {
    "sigmoid": (lambda z: ONE / (ONE + np.exp(-z)), lambda a: a * (ONE - a)),
    "tanh": (np.tanh, lambda a: ONE - a * a),
    "relu": (lambda z: np.maximum(z, 0), lambda a: a > 0),
    "linear": (lambda z: z, np.ones_like),
}

quiet = np.errstate(all="ignore")


class Pass(NamedTuple):
    """z: the weighted sums, (..., samples, units) for each layer. a: the inputs, then the values of each layer."""

    z: list[np.ndarray]
    a: list[np.ndarray]


@quiet
def forward(network: Network, weights: np.ndarray, inputs: np.ndarray) -> Pass:
    """z = W a + b and a = f(z), layer by layer."""
    return propagate(network, network.unpack(weights), rows("inputs", inputs, network.sizes[0]))


@quiet
def units(network: Network, weights: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """Every unit's z and a, in the order of network.unit_names: (..., samples, 2 · units)."""
    z, (_, *a) = forward(network, weights, inputs)
    pairs = np.stack([np.concatenate(z, axis=-1), np.concatenate(a, axis=-1)], axis=-1)
    return pairs.reshape(*pairs.shape[:-2], -1)


def predict(network: Network, weights: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """The values of the output units: (..., samples, o)."""
    return forward(network, weights, inputs).a[-1]


@quiet
def loss(network: Network, weights: np.ndarray, inputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """E_k = ½(t_k − a_ok)², the mean over the samples, and their sum E_total: (..., o + 1)."""
    inputs, targets = samples(network, inputs, targets)
    errors = (0.5 * (targets - predict(network, weights, inputs)) ** 2).mean(axis=-2)
    return np.concatenate([errors, errors.sum(axis=-1, keepdims=True)], axis=-1)


@quiet
def gradient(network: Network, weights: np.ndarray, inputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """dE_total/dw and dE_total/db, in the order of the weights: (..., n).

    A fixed bias has its true derivative too, the sum over the units that share it, though no update uses it.
    """
    return backpropagate(network, network.unpack(weights), *samples(network, inputs, targets))


def propagate(network: Network, layers: Layers, inputs: np.ndarray) -> Pass:
    """The forward pass through unpacked layers."""
    z, a = [], [inputs]
    for (w, b), activation in zip(layers, network.activations, strict=True):
        weighted = a[-1] @ w.mT
        if b is not None:
            weighted = weighted + b[..., None, :]
        z.append(weighted)
        a.append(ACTIVATIONS[activation][0](weighted))
    return Pass(z, a)


def backpropagate(network: Network, layers: Layers, inputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The backward pass through unpacked layers, by the chain rule: a delta is dE_total/dz, (..., samples, units)."""
    a = propagate(network, layers, inputs).a
    output_slope, hidden_slope = ACTIVATIONS[network.output][1], ACTIVATIONS[network.hidden][1]
    deltas = [(a[-1] - targets) / len(targets) * output_slope(a[-1])]
    for (w, _), value in zip(layers[:0:-1], a[-2:0:-1], strict=True):
        deltas.insert(0, deltas[0] @ w * hidden_slope(value))
    gradients = [(delta.mT @ value, bias_gradient(network, delta)) for delta, value in zip(deltas, a[:-1], strict=True)]
    return network.pack(gradients)


def bias_gradient(network: Network, delta: np.ndarray) -> np.ndarray | None:
    """dE_total/db of a layer: (..., units), or (..., 1) where its units share one bias."""
    if network.bias == "none":
        return None
    return delta.sum(axis=-2) if network.bias == "bias" else delta.sum(axis=(-2, -1))[..., None]


def samples(network: Network, inputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (samples, i) and targets (samples, o), as many of one as of the other."""
    inputs, targets = rows("inputs", inputs, network.sizes[0]), rows("targets", targets, network.sizes[-1])
    if len(inputs) != len(targets):
        raise NetworkError(f"{len(inputs)} rows of inputs, but {len(targets)} of targets; each sample is a row of both")
    return inputs, targets


def rows(name: str, values: np.ndarray, columns: int) -> np.ndarray:
    """(samples, columns) float64. Checked, because numpy would stretch a single column over all outputs."""
    values = np.asarray(values, dtype=float)
    if values.ndim != 2 or values.shape[1] != columns or not len(values):
        raise NetworkError(f"{name} have the shape {values.shape}; due is a row of {columns} for each sample")
    return values
