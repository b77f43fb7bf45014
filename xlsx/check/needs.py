"""What a cell has to hold for the formulas that read it to be right: it tells what a column is meant to be."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import numpy as np

from pyfuncs.network import Network

from .names import BACKWARD, UPDATED
from .relation import at_points, constant, shares
from .trees import NotUnderstood, Tree, leaves, replaced
from .truth import Truth

# By what a column may differ from its quantity: an E without the ½, a delta of the other sign; all else is exact.
FREE = (
    (re.compile(r"E\d"), (1.0, 2.0)),
    (re.compile(r"dE/d[ho]\d+"), (1.0, -1.0, 2.0, -2.0, 0.5, -0.5)),
    (re.compile(r"dE/da_[ho]\d+"), (1.0, -1.0)),
)
LEAST_POINTS = 3


def quantity_of(truth: Truth, values: np.ndarray, wanted: Iterable[str]) -> str | None:
    """The first quantity that has these values at the points."""
    return next((name for name in wanted if factor(truth, values, name) is not None), None)


def factor(truth: Truth, values: np.ndarray, name: str) -> float | None:
    """By what values at the points differ from a quantity; None where it is more than a learner may choose."""
    env = truth.env()
    there = ~np.isnan(values)
    if (name, 0) not in env or not np.isfinite(values[there]).all() or sum(there) < LEAST_POINTS:
        return None
    with np.errstate(all="ignore"):
        ratio = constant(shares(values[there], env[name, 0][there]))
    return ratio if ratio in next((factors for names, factors in FREE if names.fullmatch(name)), (1.0,)) else None


def needed(truth: Truth, name: str, tree: Tree, leaf: Tree, sign: float = 1.0) -> np.ndarray | None:
    """What a leaf must be at the points for a formula to be its quantity; None where it has no share in that.

    It is nan at the points of a ReLU that is off, where the formula and its quantity are 0 whatever the leaf is.
    """
    due = truth.env().get((name, 0))
    if due is None or leaf not in leaves(tree):
        return None
    try:
        with np.errstate(all="ignore"):
            none, one, two = (with_number(truth, tree, leaf, number) for number in (0.0, 1.0, 2.0))
            share = one - none
            off = (share == 0) & (sign * due == none)
            found = np.where(off, np.nan, (sign * due - none) / np.where(off, 1.0, share))
    except NotUnderstood:
        return None
    straight = np.abs(two - one - share) <= 1e-9 * np.abs(share)
    return found if straight.all() and np.isfinite(found[~off]).all() and sum(~off) >= LEAST_POINTS else None


def with_number(truth: Truth, tree: Tree, leaf: Tree, number: float) -> np.ndarray:
    """The values of a formula at the points, with a number for a leaf. Raises NotUnderstood."""
    return at_points(truth, replaced(tree, lambda node: ("number", number) if node == leaf else node))


def updated_by(truth: Truth, name: str, tree: Tree, leaf: Tree) -> str | None:
    """The gradient that a leaf must be where an update subtracts some number of times that leaf from its own weight."""
    found = UPDATED.fullmatch(name)
    if not found:
        return None
    try:
        rest, whole = (with_number(truth, tree, leaf, number) for number in (0.0, 1.0))
        rate = constant(rest - whole)
        same = np.allclose(rest, truth.env()[found[2], 0 if found[1] else -1], rtol=1e-9)
    except (NotUnderstood, KeyError):
        return None
    return f"dE/d{found[2]}" if same and rate not in (None, 0.0, 1.0, -1.0) else None


def most_needed(votes: Counter) -> str | None:
    """What more than half of the formulas need, of those that need a quantity."""
    (name, count), *_ = votes.most_common(1) or [(None, 0)]
    return name if 2 * count > votes.total() else None


def need(truth: Truth, name: str, tree: Tree, leaf: Tree, wanted: list[str]) -> str | None:
    """The quantity that a leaf must be for a formula to be right."""
    for sign in (1.0, -1.0) if BACKWARD.fullmatch(name) else (1.0,):
        values = needed(truth, name, tree, leaf, sign)
        if values is not None and (found := quantity_of(truth, values, wanted)):
            return found
    return updated_by(truth, name, tree, leaf)


def computed(truth: Truth, tree: Tree | None, wanted: list[str]) -> str | None:
    """The first quantity that a formula computes."""
    if tree is None or not any(leaf[0] in ("name", "inline", "area") for leaf in leaves(tree)):
        return None
    try:
        return quantity_of(truth, at_points(truth, tree), wanted)
    except NotUnderstood:
        return None


def helper_names(network: Network) -> list[str]:
    """The quantities that a column may hold under another title; dE/dh1 before dE/db1, which has the same numbers."""
    hidden, outputs = network.layer_units
    units = [*hidden, *outputs]
    made = [*network.unit_names, *network.loss_names, *[f"dE/d{unit}" for unit in units], *network.gradient_names]
    return [*made, *[f"da_{unit}/d{unit}" for unit in units], *[f"dE/da_{unit}" for unit in units]]
