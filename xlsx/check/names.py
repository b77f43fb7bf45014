"""The kinds of quantities, told by their names, and the network that has them."""

from __future__ import annotations

import re
from collections.abc import Set

from pyfuncs.network import Network, NetworkError

INPUT = re.compile(r"[ti]\d+")  # inputs and targets: typed in, the same in all rows
STARTED = re.compile(r"[tiwb]\d+")  # what a descent starts from
GIVEN = re.compile(r"[ti]\d+|learning_rate|epoch")  # never computed
WEIGHT = re.compile(r"[wb]\d+")  # a weight or a bias
UPDATED = re.compile(r"(new )?([wb]\d+)")  # what an update computes; the weight is the second group
DELTA = re.compile(r"dE/d[ho]\d+")  # what a unit sends back
BACKWARD = re.compile(r"dE/d(?:a_)?[ho]\d+")  # what goes from the loss back to a unit's output or sum
LOSS = re.compile(r"E\d+|E_total")
SLOPE = re.compile(r"dE/d([wb]\d+)")  # what an update takes


def network_of(names: Set[str]) -> Network | None:
    """The network with these quantities; None where their numbers do not fit each other."""
    inputs, outputs = highest("i", names) or 2, max(highest("a?_?o", names), highest("t", names)) or 2
    weights, biases = (highest(rf"(?:new |change |dE/d)?{kind}", names) for kind in "wb")
    hidden = highest("a?_?h", names) or weights // (inputs + outputs) or 2
    kind = {hidden + outputs: "bias", 2: "fixed-bias", 0: "none"}.get(biases, "")
    try:
        network = Network((inputs, hidden, outputs), bias=kind)
    except NetworkError:
        return None
    return network if weights in (0, inputs * hidden + hidden * outputs) else None


def highest(prefix: str, names: Set[str]) -> int:
    found = [re.fullmatch(rf"{prefix}(\d+)", name) for name in names]
    return max((int(match[1]) for match in found if match), default=0)


def kind_of(name: str) -> str:
    """A quantity without its number: dE/do of dE/do1."""
    return re.sub(r"\d+", "", name)
