"""The worker process of CNN_PREDICT, which has PyTorch: `python -m addin.predictor`, as addin.calc.worker.

A network stays loaded; it is read anew when its run's weights have changed.
"""

from __future__ import annotations

import os

if __name__ == "__main__" and hasattr(os, "nice"):
    os.nice(10)  # before PyTorch is loaded, which takes seconds: the small functions' worker comes first

import functools
import traceback
from pathlib import Path

from addin import cells
from addin.calc import worker
from addin.cells import ArgumentError, Rows
from cnn import predict, runs
from xlsx.contract import PREDICT_RUN


def answer(function: str, arguments: tuple[object, ...]) -> Rows:
    """One row of probabilities; what is wrong is one text that names the argument."""
    try:
        pixels, run = arguments
        picture = cells.pixels(pixels)
        return [list(network(run).probabilities_of(picture))]
    except ArgumentError as error:
        return [[str(error)]]
    except (runs.Failure, OSError) as error:
        return [[f"#run: {error}"]]
    except Exception as error:  # a cell must get an answer, whatever went wrong
        traceback.print_exc()
        return [[f"#{function}: {type(error).__name__}: {error} (a fault in backprop; details in worker.log)"]]


def network(run: object) -> predict.Trained:
    """The network of the run that a cell names. Raises ArgumentError, Failure, OSError."""
    if not isinstance(run, str) or not run.strip():
        raise ArgumentError(f"#run: none is chosen: type a run's name or folder, here or in the cell {PREDICT_RUN}")
    folder = runs.find(Path(run.strip()))
    file = folder / runs.WEIGHTS
    return loaded(folder, file.stat().st_mtime_ns if file.exists() else 0)


@functools.lru_cache(maxsize=4)
def loaded(folder: Path, changed: int) -> predict.Trained:
    return predict.load(folder)


if __name__ == "__main__":
    worker.serve(answer)
