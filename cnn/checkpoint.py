"""The checkpoint of a run: everything that the next epoch needs, so that a resumed run equals an uninterrupted one.

Random numbers need no place in it: every epoch's are seeded from the run's seed and the epoch's number.
"""

from __future__ import annotations

import io
import pickle
import warnings
from pathlib import Path

import torch
from torch import nn
from torch.optim import Optimizer

from cnn import runs

ADVICE = "Put the run's own checkpoint.pt back, or train anew without --resume"


class CheckpointError(runs.Failure):
    """A checkpoint that cannot be used; the message says why."""


def save(path: Path, model: str, network: nn.Module, optimizer: Optimizer, epochs: list[dict]) -> None:
    """Write the state after `epochs`, the complete epochs' figures. The old file stays until all is written."""
    content = io.BytesIO()
    state = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save({"model": model, "epochs": epochs, **state}, content)
    runs.write_file(path, content.getvalue())


def load(path: Path, model: str, network: nn.Module, optimizer: Optimizer) -> list[dict]:
    """Restore network and optimizer; returns the complete epochs' figures. Raises CheckpointError, OSError.

    The file is not trusted: nothing in it is run (weights_only).
    """
    found = _read(path)
    if found.get("model") != model:
        raise CheckpointError(f"{path} is of the network {found.get('model')}, not {model}", ADVICE)
    try:
        network.load_state_dict(found["network"])
        optimizer.load_state_dict(found["optimizer"])
        return [{**epoch, "epoch": int(epoch["epoch"])} for epoch in found["epochs"]]
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise CheckpointError(f"{path} does not fit the network {model} ({_short(error)})", ADVICE) from error


def _read(path: Path) -> dict:
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
