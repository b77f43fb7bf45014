"""Writes a finished run's network for other programs.

python start.py export RUN network.onnx     ONNX, which most run-times read (pip install onnx onnxscript)
python start.py export RUN network.pt2      torch.export's, for PyTorch itself, which needs no code of ours then

Its input `images` is (n, 1, 28, 28), float32, normalised as the run's model-card.md says; its output `logits` (n, 10).

Exit codes: 0 written; 1 it cannot be written; 2 wrong use.
"""

from __future__ import annotations

from cnn import end_by_ctrl_c

if __name__ == "__main__":
    end_by_ctrl_c()

import argparse
import io
import logging
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from cnn import predict, runs
from cnn.runs.command import Parser, carry_out, need, run_name
from cnn.runs.output import free, in_folder, named, told

PACKAGES = ("onnx", "onnxscript")
EXAMPLE = torch.zeros(2, 1, 28, 28)
ANY_NUMBER = ({0: torch.export.Dim("n")},)


def onnx(network: nn.Module) -> bytes:
    """The network as ONNX. Raises Failure where a package is missing."""
    need(*PACKAGES)
    content, shown = io.BytesIO(), {"input_names": ["images"], "output_names": ["logits"]}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    exporter: Any = torch.onnx.export
    program = exporter(network, (EXAMPLE,), dynamo=True, verbose=False, dynamic_shapes=ANY_NUMBER, **shown)
    program.save(content)
    return content.getvalue()


def pt2(network: nn.Module) -> bytes:
    """The network as torch.export saves it."""
    content = io.BytesIO()
    with warnings.catch_warnings(action="ignore"):  # of weights that are slices: they are saved whole
        torch.export.save(torch.export.export(network, (EXAMPLE,), dynamic_shapes=ANY_NUMBER), content)
    return content.getvalue()


KINDS: dict[str, Callable[[nn.Module], bytes]] = {".onnx": onnx, ".pt2": pt2}


def written(options: argparse.Namespace) -> int:
    """Write the file and say where; the exit code. Raises Failure, OSError."""
    wanted = named(options.file, *KINDS)
    network = predict.load(runs.find(options.run)).network.eval()
    content = KINDS[wanted.suffix.lower()](network)
    runs.write_file(file := in_folder(free(wanted)), content)
    print(told(file, wanted))
    return 0


def parser() -> Parser:
    """The command line."""
    made = Parser("export", __doc__)
    made.add_argument("run", metavar="RUN", type=run_name, help="the folder of a finished run, or its name")
    made.add_argument("file", metavar="FILE", type=Path, help=f"the file to write: {' or '.join(KINDS)}")
    return made


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code."""
    return carry_out("export", lambda: written(parser().parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
