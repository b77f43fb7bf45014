"""The runs of the user's folder as rows for the sheet Runs: all of them, and the ticked ones side by side.

Standard library only, and Python 3.9: it runs inside LibreOffice's own Python too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple, Union

from cnn import runs
from cnn.runs import listing
from cnn.runs.folder import called
from cnn.runs.settings import SETTINGS, SettingsError, check_settings
from xlsx.contract import MOST_COMPARED, MOST_EPOCHS, MOST_RUNS, NOTHING

APART = ("model", "dataset", "epochs", "device", "precision")  # settings that need no place among those that differ
Rows = Sequence[Sequence[Union[float, str]]]


class Shown(NamedTuple):
    """Rows to be written under the cells of a name, in place of what stands there, and a line for the status."""

    blocks: dict[str, Rows]
    status: str


def listed(ticked: Collection[str]) -> Shown:
    """A row per run, newest first; those that are ticked stay so."""
    folders = runs.list_runs()
    rows = [("x" if called(folder) in ticked else "", *row_of(folder)) for folder in folders[:MOST_RUNS]]
    place = runs.home() / "runs"
    count = f"{counted(folders)} in {place}"
    more = f", the newest {MOST_RUNS:,} of them here" if len(folders) > MOST_RUNS else ""
    return Shown({"runs_table": rows}, f"{count}{more}. Type x beside some, then press Compare.")


def row_of(folder: Path) -> tuple[float | str, ...]:
    """All of RUN_COLUMNS but the tick; of a run that is damaged, whatever can be read."""
    try:
        run, config = runs.read(folder), listing.config(folder)
        started = run.started or {}
        facts = [str(config.get(key) or started.get(key) or NOTHING) for key in ("model", "dataset")]
        wanted = config.get("epochs") or started.get("epochs") or "?"
        reached = runs.accuracy(run.epochs[-1])[1] if run.epochs else None
        figures = (f"{len(run.epochs)} of {wanted}", NOTHING if reached is None else reached, listing.seconds(run))
        return (called(folder), *facts, differing(config), *figures, state(run))
    except Exception as error:  # one run that nobody can make sense of must not hide the others
        return (called(folder), *[NOTHING] * 6, f"damaged: {' '.join(str(error).split())}")


def differing(config: dict[str, Any]) -> str:
    """The settings that are not their recipe's own."""
    try:
        usual = check_settings({"recipe": config["recipe"]})
    except (KeyError, SettingsError):
        return NOTHING
    kept = {name: config[name] for name in SETTINGS if name in config and name not in APART}
    return ", ".join(f"{name} {value}" for name, value in kept.items() if value != usual[name])


def state(run: runs.Run) -> str:
    """How a run stands, in a word or two."""
    if damage := listing.damage(run):
        return damage
    if run.alive:
        return "training" if run.started else "starting"
    if run.end:
        return str(run.end["event"])
    return "ended without a word" if run.started else "nothing logged"


def compared(ticked: Sequence[str]) -> Shown:
    """What differs between the ticked runs, and their accuracy epoch by epoch."""
    found = [runs.read(folder) for folder in runs.list_runs() if called(folder) in ticked]
    there = {called(run.folder) for run in found}
    gone = "".join(f"; {name} is gone" for name in ticked if name not in there)
    return side_by_side(found, f"{counted(found)} compared{gone}" if ticked else "Type x beside the runs to compare.")


def counted(found: Sequence[object]) -> str:
    return f"{len(found):,} run{'s' * (len(found) != 1)}"


def side_by_side(found: Sequence[runs.Run], status: str) -> Shown:
    """The first MOST_COMPARED of these runs: what differs, and their accuracy epoch by epoch."""
    kept = list(found[:MOST_COMPARED])
    more = f": the first {MOST_COMPARED}, of {len(found)}" if len(found) > MOST_COMPARED else ""
    names = [called(run.folder) for run in kept]
    table = [*zip(("day", "time", "run"), *map(in_parts, names)), *listing.differing(kept), *figures(kept)]
    return Shown({"runs_compared": wide(table), "runs_curves": curves(kept, names)}, status + more)


def curves(found: Sequence[runs.Run], names: Sequence[str] = ()) -> Rows:
    """The accuracy by epoch of the first MOST_COMPARED of these runs, under `names`, else those of their folders."""
    kept = found[:MOST_COMPARED]
    reached = [[shown(runs.accuracy(line)[1]) for line in run.epochs[:MOST_EPOCHS]] for run in kept]
    by_epoch = [[epoch, *row] for epoch, row in enumerate(zip_longest(*reached, fillvalue=""), 1)]
    return wide([["epoch", *(names or [run.folder.name for run in kept])], *by_epoch])


def in_parts(name: str) -> tuple[str, str, str]:
    """Day, time and the last part of a run's name, which is wider than a column: of one in a series its own."""
    own = name.rpartition("/")[2]
    if name[10:11] != "T":
        return "", "", own
    return name[5:10], name[11:16].replace("-", ":"), own if "/" in name else name[20:]


def figures(found: Sequence[runs.Run]) -> Rows:
    """What came of the runs: epochs, the last one's accuracy, seconds."""
    reached = [runs.accuracy(run.epochs[-1])[1] if run.epochs else None for run in found]
    return (
        ("epochs", *(len(run.epochs) for run in found)),
        ("accuracy", *(NOTHING if each is None else f"{100 * each:.2f} %" for each in reached)),
        ("seconds", *(round(listing.seconds(run)) for run in found)),
    )


def shown(accuracy: float | None) -> float | str:
    return "" if accuracy is None else accuracy


def wide(rows: Sequence[Sequence[float | str]]) -> Rows:
    """Each row as wide as its block: a label, and MOST_COMPARED cells."""
    return [(*row, *[""] * (1 + MOST_COMPARED - len(row))) for row in rows]


COMMANDS: dict[str, Callable[[Sequence[str]], Shown]] = {"runs_list": listed, "runs_compare": compared}
