"""Measures a finished run anew from its weights.

python start.py evaluate RUN                       on what the run was measured with; says whether the log agrees
python start.py evaluate RUN --dataset digits      on the test images of another set

Exit codes: 0 measured; 1 it cannot be measured; 2 wrong use; 3 the run's log says another accuracy.
"""

from __future__ import annotations

from cnn import end_by_ctrl_c

if __name__ == "__main__":
    end_by_ctrl_c()

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import torch

from cnn import data, machine, runs, weights
from cnn.measure import BATCH_SIZE, evaluate
from cnn.runs.command import Parser, carry_out, run_name
from cnn.runs.config import read_config
from cnn.runs.settings import SETTINGS, check_setting, check_threads

DIFFERS = 3


def measured(folder: Path, dataset: str | None, data_dir: str | None, device: str) -> dict[str, Any]:
    """What a run's weights reach. Raises Failure where run, weights or images cannot be used, OSError."""
    config = read_config(folder)
    machine.use_one_thread()
    machine.compute_exactly()
    chosen = torch.device(machine.choose_device(device))
    network = weights.read(folder / runs.WEIGHTS, config["model"]).to(chosen)
    images = data.load(dataset or config["dataset"], data_dir or config.get("data_dir"))
    own = images.name == config["dataset"]
    images = (images.validation() if own and config["validate"] == "yes" else images).to(chosen)
    loss, accuracy = evaluate(network, images.test.batches(BATCH_SIZE))
    count = len(images.test)
    return {
        "run": str(folder),
        "dataset": images.name,
        "part": images.part,
        "images": count,
        "right": round(accuracy * count),
        "accuracy": accuracy,
        "loss": loss,
        "logged_accuracy": logged(folder) if own else None,
    }


def logged(folder: Path) -> float | None:
    """The accuracy of the last epoch in the run's log."""
    epochs = runs.read(folder).epochs
    return runs.accuracy(epochs[-1])[1] if epochs else None


def differs(found: dict[str, Any]) -> bool:
    """Whether the log's last epoch counted other hits."""
    accuracy = found["logged_accuracy"]
    return accuracy is not None and round(accuracy * found["images"]) != found["right"]


def line(found: dict[str, Any]) -> str:
    """What was measured, for a person."""
    percent, said = 100 * found["accuracy"], found["logged_accuracy"]
    hits = f"({found['right']:,} of {found['images']:,})"
    text = f"{found['dataset']}, {found['part']}: accuracy {percent:.2f} % {hits}, loss {found['loss']:.4f}"
    if said is None:
        return text
    return text + (f"; the log differs: {100 * said:.2f} %" if differs(found) else "; the log agrees")


def parser() -> Parser:
    """The command line."""
    made = Parser("evaluate", __doc__)
    made.add_argument("run", metavar="RUN", type=run_name, help="the folder of a finished run, or its name")
    made.add_argument(
        "--dataset",
        choices=SETTINGS["dataset"].choices,
        help="its test images (default: what the run was measured with)",
    )
    made.add_argument("--data-dir", metavar="FOLDER", help="holds the images (default: the run's, else CNN_DATA_DIR)")
    made.add_argument("--device", default="cpu", help="where to compute (default cpu)")
    made.add_argument("--json", action="store_true", help="the figures as JSON, for a program")
    return made


def printed(options: argparse.Namespace) -> int:
    """Measure and print; the exit code. Raises Failure, OSError."""
    check_threads()
    device = check_setting("device", options.device, "--device")
    found = measured(runs.find(options.run), options.dataset, options.data_dir, device)
    print(json.dumps(found, indent=2) if options.json else line(found))
    return DIFFERS if differs(found) else 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code."""
    return carry_out("evaluate", lambda: printed(parser().parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
