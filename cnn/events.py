"""The epochs of a run as TensorBoard reads them, in the folder `tensorboard` of the run's own; an optional package."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cnn.runs.folder import TENSORBOARD
from cnn.runs.settings import SettingsError

Told = Callable[[dict[str, Any]], None]


def need_package() -> None:
    """Raise SettingsError where it is not installed."""
    if not find_spec("tensorboard"):
        advice = "Install it into .venv: python -m pip install tensorboard"
        raise SettingsError("--tensorboard needs the package tensorboard, which is not here", advice)


@contextlib.contextmanager
def writer(folder: Path, complete: int) -> Iterator[Told]:
    """Writes the figures of each epoch that it is told, at once; what is there after `complete` counts no more."""
    from torch.utils.tensorboard import SummaryWriter  # seconds, which nobody else shall wait

    with SummaryWriter(str(folder / TENSORBOARD), purge_step=complete + 1) as open_writer:

        def told(figures: dict[str, Any]) -> None:
            for name, value in figures.items():
                if name != "epoch" and value is not None:
                    open_writer.add_scalar(tag(name), value, figures["epoch"])
            open_writer.flush()

        yield told


def tag(name: str) -> str:
    """A figure's name in TensorBoard, which draws those before one slash together: loss/train, accuracy/test."""
    part, _, figure = name.rpartition("_")
    return f"{figure}/{part}" if figure in ("loss", "accuracy") else name


@contextlib.contextmanager
def nobody() -> Iterator[Told]:
    """Where nobody asked for it."""
    yield lambda figures: None
