"""What the tests of unfolded workbooks share: runs of every network, untrained, and PyTorch in float64 beside them."""

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cnn import models, plain, runs, weights
from cnn.runs.settings import SETTINGS
from xlsx.unfold import workbook
from xlsx.unfold.trained import Trained

FIXTURES = Path(__file__).with_name("fixtures") / "digits"
FOLDER = TemporaryDirectory(prefix="backprop-unfolded-")


def made_up(model: str) -> nn.Module:
    """A network whose weights and running statistics are random, BatchNorm's factors below 0 among them."""
    torch.manual_seed(7)
    network = models.build(model)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, -1.5, 1.5)
            nn.init.uniform_(layer.bias, -0.5, 0.5)
            layer.running_mean.uniform_(-0.5, 0.5)
            layer.running_var.uniform_(0.5, 2.0)
    return network.eval()


def run_of(model: str, network: nn.Module, folder: Path) -> Path:
    """A run folder with these weights, of scikit-learn's digits, so that nothing is downloaded."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {name: setting.default for name, setting in SETTINGS.items()}
    settings |= {"model": model, "dataset": "digits", "epochs": 1, "recipe": "tuned"}
    (folder / "config.json").write_text(json.dumps({**settings, "data_dir": None}))
    (folder / runs.WEIGHTS).write_bytes(weights.write(network, {}))
    return folder


@cache
def run(model: str) -> Path:
    return run_of(model, made_up(model), Path(FOLDER.name) / model)


@cache
def trained(model: str) -> Trained:
    return Trained.read(plain.trained(run(model)))


@cache
def written(model: str) -> Path:
    """The workbook of a network, written once for all tests."""
    return workbook.write(trained(model), Path(FOLDER.name) / f"{model}.xlsx")


@torch.no_grad()
def float64(network: nn.Module, known: Trained) -> NDArray[np.float64]:
    """PyTorch's logits of the images, (n, classes), in float64."""
    normal = np.stack([known.normal(image) for image in known.images])
    return network.double().eval()(torch.from_numpy(normal)).numpy()
