"""Named starting points, and an example start for every other network."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .network import Network, NetworkError, unknown

Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Preset:
    """A network's text, inputs and targets (a row per sample), weights (n,), learning rate, and where they are from."""

    network: str
    inputs: Rows
    targets: Rows
    weights: tuple[float, ...]
    learning_rate: float = 0.5
    source: str = ""


COURSE = (0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55)
SEED = (0.12, 0.23, 0.34, 0.27, 0.56, 0.39, 0.45, 0.62)
MIXED = (0.3, 0.5, -0.2, 0.7, 0.1, -0.6, 0.3, -0.9)
XOR = (0.9, 0.6, 0.3, 0.7, 0.9, -1.0)

# By name; the first that fits a network is its default.
PRESETS = {
    "course": Preset("2-2-2", ((0.05, 0.1),), ((0.01, 0.99),), COURSE, source="Mazur's example without its biases"),
    "seed": Preset("2-2-2", ((0.02, 0.04),), ((0.3, 0.4),), SEED, source="small inputs, targets of 0.3 and 0.4"),
    "half-targets": Preset("2-2-2", ((0.05, 0.1),), ((0.5, 0.5),), COURSE, source="course, with both targets 0.5"),
    "mixed-signs": Preset("2-2-2", ((0.05, 0.1),), ((0.01, 0.99),), MIXED, source="course, with weights of both signs"),
    "mazur": Preset(
        "2-2-2 fixed-bias",
        ((0.05, 0.1),),
        ((0.01, 0.99),),
        (*COURSE, 0.35, 0.6),
        source="Matt Mazur, A Step by Step Backpropagation Example (2015)",
    ),
    "xor": Preset(
        "2-2-1 bias",
        ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)),
        ((0.0,), (1.0,), (1.0,), (0.0,)),
        (*XOR, 0.0, 0.0, 0.0),
        learning_rate=2.0,
        source="XOR, as in Rumelhart, Hinton and Williams (1986); start of our own, below 0.01 after 736 updates",
    ),
}

GOLDEN_RATIO = (5**0.5 - 1) / 2


def starting_point(network: Network, preset: str | None = None) -> Preset:
    """The named preset, or the first that fits, or an example start; its network is the one given.

    A preset fits every network of its sizes and its kind of biases, whatever the units. Raises NetworkError for a name
    that is unknown or does not fit, and says which do.
    """
    fitting = {name: start for name, start in PRESETS.items() if fits(Network.parse(start.network), network)}
    if preset is None:
        return replace(next(iter(fitting.values()), example(network)), network=network.text)
    name = preset.strip().lower()
    if name not in PRESETS:
        raise NetworkError(unknown("preset", preset, PRESETS))
    if name not in fitting:
        fit = f"those that fit: {', '.join(fitting)}" if fitting else "none fits; leave it out for an example start"
        raise NetworkError(f'preset "{name}" is for {PRESETS[name].network}, not for {network.text}; {fit}')
    return replace(fitting[name], network=network.text)


def fits(one: Network, other: Network) -> bool:
    return (one.sizes, one.bias) == (other.sizes, other.bias)


def example(network: Network) -> Preset:
    """A start made up for a network: one sample, all numbers positive and distinct, so that no two units are alike and
    no ReLU unit is dead, and weights small enough that wide layers do not saturate. Softmax's target is class 1.
    """
    weights = np.array(spread(network.weight_count, 0.1, 0.6))
    for w, _ in network.unpack(weights):
        w *= min(1, 4 / w.shape[1])
    classes = tuple(float(number == 0) for number in range(network.sizes[-1]))
    return Preset(
        network.text,
        (spread(network.sizes[0], 0.05, 0.95),),
        (classes if network.output == "softmax" else spread(network.sizes[-1], 0.1, 0.9),),
        tuple(float(f"{weight:.6g}") for weight in weights),
        source="an example made up for this network",
    )


def spread(count: int, low: float, high: float) -> tuple[float, ...]:
    """Distinct numbers between low and high: multiples of the golden ratio, less their whole part, fill it evenly."""
    return tuple(round(low + (high - low) * (number * GOLDEN_RATIO % 1), 6) for number in range(1, count + 1))
