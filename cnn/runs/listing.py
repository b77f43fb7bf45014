"""Runs in rows: a list of them, or some side by side. `python start.py runs` prints it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cnn.runs.folder import is_series
from cnn.runs.follower import Run
from cnn.runs.log import accuracy

NOT_COMPARED = ("versions", "data_dir", "threads")


def listing(found: list[Run]) -> list[list[str]]:
    """A row per run, after the heads."""
    rows = [["run", "model", "dataset", "epochs", "accuracy", "state"]]
    for run in found:
        started = run.started or {}
        epochs = f"{len(run.epochs)} of {started.get('epochs', '?')}"
        rows.append(
            [name(run), *(str(started.get(key, "–")) for key in ("model", "dataset")), epochs, shown(run), status(run)]
        )
    return rows


def name(run: Run) -> str:
    """A run's name among the user's: with that of its series, where it has one."""
    return "/".join(run.folder.parts[-2:]) if is_series(run.folder.parent) else run.folder.name


def status(run: Run) -> str:
    """How a run stands, in one plain line for a person; of a damaged one, which file is."""
    return damage(run) or run.status


def damage(run: Run) -> str:
    """Which of a run's files is damaged, so that nobody can go on with it; '' where none is."""
    if (run.folder / "config.json").exists() and not config(run.folder):
        return "damaged: config.json"
    return "damaged: log.jsonl" if run.skipped and not run.started else ""


def facts(run: Run) -> dict[str, Any]:
    """A run for a program: what the list says of it, the accuracy as a fraction."""
    started, (part, reached) = run.started or {}, accuracy(run.epochs[-1]) if run.epochs else (None, None)
    return {
        "run": name(run),
        "folder": str(run.folder),
        **{key: started.get(key) for key in ("model", "dataset")},
        "epochs_done": len(run.epochs),
        "epochs": started.get("epochs"),
        "part": part,
        "accuracy": reached,
        "event": run.end["event"] if run.end else None,
        "alive": run.alive,
        "status": status(run),
    }


def compared(run: Run) -> dict[str, Any]:
    """The same with its settings, and the seconds of all epochs."""
    return {**facts(run), "seconds": seconds(run), "settings": config(run.folder)}


def shown(run: Run) -> str:
    """The accuracy of a run's last epoch in percent, and what it was measured with."""
    part, reached = accuracy(run.epochs[-1]) if run.epochs else ("", None)
    return "–" if reached is None else f"{100 * reached:.2f} % {part}"


def comparison(found: list[Run]) -> list[list[str]]:
    """The runs side by side: the settings in which they differ, then the last epoch's figures."""
    rows = [["", *(name(run) for run in found)], *differing(found)]
    rows.append(["epochs done", *(str(len(run.epochs)) for run in found)])
    rows.append(["accuracy", *(shown(run) for run in found)])
    rows.append(["seconds", *(f"{seconds(run):.0f}" for run in found)])
    return rows


def seconds(run: Run) -> float:
    """How long its epochs took."""
    return sum(float(epoch.get("seconds") or 0) for epoch in run.epochs)


def differing(found: list[Run]) -> list[list[str]]:
    """A row per setting in which the runs differ."""
    configs = [config(run.folder) for run in found]
    names = dict.fromkeys(setting for each in configs for setting in each if setting not in NOT_COMPARED)
    rows = ([setting, *(str(each.get(setting, "–")) for each in configs)] for setting in names)
    return [row for row in rows if len(set(row[1:])) > 1]


def config(folder: Path) -> dict[str, Any]:
    """A run's config.json; empty where there is none that can be read."""
    try:
        found = json.loads((folder / "config.json").read_bytes())
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError, RecursionError):
        return {}


def aligned(rows: list[list[str]]) -> str:
    """The rows in columns, for a terminal. Control characters in a name must not reach it."""
    clean = [["".join(letter if letter.isprintable() else "?" for letter in cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*clean, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in clean)
