"""The checkpoint of a run: everything that the next epoch needs, so that a resumed run equals an uninterrupted one.

Random numbers need no place in it: every epoch's are seeded from the run's seed and the epoch's number.
"""

from __future__ import annotations

import copy
import io
import pickle
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.optim import Optimizer

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

    The file is not trusted: nothing in it is run (weights_only), and nothing of it is loaded before all of it fits.
    """
    found = _read(path)
    _compare(path, found.get("run"), run)
    for name, part in parts.items():
        if flaw := difference(_fitting(part), _essence(found.get(name)), name):
            raise CheckpointError(f"{path} does not fit the network {run['model']}: {flaw}", ADVICE)
    epochs = _figures(path, found.get("epochs"))
    if not all(value.isfinite().all() for name in parts for value in _tensors(found[name])):
        raise CheckpointError(f"{path} holds numbers that are not finite", ADVICE)
    for name, part in parts.items():
        part.load_state_dict({**found[name], **_own(part)})
    return epochs


def difference(wanted: object, found: object, place: str) -> str | None:
    """Where `found` differs from `wanted` in names, types or shapes, in words; numbers and texts may be others."""
    if isinstance(wanted, Tensor) and isinstance(found, Tensor):
        shapes = [(tuple(each.shape), each.dtype) for each in (found, wanted)]
        return None if shapes[0] == shapes[1] else f"{place} is {_shown(found)}, not {_shown(wanted)}"
    if type(wanted) is not type(found) and not (isinstance(wanted, dict) and isinstance(found, dict)):
        return f"{place} is {_shown(found)}, not {_shown(wanted)}"
    wanted, found = _by_name(wanted), _by_name(found)
    if names := [name for name in {**wanted, **found} if name not in wanted or name not in found]:
        return f"{place} {'has a' if names[0] in found else 'lacks its'} part {names[0]}"
    flaws = (difference(wanted[name], found[name], f"{place}.{name}") for name in wanted)
    return next(filter(None, flaws), None)


def _by_name(state: object) -> dict[object, object]:
    """What a state consists of, in a dictionary; a number or text consists of nothing."""
    if isinstance(state, dict):
        return state
    return dict(enumerate(state)) if isinstance(state, list | tuple) else {}


def _shown(value: object) -> str:
    """A value's kind in a few words: 16×1×5×5 of float32."""
    if isinstance(value, Tensor):
        return f"{'×'.join(map(str, value.shape)) or 'one number'} of {str(value.dtype).removeprefix('torch.')}"
    return "missing" if value is None else f"of the type {type(value).__name__}"


def _fitting(part: Stateful) -> object:
    """A state that fits this part. An optimizer's is empty before its first update, so a copy makes one."""
    if not isinstance(part, Optimizer):
        return dict(part.state_dict())
    twin = copy.deepcopy(part)
    for group in twin.param_groups:
        for weight in group["params"]:
            weight.grad = torch.zeros_like(weight)
    twin.step()
    return _essence(twin.state_dict())


def _essence(state: object) -> object:
    """What has to fit: of an optimizer's groups the weights' numbers. All else in them the run's settings say."""
    if not (isinstance(state, dict) and "param_groups" in state):
        return state
    groups = state["param_groups"]
    numbers = [group.get("params") for group in groups] if _are_groups(groups) else groups
    return {**state, "param_groups": numbers}


def _are_groups(found: object) -> bool:
    return isinstance(found, list) and all(isinstance(group, dict) for group in found)


def _own(part: Stateful) -> dict[str, Any]:
    """What is not taken from a checkpoint."""
    return {"param_groups": part.state_dict()["param_groups"]} if isinstance(part, Optimizer) else {}


def _figures(path: Path, found: object) -> list[dict[str, Any]]:
    """The figures of the epochs from the first on, a number or nothing for each name. Raises CheckpointError."""
    epochs = found if isinstance(found, list) and all(isinstance(epoch, dict) for epoch in found) else [{}]
    kinds = {type(value) for epoch in epochs for value in epoch.values()}
    if not kinds <= {int, float, type(None)} or [epoch.get("epoch") for epoch in epochs] != [
        *range(1, len(epochs) + 1)
    ]:
        raise CheckpointError(f"{path} holds other epochs than the first ones", ADVICE)
    return epochs


def _tensors(state: object) -> Iterator[Tensor]:
    """Every tensor in the state of a network, an optimizer or an average."""
    if isinstance(state, Tensor):
        yield state
    for value in _by_name(state).values():
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
