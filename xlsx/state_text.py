"""The whole state of Network as one line of text: written by a formula, read by `python start.py build --state`.

`2-2-2; inputs 0.05 0.1; targets 0.01 0.99; weights 0.15 0.2 …; learning_rate 0.5; optimizer sgd`. "/" parts the
samples of a batch. Decimals have a point, whatever the language of the office that wrote the line.
"""

from __future__ import annotations

import math

import numpy as np

from pyfuncs import propagation
from pyfuncs.network import Network, NetworkError
from pyfuncs.presets import Preset

FIELDS = ("inputs", "targets", "weights", "learning_rate")
OPTIMIZERS = ("sgd", "momentum 0.9", "adam 0.9 0.999 1e-8")
SOURCE = "a state that was pasted"


def text(preset: Preset, optimizer: str = "sgd") -> str:
    """The line of a start."""
    rows = {"inputs": preset.inputs, "targets": preset.targets, "weights": (preset.weights,)}
    rows["learning_rate"] = ((preset.learning_rate,),)
    fields = (f"{name} {' / '.join(map(spaced, rows[name]))}" for name in FIELDS)
    return "; ".join([preset.network, *fields, f"optimizer {optimizer}"])


def spaced(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.15g}" for value in values)


def read(line: str) -> tuple[Preset, str]:
    """The start that a line describes, and its optimizer. Raises NetworkError, which says what is wrong with it."""
    network, *fields = (part.strip() for part in line.split(";"))
    described = Network.parse(network)
    found = dict(field.split(None, 1) for field in fields if len(field.split(None, 1)) == 2)
    if missing := [name for name in FIELDS if name not in found]:
        raise NetworkError(f"the state has no {missing[0]}; it must have {', '.join(FIELDS)}, each after a semicolon")
    inputs, targets = (rows(name, found[name], size) for name, size in sample_sizes(described).items())
    if len(inputs) != len(targets):
        raise NetworkError(f"the state has {len(inputs)} samples of inputs, but {len(targets)} of targets")
    propagation.samples(described, np.array(inputs), np.array(targets))
    ((*weights,),) = rows("weights", found["weights"], described.weight_count)
    ((rate,),) = rows("learning_rate", found["learning_rate"], 1)
    if rate <= 0:
        raise NetworkError(f"learning_rate in the state is {rate:g}; it must be above 0")
    return Preset(described.text, inputs, targets, tuple(weights), rate, SOURCE), optimizer(found)


def optimizer(found: dict[str, str]) -> str:
    """The optimizer of a line, one of those that the sheets lay out."""
    text = " ".join(found.get("optimizer", "sgd").split())
    if text not in OPTIMIZERS:
        raise NetworkError(f'the optimizer of the state is "{text[:40]}"; it must be one of: {", ".join(OPTIMIZERS)}')
    return text


def sample_sizes(network: Network) -> dict[str, int]:
    return {"inputs": network.sizes[0], "targets": network.sizes[-1]}


def rows(name: str, field: str, size: int) -> tuple[tuple[float, ...], ...]:
    """A row of `size` numbers per sample."""
    found = []
    for sample in field.split("/"):
        words = sample.split()
        if len(words) != size:
            raise NetworkError(f"{name} in the state: {len(words)} numbers where {size} are due")
        found.append(tuple(finite(name, word) for word in words))
    return tuple(found)


def finite(name: str, word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise NetworkError(f'{name} in the state: "{word[:40]}" is not a number')
    return value
