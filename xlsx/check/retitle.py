"""Columns whose titles mislead: "error o1" may be E1, or the error that o1 sends back, which is dE/do1."""

from __future__ import annotations

from collections import Counter

from .conventions import numeric_factor, truth_of
from .evidence import Evidence
from .givens import rename
from .headers import quantity
from .model import Model, Place
from .names import BACKWARD, DELTA, LOSS, WEIGHT
from .needs import computed, helper_names, most_needed, need
from .neighbours import strays
from .trees import Tree, leaves
from .truth import Truth
from .unnamed import Helper, place_of, unnamed


def retitle(model: Model, number: int, truth: Truth, held: set[str]) -> bool:
    """Name anew the columns whose title misleads: "error o1" is E1, but dE/do1 where what reads it needs that."""
    block, changed = model.found.blocks[number], False
    for name in [each for each in block.lines if LOSS.fullmatch(each) or BACKWARD.fullmatch(each)]:
        own = model.formula(number, name, 0)
        if own is not None and computed(truth, own, [name]):
            continue
        wanted = [each for each in helper_names(truth.network) if each not in held]
        means = computed(truth, own, wanted) if own else pasted_as(Evidence(model, number), truth, name, wanted)
        other = better_name(model, number, name, means, wanted)
        if other and other != name:
            rename(model, number, name, other)
            model.forget()
            held, changed = held - {name} | {other}, True
    return changed


def pasted_as(evidence: Evidence, truth: Truth, name: str, wanted: list[str]) -> str | None:
    """The other quantity of its unit that numbers under the title of a loss are: "err 1" may be a_o1 − t1."""
    if name == "E_total" or name[0] != "E" or numeric_factor(evidence, truth, name) is not None:
        return None
    others = [each for each in (f"dE/da_o{name[1:]}", f"dE/do{name[1:]}") if each in wanted]
    return next((each for each in others if numeric_factor(evidence.read_as(name, each), truth, each)), None)


def has_rival(model: Model, number: int, name: str) -> bool:
    """Whether another column of the same title computes what it says."""
    block, truth = model.found.blocks[number], truth_of(model, number)
    places = [
        place_of(block, Helper(block.sheet.name, line), 0)
        for line, title in unnamed(model, block).items()
        if quantity(title) == name
    ]
    return any(computed(truth, model.formula_at(place, number), [name]) for place in places)


def better_name(model: Model, number: int, name: str, own: str | None, wanted: list[str]) -> str | None:
    """What most readers need a column to be; else what it computes, where a loss would not be that or be read so."""
    read = readings(model, number, name, [name, *wanted])
    votes = Counter(filter(None, read.values()))
    needs, is_slope = most_needed(votes), own and name[0] == "E" and own[:2] == "dE"
    alone = is_slope and votes.total() == 1  # a single reader may itself be the wrong one
    if needs and (not alone or is_stray(model, number, name, own)):
        return needs
    if own and has_rival(model, number, name):
        return own
    return own if is_slope and (DELTA.fullmatch(own) or is_no_loss(model, number, name, read)) else needs


def is_stray(model: Model, number: int, name: str, own: str) -> bool:
    """Whether the other columns of a title, "error 1" and "error 3", compute another kind than its own."""
    block, truth = model.found.blocks[number], truth_of(model, number)
    titles = {each: block.titles.get(each, each) for each in block.lines}
    wanted = helper_names(truth.network)
    means = {each: computed(truth, model.formula(number, each, 0), wanted) for each in titles if each != name}
    return strays(name, own, titles, {each: found for each, found in means.items() if found})


def is_no_loss(model: Model, number: int, name: str, read: dict[str, str | None]) -> bool:
    """Whether a column titled as a loss is used as none: no total reads it, but a derivative, or it says "error"."""
    title = model.found.blocks[number].titles.get(name, "")
    total = any("E_total" in block.lines for block in model.found.blocks) and name != "E_total"
    other = total or "err" in title.lower() or any(reader[0] == "d" for reader in read)
    return other and "E_total" not in read


def readings(model: Model, number: int, name: str, wanted: list[str]) -> dict[str, str | None]:
    """{column: what it needs} of those whose formula reads a column; None where that is no quantity."""
    own, read = model.found.blocks[number], {}
    for at, block in enumerate(model.found.blocks):
        truth = truth_of(model, at) if len(block.steps) == len(own.steps) else None
        for reader in block.lines if truth else ():
            step = min(1, len(block.steps) - 1) if WEIGHT.fullmatch(reader) else 0
            leaf = leaf_of(model, at, reader, step, (own.sheet.name, *own.position(name, step)), name)
            tree = model.formula(at, reader, step)
            if leaf:
                read[reader] = need(truth, reader, tree, leaf, wanted)
    return read


def leaf_of(model: Model, number: int, reader: str, step: int, place: Place, name: str) -> Tree | None:
    """The leaf by which a formula reads a cell, of a name or as a cell of another table."""
    block, tree = model.found.blocks[number], model.formula(number, reader, step)
    if tree is None:
        return None
    where = (block.sheet.name, *block.position(reader, step))
    if not any(place in model.places(ref, where) for ref in model.parse(where).references):
        return None
    return next((leaf for leaf in leaves(tree) if leaf == ("name", name, 0) or leaf[2:3] == (place,)), None)
