"""A mistake as the report has it: one cause, with all the cells that it is in."""

from __future__ import annotations

from dataclasses import dataclass, field

from .model import Place


@dataclass
class Mistake:
    """One cause. `quantities` are the columns that make it, `cells` all the cells, `cell` the first of them."""

    kind: str
    quantities: list[str]
    cell: str
    cells: list[str]
    text: str
    formula: str | None = None
    reads: str | None = None
    should_read: str | None = None
    fix: str | None = None
    key: object = None
    row: int = 0
    places: list[Place] = field(default_factory=list)


def merged(mistakes: list[Mistake]) -> list[Mistake]:
    """Mistakes of the same kind with the same culprit, or the same change in neighbouring columns, are one."""
    together: dict[object, Mistake] = {}
    for mistake in mistakes:
        key = (mistake.kind, mistake.key, mistake.row) if mistake.key is not None else object()
        first = together.setdefault(key, mistake)
        if first is not mistake:
            first.quantities += [name for name in mistake.quantities if name not in first.quantities]
            first.cells += mistake.cells
            first.places += mistake.places
    for mistake in together.values():
        if mistake.kind == "no update" and len(mistake.quantities) > 1:
            mistake.text = mistake.text.replace(f"{mistake.quantities[0]} is", "the weights are").replace(
                "on it", "on each"
            )
    return list(together.values())
