"""How a formula over names relates to its quantity: equal up to a factor, an update at a rate, or neither."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .names import UPDATED
from .trees import NotUnderstood, Tree, evaluate
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
    with np.errstate(all="ignore"):
        value = evaluate(tree, lambda node: leaf_value(node, lambda key: env[key] if key in env else strange(key)))
        return np.broadcast_to(np.asarray(value, dtype=float), (POINTS,))


def at_first_point(truth: Truth, tree: Tree) -> float:
    """The value at the first point alone, much sooner. Raises NotUnderstood. Use it under np.errstate."""
    env = first_point(truth)
    value = evaluate(
        tree, lambda node: leaf_value(node, lambda key: env[key] if key in env else float(strange(key)[0]))
    )
    return float(value)


@lru_cache(maxsize=64)
def first_point(truth: Truth) -> dict[tuple[str, int], float]:
    return {key: float(values[0]) for key, values in truth.env().items()}


def leaf_value(node: Tree, named: Callable[[tuple[str, int]], np.ndarray | float]) -> np.ndarray | float | list:
    """The value of a leaf, where `named` gives those of quantities. Raises NotUnderstood."""
    kind = node[0]
    if kind == "name":
        return named((node[1], node[2]))
    if kind == "inline":
        return evaluate(node[1], lambda inner: leaf_value(inner, named))
    if kind == "area":
        return [leaf_value(each, named) for each in node[1]]
    if kind in ("const", "foreign", "blank", "number"):
        return node[1]
    raise NotUnderstood(f"the text in {node[2][1:]}" if kind == "text cell" else kind)


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
    with np.errstate(all="ignore"):
        return of_values(truth, name, value)


def of_values(truth: Truth, name: str, value: np.ndarray) -> Relation:
    """The relation of numbers at the points to a quantity."""
    env = truth.env()
    if (weight := re.search(r"[wb]\d+$", name)) and (weight[0], 0) not in env:
        return Relation("unknown", why=name)
    if found := UPDATED.fullmatch(name):
        row, own = (0 if found[1] else -1), found[2]
        return as_update(env[own, row] - value, env[f"dE/d{own}", row], env["learning_rate", 0])
    if name.startswith("change "):
        return as_update(value, env[f"dE/d{name[7:]}", 0], env["learning_rate", 0])
    if (name, 0) not in env:
        return Relation("unknown", why=name)
    ratio = constant(shares(value, env[name, 0]))
    return Relation("factor", ratio) if ratio is not None else DIFFERS


def as_update(moved: np.ndarray, slope: np.ndarray, rates: np.ndarray) -> Relation:
    rate, share = constant(shares(moved, slope), absolute=True), constant(shares(moved, slope * rates))
    if rate is not None:
        return Relation("rate", rate)
    return Relation("named rate", share) if share is not None else DIFFERS


def shares(value: np.ndarray, due: np.ndarray) -> np.ndarray:
    """value/due, without the points at which both are 0, as a ReLU that is off makes them."""
    off = (due == 0) & (value == 0)
    return value / due if off.all() or not off.any() else value[~off] / due[~off]


def constant(ratio: np.ndarray, absolute: bool = False) -> float | None:
    """The number that a ratio is at all points, or None."""
    values = sorted(ratio.tolist())
    if not all(map(math.isfinite, values)):
        return None
    middle, spread = values[len(values) // 2], values[-1] - values[0]
    if spread <= PRECISION * abs(middle) or (absolute and spread <= 1e-11):
        return 0.0 if absolute and abs(middle) < 1e-11 else clean(middle)
    return None


def clean(value: float) -> float:
    """Without the last digits, which rounding errors fill."""
    return float(f"{value:.9g}")
