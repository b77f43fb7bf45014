"""The checkpoint of a run: everything that the next epoch needs, so that a resumed run equals an uninterrupted one.

Random numbers need no place in it: every epoch's are seeded from the run's seed and the epoch's number.
"""

from __future__ import annotations

import io
import pickle
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from cnn import runs
from cnn.runs.settings import as_begun

ADVICE = "Put the run's own checkpoint.pt back, or train anew without --resume"


class Stateful(Protocol):
    """A network, an optimizer, an average."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any]) -> object: ...


class CheckpointError(runs.Failure):
    """A checkpoint that cannot be used; the message says why."""


def save(path: Path, run: dict[str, Any], parts: dict[str, Stateful], epochs: list[dict[str, Any]]) -> None:
    """Write the state after `epochs`, the complete epochs' figures. The old file stays until all is written.

    `run` is what tells this run from another; `parts` are the network and all else that changes while it learns.
    """
    content = io.BytesIO()
    torch.save({"run": run, "epochs": epochs, **{name: part.state_dict() for name, part in parts.items()}}, content)
    runs.write_file(path, content.getvalue())


def load(path: Path, run: dict[str, Any], parts: dict[str, Stateful]) -> list[dict[str, Any]]:
    """Restore the parts; returns the complete epochs' figures. Raises CheckpointError, OSError.

    The file is not trusted: nothing in it is run (weights_only).
    """
    found = _read(path)
    _compare(path, found.get("run"), run)
    try:
        for name, part in parts.items():
            part.load_state_dict(found[name])
        epochs = [{**epoch, "epoch": int(epoch["epoch"])} for epoch in found["epochs"]]
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise CheckpointError(f"{path} does not fit the network {run['model']} ({_short(error)})", ADVICE) from error
    if not all(value.isfinite().all() for part in parts.values() for value in _tensors(part.state_dict())):
        raise CheckpointError(f"{path} holds numbers that are not finite", ADVICE)
    if [epoch["epoch"] for epoch in epochs] != list(range(1, len(epochs) + 1)):
        raise CheckpointError(f"{path} holds other epochs than the first {len(epochs)}", ADVICE)
    return epochs


def _tensors(state: object) -> Iterator[Tensor]:
    """Every tensor in the state of a network, an optimizer or an average."""
    if isinstance(state, Tensor):
        yield state
    for value in state.values() if isinstance(state, dict) else ():
        yield from _tensors(value)


def _compare(path: Path, found: object, run: dict[str, Any]) -> None:
    """Raise CheckpointError where the checkpoint is of another network, or of a run with other settings."""
    if not isinstance(found, dict):
        raise CheckpointError(f"{path} is not a checkpoint of this project", ADVICE)
    begun = as_begun(found)
    for name, value in run.items():
        if begun.get(name) != value:
            what = "the network" if name == "model" else f"a run with {name}"
            raise CheckpointError(f"{path} is of {what} {begun.get(name)}, not {value}", ADVICE)


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise CheckpointError(f"{path} is missing", ADVICE)
    content = io.BytesIO(path.read_bytes())
    try:
        with warnings.catch_warnings(action="ignore"):  # of a pickle that is not torch's: it is refused anyway
            found = torch.load(content, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path} is no checkpoint: it holds more than numbers, or something else", ADVICE
        ) from error
    except Exception as error:  # a damaged file makes torch raise anything, OSError among it
        raise CheckpointError(f"{path} is empty, cut short or damaged ({_short(error)})", ADVICE) from error
    if not isinstance(found, dict):
        raise CheckpointError(f"{path} is not a checkpoint of this project", ADVICE)
    return found


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
