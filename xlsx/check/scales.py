"""By what factors a learner's loss, gradients and the columns between differ from the exercise's, and rightly."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from dataclasses import replace
from itertools import chain

import numpy as np

from .conventions import SLOPE_SCALES, estimated_rate, factor_of, sample
from .evidence import Evidence
from .headers import plain
from .names import LOSS, SLOPE, kind_of
from .needs import factor, needed
from .truth import Scales, Truth

WAY = ("dE/da_o", "dE/do", "dE/da_h", "dE/dh")
ERROR_SCALES, TOTAL_SCALES = (1.0, 2.0), (1.0, 0.5)


def choose_scales(evidence: Evidence, truth: Truth) -> Truth:
    """The scales of the learner's loss and gradients. Where they contradict each other, the exercise's are meant."""
    error = vote(evidence, truth, r"E\d+", ERROR_SCALES)
    truth = helper_scales(evidence, replace(truth, scales=Scales(error)))
    total = vote(evidence, truth, r"E_total", TOTAL_SCALES if "E1" in evidence.trees else (1.0, 2.0, 0.5))
    kinds = truth.scales.kinds
    slope = vote(evidence, truth, r"dE/d(?:w|a_|h|o)\d*\w*", SLOPE_SCALES, dict(kinds))
    if included := included_rate(evidence, truth):
        return replace(truth, scales=Scales(error, total, error * total, included / (error * total), kinds))
    loss = error * total
    has_loss = any(LOSS.fullmatch(name) for name in evidence.trees)
    has_slopes = any(SLOPE.fullmatch(name) for name in evidence.trees)
    if slope < 0 and not adds(evidence, replace(truth, scales=Scales(error, total, slope, kinds=kinds))):
        slope = -slope
    if has_loss and has_slopes and abs(slope) != loss:
        if loss == 1:
            slope = np.sign(slope)
        elif abs(slope) == 1:
            error, total = 1.0, 1.0
        else:
            error, total, slope = 1.0, 1.0, np.sign(slope)
    elif not has_loss and has_slopes:
        error = abs(slope)
    return replace(truth, scales=Scales(error, total, float(slope), kinds=kinds))


def helper_scales(evidence: Evidence, truth: Truth) -> Truth:
    """The truth with the scales of the columns on the way to the gradients, which a learner may write as t − a_o.

    What reads a column tells its scale, from the gradients back; its own formula, where that is right, tells better.
    """
    columns = {kind: [name for name in evidence.trees if re.fullmatch(rf"{kind}\d+", name)] for kind in WAY}
    for kind, names in reversed(columns.items()):
        truth = with_scale(truth, kind, most_allowed(chain(*(factors_read(evidence, truth, name) for name in names))))
    for kind, names in columns.items():
        read, bare = dict(truth.scales.kinds).get(kind), with_scale(truth, kind, None)
        own = most_allowed(factor_of(evidence, bare, name) for name in names)
        if any(is_loose(evidence, name) for name in names):
            truth = with_scale(truth, kind, own if own is not None else read)
        else:  # the title asks for dE/do1: the other sign is one only if those who read the column mean it so, too
            truth = with_scale(truth, kind, own if own == read == -1 else None)
    return truth


def with_scale(truth: Truth, kind: str, scale: float | None) -> Truth:
    kinds = {name: other for name, other in truth.scales.kinds if name != kind}
    if scale is not None:
        kinds[kind] = scale
    return replace(truth, scales=truth.scales._replace(kinds=tuple(kinds.items())))


def factors_read(evidence: Evidence, truth: Truth, name: str) -> Iterator[float | None]:
    """By what the formulas that read a column take it to differ from its quantity."""
    for reader in evidence.trees:
        for tree in sample(evidence, reader)[:1]:
            values = needed(truth, reader, tree, ("name", name, 0))
            yield factor(truth, values, name) if values is not None else None


def most_allowed(factors: Iterable[float | None]) -> float | None:
    """The most frequent of the factors that a learner may choose."""
    votes = Counter(factor for factor in factors if factor in SLOPE_SCALES)
    return votes.most_common(1)[0][0] if votes else None


def included_rate(evidence: Evidence, truth: Truth) -> float | None:
    """The learning rate that columns titled dw1 or Δw1 hold as a factor: one for all, and taken whole by updates."""
    names = [name for name in evidence.trees if SLOPE.fullmatch(name)]
    if not names or not all(is_loose(evidence, name) for name in names):
        return None
    factors = {factor_of(evidence, truth, name) for name in names}
    new = [name for name in evidence.updates if name.startswith("new ")]
    updates = [factor_of(evidence, truth, name) for name in new or evidence.weights]
    if len(factors) != 1 or None in factors or not updates or any(rate is None or rate != 1 for rate in updates):
        return None
    included = factors.pop()
    return included if included != 1 else None


def is_loose(evidence: Evidence, name: str) -> bool:
    """Whether a derivative's title does not say it as one, as dw1, δ_o1 and −dE/do1; dE/dw1 does."""
    title = evidence.homes[name].titles.get(name, "/")
    return "/" not in plain(title) or title.strip().startswith(("-", "−", "–"))


def vote(
    evidence: Evidence, truth: Truth, names: str, allowed: tuple[float, ...], without: Container[str] = ()
) -> float:
    """The factor of most of some columns, or 1; kinds in `without` have no say."""
    voters = [name for name in evidence.trees if re.fullmatch(names, name) and kind_of(name) not in without]
    factors = [factor_of(evidence, truth, name) for name in voters]
    near = [choice for factor in factors if factor for choice in allowed if abs(factor / choice - 1) < 1e-6]
    if not near:
        return 1.0
    votes = Counter(near)
    return max(votes, key=lambda choice: (votes[choice], choice == 1))


def adds(evidence: Evidence, truth: Truth) -> bool:
    """Whether the updates go against negative gradients: w + learning_rate · (−dE/dw), which is right as a whole."""
    rates = [factor_of(evidence, truth, name) for name in evidence.updates]
    known = [rate for rate in rates if rate]
    if not known:
        estimate = estimated_rate(evidence, truth)
        known = [estimate] if estimate else []
    return bool(known) and sum(rate < 0 for rate in known) * 2 > len(known)
