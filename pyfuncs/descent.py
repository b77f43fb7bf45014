"""Gradient descent, w ← w − learning_rate · dE_total/dw: one update, a history, a sweep over learning rates.

weights (n,), inputs (samples, i), targets (samples, o). Several samples are one batch, updated together. Row 0 of every
result is the start. `optimizer` is a text such as `adam 0.9 0.999 1e-8` (pyfuncs.optimizers); its state begins at zero
and is carried from update to update. A descent that diverges goes on as inf and nan, without a warning. Raises
NetworkError where something does not fit the network, for a wrong optimizer, and for a history too long to hold.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from . import optimizers, rounding
from .network import Array, Network, NetworkError
from .propagation import backpropagate, gradient, loss, quiet, samples, units

MAX_NUMBERS = 20_000_000
PIECE = 1_000_000
LAST_DIGIT = 1e-15  # of max(1, |w|)
PARTED = 1e-12  # a thousand last digits: from there on each update may multiply the difference again
UNKNOWN = 1e-10  # what rounding may make of the first E_total already, as a bound, which is mostly a hundred times it


@quiet
def step(network: Network, weights: Array, inputs: Array, targets: Array, learning_rate: float) -> Array:
    """The weights after one plain update: (n,)."""
    inputs, targets = samples(network, inputs, targets)
    now, count = network.fitting(weights).copy(), network.learned_count
    gradient = np.empty(now.shape)
    backpropagate(network, network.unpack(now), inputs, targets, network.unpack(gradient))
    learned = now[:count]
    learned -= learning_rate * gradient[:count]
    return now


@quiet
def history(
    network: Network,
    weights: Array,
    inputs: Array,
    targets: Array,
    learning_rate: float | Array,
    epochs: int,
    optimizer: str = "sgd",
) -> Array:
    """The weights before each update and after the last: (epochs + 1, n), or (epochs + 1, rates, n) for (rates,).

    With several rates the start may be one for all, or one for each: (rates, n).
    """
    direction = optimizers.parse(optimizer).start()
    inputs, targets = samples(network, inputs, targets)
    rates = np.asarray(learning_rate, dtype=float)[..., None]
    table = room(epochs + 1, *rates.shape[:-1], network.weight_count)
    table[0] = network.fitting(weights)
    now, gradient, count = table[0].copy(), np.empty(table[0].shape), network.learned_count
    layers, gradients = network.unpack(now), network.unpack(gradient)
    learned, slopes = now[..., :count], gradient[..., :count]
    for row in table[1:]:  # layers and learned are views of now, gradients and slopes of gradient
        backpropagate(network, layers, inputs, targets, gradients)
        learned -= rates * direction(slopes)
        row[:] = now
    moved = table[..., :count]
    moved[~np.isfinite(moved).all(axis=-1)] = (
        np.nan
    )  # it has diverged: the 0 or 1 that a unit makes of inf is no result
    return table


def sweep(
    network: Network,
    weights: Array,
    inputs: Array,
    targets: Array,
    learning_rates: Array,
    epochs: int,
    optimizer: str = "sgd",
) -> Array:
    """E_total before each update and after the last: (epochs + 1, rates), all rates in one pass."""
    table = history(network, weights, inputs, targets, np.ravel(learning_rates), epochs, optimizer)
    return np.concatenate([loss(network, piece, inputs, targets)[..., -1] for piece in pieces(network, table, inputs)])


@quiet
def chaotic_from(
    network: Network,
    weights: Array,
    inputs: Array,
    targets: Array,
    learning_rates: Array,
    epochs: int,
    optimizer: str = "sgd",
) -> NDArray[np.intp]:
    """The first epoch whose E_total the last digits of the weights decide, for each rate: (rates,).

    That is where descents which start a last digit apart have parted by more than PARTED · max(1, E_total); epoch 0
    where rounding may carry the first E_total by more than UNKNOWN · max(1, E_total); epochs + 1 where neither is so.
    """
    start, rates = network.fitting(weights), np.ravel(learning_rates)
    last_digit = LAST_DIGIT * np.maximum(1, np.abs(start))
    starts = np.vstack([start, start + nudges(network.weight_count) * last_digit])
    every = np.repeat(starts, len(rates), axis=0), inputs, targets, np.tile(rates, len(starts))
    losses = sweep(network, *every, epochs, optimizer).reshape(-1, len(starts), len(rates))
    path, others = losses[:, :1], losses[:, 1:]
    parted = np.abs(others - path) > PARTED * np.maximum(1, np.abs(path))
    apart = (parted | (np.isfinite(path) != np.isfinite(others))).any(axis=1)
    apart[0] |= rounding.bounds(network, start, inputs, targets).loss[-1] > UNKNOWN * np.maximum(1, abs(path[0, 0]))
    return np.where(apart.any(axis=0), apart.argmax(axis=0), epochs + 1)


def nudges(count: int) -> Array:
    """Directions of a change of the weights: (3, count) signs."""
    at = np.arange(count)
    return np.array([np.ones(count), 1.0 - 2 * (at % 2), 1.0 - 2 * (at // 2 % 2)])


def train_table(
    network: Network,
    weights: Array,
    inputs: Array,
    targets: Array,
    learning_rate: float,
    epochs: int,
    optimizer: str = "sgd",
) -> Array:
    """A row for each state: (epochs + 1, columns).

    One sample gives the columns of network.headers("train"): t i w b, units, E, gradients. A batch has no units of its
    own: w b, E (the mean), gradients.
    """
    table = history(network, weights, inputs, targets, learning_rate, epochs, optimizer)
    return np.concatenate([states(network, piece, inputs, targets) for piece in pieces(network, table, inputs)])


def states(network: Network, weights: Array, inputs: Array, targets: Array) -> Array:
    """The rows of a train table for weights (rows, n), evaluated together."""
    errors = [loss(network, weights, inputs, targets), gradient(network, weights, inputs, targets)]
    if len(inputs) > 1:
        return np.concatenate([weights, *errors], axis=-1)
    sample = np.concatenate([*targets, *inputs])
    sample = np.broadcast_to(sample, (len(weights), len(sample)))
    return np.concatenate([sample, weights, units(network, weights, inputs)[:, 0], *errors], axis=-1)


def pieces(network: Network, table: Array, inputs: Array) -> list[Array]:
    """A history in pieces of rows: the values of all units for all samples need not be held at once."""
    numbers = table.size // network.weight_count * len(inputs) * sum(network.sizes)
    return np.array_split(table, min(len(table), 1 + numbers // PIECE))


def room(*shape: int) -> Array:
    """An array to fill. Limited, because a system that runs out of memory ends the process without a word."""
    numbers = math.prod(shape)
    if numbers > MAX_NUMBERS:
        raise NetworkError(f"{numbers:,} weights to keep, {MAX_NUMBERS:,} at most; take fewer epochs or learning rates")
    return np.empty(shape)
