"""Measures a finished run anew from its weights.

python start.py evaluate RUN                       on what the run was measured with; says whether the log agrees
python start.py evaluate RUN --dataset digits      on the test images of another set
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from cnn import data, machine, outcome, runs
from cnn.measure import BATCH_SIZE, evaluate
from cnn.runs.config import read_config
from cnn.runs.settings import DATASETS


def measured(folder: Path, dataset: str | None, data_dir: str | None, device: str) -> str:
    """What a run's weights reach, in a line. Raises Failure where run, weights or images cannot be used, OSError."""
    config = read_config(folder)
    machine.use_one_thread()
    chosen = torch.device(machine.choose_device(device))
    network = outcome.read_weights(folder, config["model"]).to(chosen)
    images = data.load(dataset or config["dataset"], data_dir or config.get("data_dir"), print)
    own = images.name == config["dataset"]
    images = (images.validation() if own and config["validate"] == "yes" else images).to(chosen)
    loss, accuracy = evaluate(network, images.test.batches(BATCH_SIZE))
    hits, count = round(accuracy * len(images.test)), len(images.test)
    line = f"{images.name}, {images.part}: accuracy {100 * accuracy:.2f} % ({hits:,} of {count:,}), loss {loss:.4f}"
    return line + (agreement(folder, hits, count) if own else "")


def agreement(folder: Path, hits: int, count: int) -> str:
    """Whether the log's last epoch counted as many hits."""
    epochs = runs.read(folder).epochs
    logged = runs.accuracy(epochs[-1])[1] if epochs else None
    if logged is None:
        return ""
    return "; the log agrees" if round(logged * count) == hits else f"; the log differs: {100 * logged:.2f} %"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code: 0, 1 where it cannot be measured, 2 for wrong use."""
    usage, _, rest = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(
        "python start.py evaluate", None, usage, rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="the folder of a finished run")
    parser.add_argument("--dataset", choices=DATASETS, help="its test images (default: what the run was measured with)")
    parser.add_argument("--data-dir", metavar="FOLDER", help="holds the images (default: the run's, else CNN_DATA_DIR)")
    parser.add_argument("--device", default="cpu", help="where to compute (default cpu)")
    options = parser.parse_args(arguments)
    try:
        print(measured(options.run.absolute(), options.dataset, options.data_dir, options.device))
        return 0
    except runs.Failure as failure:
        print(f"cnn.evaluate: {failure}", file=sys.stderr)
        return failure.exit_code
    except OSError as error:
        print(f"cnn.evaluate: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
