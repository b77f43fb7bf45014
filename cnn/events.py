"""Who is told of a run's epochs while it trains: nobody, or TensorBoard, an optional package, in the run's folder."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cnn.runs.folder import TENSORBOARD

Told = Callable[[dict[str, Any]], None]
Watch = Callable[[Path, int], contextlib.AbstractContextManager[Told]]


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
def nobody(folder: Path, complete: int) -> Iterator[Told]:
    """Where nobody asked for it."""
    yield lambda figures: None
