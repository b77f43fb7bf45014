"""What a card does with the training, in under five minutes: `python -m benchmarks.gpu [DEVICE]`.

CNN_DATA_DIR names the folder with MNIST. Without a card RESULTS.md says that nothing was seen. Another device, such as
cpu, goes through the same steps, to try them, and is printed only.
"""

import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F

from benchmarks import record
from benchmarks.cnn import ROWS, TARGET, settings, timed
from cnn import data, epochs, machine, measure, models, runs, training, weights
from cnn.training import TrainingState

TITLE, COMMAND = "On a GPU", "python -m benchmarks.gpu"
Row = tuple[str, str, str]


def measured(device: str, options: list[str]) -> list[Row]:
    """A row per question: what was asked, what was found, and what is wanted."""
    with tempfile.TemporaryDirectory() as place:
        seconds = [trained(device, options, Path(place, name)) for name in ("first", "second")]
        first, second = (runs.read(Path(place, name)) for name in ("first", "second"))
        state = prepared(device, options)
        return [
            *times(first, min(seconds)),
            ("the same weights from the same seed twice", said(same_bytes(first.folder, second.folder)), "yes"),
            *agreement(first.folder, state),
            ("largest difference of a gradient, of its largest", f"{gradient_difference(state):.1e}", "1e-3"),
            ("largest memory of the card, an epoch", memory(state), ""),
            *crossings(state),
        ]


def trained(device: str, options: list[str], folder: Path) -> float:
    """Seconds of a whole command, from the start of its process. Raises CalledProcessError."""
    words = (*options, "--device", device, "--target", str(TARGET), "--out", str(folder))
    return timed("cnn.train", *words, threads=1).whole


def prepared(device: str, options: list[str]) -> TrainingState:
    """The same training in this process."""
    return training.prepare({**settings(options), "device": device}, None, lambda text: None)


def times(run: runs.Run, whole: float) -> list[Row]:
    reached = f"{100 * (runs.accuracy(run.epochs[-1])[1] or 0):.2f} %"
    each = [epoch["seconds"] for epoch in run.epochs]
    return [
        (f"the whole command to {TARGET} % ({reached} after {len(each)} epochs)", f"{whole:.1f} s", ""),
        ("training alone", f"{sum(each):.1f} s", ""),
        ("an epoch, median", f"{statistics.median(each):.2f} s", ""),
    ]


def same_bytes(*folders: Path) -> bool:
    return len({(folder / runs.WEIGHTS).read_bytes() for folder in folders}) == 1


def said(holds: bool) -> str:
    return "yes" if holds else "no"


def agreement(folder: Path, state: TrainingState) -> list[Row]:
    """The trained weights' logits of all test images, on the device and on the CPU."""
    network = weights.read(folder / runs.WEIGHTS, state.settings["model"]).eval()
    there = logits(network.to(state.device), state.images.test)
    here = logits(network.cpu(), state.images.test.to(torch.device("cpu")))
    same = int((there.argmax(1) == here.argmax(1)).sum())
    return [
        ("largest difference of a logit from the CPU's", f"{float((there - here).abs().max()):.1e}", "1e-2"),
        ("test images in the same class as on the CPU", f"{same:,} of {len(here):,}", "all"),
    ]


@torch.no_grad()
def logits(network: torch.nn.Module, images: data.Split) -> torch.Tensor:
    return torch.cat([network(batch) for batch, _ in images.batches(measure.BATCH_SIZE)]).cpu()


def gradient_difference(state: TrainingState) -> float:
    """Of the first batch's gradient in float32, on the device and on the CPU; relative to the largest part of it."""
    there, here = (gradient(state, torch.device(name)) for name in (state.device, "cpu"))
    return max(float((a - b).abs().max() / b.abs().max()) for a, b in zip(there, here, strict=True))


def gradient(state: TrainingState, device: torch.device) -> list[torch.Tensor]:
    machine.seed_epoch(0, 0)
    network = models.build(state.settings["model"]).to(device).train()
    images, labels = state.images.train[: state.settings["batch_size"]].images, state.images.train.labels
    F.cross_entropy(network(images.to(device)), labels[: len(images)].to(device)).backward()
    return [weight.grad.cpu() for weight in network.parameters()]


def memory(state: TrainingState) -> str:
    """Of an epoch, which prepares the kernels for the next."""
    one_epoch(state, 1)
    return f"{torch.cuda.max_memory_allocated() / 2**20:.0f} MB" if state.device.type == "cuda" else "unseen"


def one_epoch(state: TrainingState, number: int) -> None:
    epochs.one_epoch(state, number, epochs.Watch(None, lambda: None, state))


def crossings(state: TrainingState) -> list[Row]:
    """What is copied to the card in an epoch, as its own driver counts it."""
    activities = [torch.profiler.ProfilerActivity.CPU]
    activities += [torch.profiler.ProfilerActivity.CUDA] if state.device.type == "cuda" else []
    with torch.profiler.profile(activities=activities) as profile:
        one_epoch(state, 2)
    with tempfile.TemporaryDirectory() as place:
        profile.export_chrome_trace(f"{place}/trace.json")
        trace = json.loads(Path(place, "trace.json").read_text())
    copied, image = copies(trace), state.images.train.images[0].nbytes
    largest = f"{max(copied, default=0):,} bytes of {len(copied):,} copies"
    return [("largest copy to the card in an epoch", largest, f"under {image:,}, an image's")]


def copies(trace: dict[str, Any]) -> list[int]:
    """The bytes of every copy from the computer's memory to the card's, in a trace of PyTorch's profiler."""
    events = [event for event in trace["traceEvents"] if event.get("name", "").startswith("Memcpy HtoD")]
    return [event["args"]["bytes"] for event in events]


def main(device: str = "cuda") -> int:
    """Measure and print, on a card into RESULTS.md; the exit code."""
    if device not in machine.DEVICES:
        print(__doc__)
        return 2
    options = ROWS["target"].options.split()
    head = ("with " + (torch.cuda.get_device_name() if torch.cuda.is_available() else device), "found", "wanted")
    if device != "cuda":
        print("\n".join(" | ".join(row) for row in (head, *measured(device, options))))
    elif torch.cuda.is_available():
        print(record.record(TITLE, COMMAND, [head, *measured(device, options)]))
    else:
        print("There is no card here.")
        if not (record.RESULTS.exists() and f"\n## {TITLE}\n" in record.RESULTS.read_text("utf-8")):  # is kept
            print(record.record(TITLE, COMMAND, [("with a card", "found"), ("everything", "unseen: there was none")]))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
