"""Prepares the machine for a training: device, threads, memory and random numbers."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
from collections.abc import Callable

import torch

from cnn.runs.settings import SettingsError

MALLOC_KEEPS = {-3: 1 << 30, -1: (1 << 31) - 1}  # mallopt(3): M_MMAP_THRESHOLD and M_TRIM_THRESHOLD, in bytes
DEVICES: dict[str, Callable[[], bool]] = {
    "cuda": torch.cuda.is_available,
    "mps": torch.backends.mps.is_available,
    "cpu": lambda: True,
}


def choose_device(name: str) -> str:
    """The device `name`; auto is the first there is. Raises SettingsError where it is missing."""
    found = [device for device, is_there in DEVICES.items() if name in (device, "auto") and is_there()]
    if not found:
        error = f"--device is {name}, and this PyTorch ({torch.__version__}) sees none here"
        raise SettingsError(error, "Take --device cpu; python start.py doctor says what a GPU lacks")
    return found[0]


def use_one_thread() -> None:
    """Compute in one thread on the CPU, unless OMP_NUM_THREADS asks for another number.

    These networks are small: a second thread helps on cores at rest, and beside any other program, such as the
    spreadsheet that shows the run, it takes many times as long, since each waits for the other.
    """
    if not os.environ.get("OMP_NUM_THREADS"):
        torch.set_num_threads(1)


def compute_exactly() -> None:
    """On a GPU the same sums in the same order every time, and float32 in full: TF32 keeps 10 of its 23 bits."""
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False


def keep_memory() -> None:
    """Keep what is freed for the next batch, where the C library is glibc: it gives it back to the system otherwise.

    Fetching it anew, page by page, takes time in every update. The largest amount in use does not change.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):  # there is no mallopt in other systems' libraries
        mallopt = ctypes.CDLL(None).mallopt
        for parameter, size in MALLOC_KEEPS.items():
            mallopt(parameter, size)


def seed_epoch(seed: int, epoch: int) -> None:
    """Seed all of torch's random numbers, here and on the GPU, for one epoch; epoch 0 is the initial weights.

    So a resumed epoch draws what it would have drawn, and nothing about random numbers needs to be kept.
    """
    digest = hashlib.sha256(f"{seed} {epoch}".encode()).digest()
    torch.manual_seed(int.from_bytes(digest[:4], "big"))  # torch's generator on the CPU takes 32 bits
