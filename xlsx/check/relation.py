"""How a formula over names relates to its quantity: equal up to a factor, an update at a rate, or neither."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .formula import NotUnderstood, Tree, evaluate
from .truth import POINTS, Truth

PRECISION = 1e-8


class Relation(NamedTuple):
    """`kind` is "factor" (the right value times `value`), "rate" (an update at the rate `value`), "named rate" (an
    update at the row's own learning rate), "differs", or "unknown" with what was not understood in `why`."""

    kind: str
    value: float = 0.0
    why: str = ""


DIFFERS = Relation("differs")


def at_points(truth: Truth, tree: Tree) -> np.ndarray:
    """A tree's values at the points of the truth: (POINTS,). Raises NotUnderstood."""
    env = truth.env()

    def leaf(node: Tree) -> np.ndarray | float | list:
        kind = node[0]
        if kind == "name":
            key = (node[1], node[2])
            return env[key] if key in env else strange(key)
        if kind == "inline":
            return evaluate(node[1], leaf)
        if kind == "area":
            return [leaf(each) for each in node[1]]
        if kind in ("const", "foreign", "blank", "number"):
            return node[1]
        raise NotUnderstood(f"the text in {node[2][1:]}" if kind == "text cell" else kind)

    with np.errstate(all="ignore"):
        return np.broadcast_to(np.asarray(evaluate(tree, leaf), dtype=float), (POINTS,))


@lru_cache(maxsize=4096)
def strange(key: tuple) -> np.ndarray:
    """Numbers for a row that a right formula does not read: like no other."""
    seed = sum(at * ord(letter) for at, letter in enumerate(f"{key[0]} {key[1]}", 1))
    return np.random.default_rng(1000 + seed).uniform(0.1, 0.9, POINTS)


@lru_cache(maxsize=50_000)
def relation(truth: Truth, name: str, tree: Tree) -> Relation:
    """The relation of a cell's formula to its quantity, in a row after the first."""
    try:
        value = at_points(truth, tree)
    except NotUnderstood as error:
        return Relation("unknown", why=str(error))
    if not np.isfinite(value).all():
        return DIFFERS
    env = truth.env()
    if (weight := re.search(r"w\d+$", name)) and (weight[0], 0) not in env:
        return Relation("unknown", why=name)
    if name.startswith("new w"):
        return as_update(env[name[4:], 0] - value, env[f"dE/d{name[4:]}", 0], env["learning_rate", 0])
    if name.startswith("w"):
        return as_update(env[name, -1] - value, env[f"dE/d{name}", -1], env["learning_rate", 0])
    if name.startswith("change w"):
        found = as_update(value, env[f"dE/d{name[7:]}", 0], env["learning_rate", 0])
        return found if found.kind != "rate" else Relation("rate", found.value)
    if (name, 0) not in env:
        return Relation("unknown", why=name)
    ratio = constant(value / env[name, 0])
    return Relation("factor", ratio) if ratio is not None else DIFFERS


def as_update(moved: np.ndarray, slope: np.ndarray, rates: np.ndarray) -> Relation:
    with np.errstate(all="ignore"):
        rate, share = constant(moved / slope, absolute=True), constant(moved / slope / rates)
    if rate is not None:
        return Relation("rate", rate)
    return Relation("named rate", share) if share is not None else DIFFERS


def constant(ratio: np.ndarray, absolute: bool = False) -> float | None:
    """The number that a ratio is at all points, or None."""
    if not np.isfinite(ratio).all():
        return None
    middle = float(np.median(ratio))
    spread = float(np.ptp(ratio))
    if spread <= PRECISION * abs(middle) or (absolute and spread <= 1e-11):
        return 0.0 if absolute and abs(middle) < 1e-11 else clean(middle)
    return None


def clean(value: float) -> float:
    """Without the last digits, which rounding errors fill."""
    return float(f"{value:.9g}")
