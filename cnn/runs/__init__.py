"""The run folder: how a training run is written down, followed, stopped and found again.

    config.json      every setting of the run, and what it ran on         (config.py, settings.py)
    log.jsonl        one flat JSON object a line                          (log.py, read by follower.py)
    lock             held by the living trainer; `holder` says so where there are no locks      (lock.py)
    stop             a file that asks the trainer to end                  (folder.py)
    parent.safetensors  what it began with, where that is another run's weights (cnn/session.py)
    checkpoint.pt    the last complete epoch; once it is finished also what cnn/outcome.py names

A folder with a series.json holds several runs, which one process trains one after the other (series.py).

Standard library only, and Python 3.9, because LibreOffice's own Python follows runs with this package.
`python start.py runs` lists and compares runs (listing.py).
"""

from cnn.runs.folder import (
    PARENT,
    WEIGHTS,
    NoRunError,
    WriteError,
    clear_stop,
    find,
    home,
    is_series,
    list_entries,
    list_runs,
    new_folder,
    request_stop,
    runs_in,
    stop_requested,
    write_file,
    writing,
)
from cnn.runs.follower import Follower, Run, read
from cnn.runs.lock import Lock, is_alive, liveness
from cnn.runs.log import EPOCH_KEYS, PARTS, Diverged, Failure, Log, accuracy, cut_log, epoch_keys
from cnn.runs.series import Series

__all__ = [
    "EPOCH_KEYS",
    "PARENT",
    "PARTS",
    "WEIGHTS",
    "Diverged",
    "Failure",
    "Follower",
    "Lock",
    "Log",
    "NoRunError",
    "Run",
    "Series",
    "WriteError",
    "accuracy",
    "clear_stop",
    "cut_log",
    "epoch_keys",
    "find",
    "home",
    "is_alive",
    "is_series",
    "list_entries",
    "list_runs",
    "liveness",
    "new_folder",
    "read",
    "request_stop",
    "runs_in",
    "stop_requested",
    "write_file",
    "writing",
]
