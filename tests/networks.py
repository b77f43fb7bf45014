"""What the tests of the mathematics share: the canonical figures, random networks, and PyTorch as their referee."""

import json
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from hypothesis import strategies as st

from pyfuncs import descent, propagation
from pyfuncs.network import OUTPUT_LOSSES, Network

CANONICAL = json.loads(Path(__file__).with_name("canonical.json").read_text())
STARTS = ["seed", "course", "half-targets", "mixed-signs"]
RATES = [0.1, 0.2, 0.5, 0.8, 1.0, 2.0]

DEFAULT = Network.parse("2-2-2")
MAZUR = Network.parse("2-2-2 fixed-bias")
MAZUR_WEIGHTS = np.array([0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55, 0.35, 0.6])


@dataclass
class Case:
    """A network with numbers for it."""

    network: Network
    weights: np.ndarray
    inputs: np.ndarray
    targets: np.ndarray

    @property
    def arguments(self) -> tuple:
        return self.network, self.weights, self.inputs, self.targets


def canonical_case(name: str) -> Case:
    setup = CANONICAL[name]["setup"]
    weights, inputs, targets = (np.array(setup[key]) for key in ("weights", "inputs", "targets"))
    return Case(DEFAULT, weights, inputs[None], targets[None])


def mazur_case() -> Case:
    course = canonical_case("course")
    return Case(MAZUR, MAZUR_WEIGHTS, course.inputs, course.targets)


@st.composite
def networks(draw: st.DrawFn, units: str = "sigmoid tanh relu linear") -> Network:
    """Random networks whose hidden units are among these; softmax outputs, and every loss, come with any of them."""
    sizes = draw(st.lists(st.integers(1, 4), min_size=2, max_size=5))
    output = draw(st.sampled_from([*units.split(), "softmax"]))
    loss = draw(st.sampled_from(OUTPUT_LOSSES[output]))
    sizes[-1] += output == "softmax"
    bias = draw(st.sampled_from(["none", "bias", "fixed-bias"]))
    return Network(tuple(sizes), draw(st.sampled_from(units.split())), output, loss, bias)


@st.composite
def cases(draw: st.DrawFn, units: str = "sigmoid tanh relu linear", samples: int = 4) -> Case:
    """Random networks with random numbers; numpy's generator, as hypothesis' own numbers are mostly 0 and 1."""
    network = draw(networks(units))
    count = draw(st.integers(1, samples))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shapes = [network.weight_count, (count, network.sizes[0]), (count, network.sizes[-1])]
    weights, inputs, targets = (random.uniform(-1.5, 1.5, shape) for shape in shapes)
    if network.loss == "cross-entropy":
        targets = random.integers(2, size=targets.shape) if draw(st.booleans()) else abs(targets) / 1.5
    return Case(network, weights, inputs, targets.astype(float))


FUNCTIONS = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "linear": torch.nn.Identity(),
    "softmax": torch.nn.Softmax(dim=-1),
}


def torch_outputs(network: Network, weights: torch.Tensor, inputs: np.ndarray) -> torch.Tensor:
    return FUNCTIONS[network.output](torch_logits(network, weights, inputs))


def torch_logits(network: Network, weights: torch.Tensor, inputs: np.ndarray) -> torch.Tensor:
    """z of the outputs by torch.nn.functional.linear, the weights taken one by one in the documented order."""
    pairs = list(zip(network.sizes[:-1], network.sizes[1:], strict=True))
    matrices = iter(weights)
    layers = [torch.stack([next(matrices) for _ in range(i * o)]).reshape(o, i) for i, o in pairs]
    values = torch.tensor(inputs)
    for layer, matrix in enumerate(layers, 1):
        if network.bias == "none":
            bias = None
        elif network.bias == "bias":
            bias = torch.stack([next(matrices) for _ in range(len(matrix))])
        else:
            bias = next(matrices).expand(len(matrix))
        weighted = torch.nn.functional.linear(values, matrix, bias)
        values = weighted if layer == len(layers) else FUNCTIONS[network.hidden](weighted)
    return values


def torch_loss(network: Network, weights: torch.Tensor, inputs: np.ndarray, targets: np.ndarray) -> torch.Tensor:
    """E_total by PyTorch's own losses: summed over the outputs, mean over the samples."""
    logits, wanted = torch_logits(network, weights, inputs), torch.tensor(targets)
    if network.output == "softmax":
        return torch.nn.functional.cross_entropy(logits, wanted)
    if network.loss == "cross-entropy":
        each = torch.nn.functional.binary_cross_entropy_with_logits(logits, wanted, reduction="sum")
        return each / len(targets)
    outputs = FUNCTIONS[network.output](logits)
    return torch.nn.functional.mse_loss(outputs, wanted, reduction="sum") / (2 * len(targets))


def quantities_by_pyfuncs(case: Case, rate: float) -> dict[str, float]:
    """Every quantity of the sheets Forward and Backward, for one sample, by its name."""
    network, outputs = case.network, propagation.predict(*case.arguments[:3])
    found = dict(zip(network.unit_names, propagation.units(*case.arguments[:3])[0], strict=True))
    found |= zip(network.loss_names, propagation.loss(*case.arguments), strict=True)
    if network.loss == "half-squared":
        found |= zip([f"dE/da_{unit}" for unit in network.layer_units[-1]], (outputs - case.targets)[0], strict=True)
    found |= zip([f"dE/d{unit}" for unit in chain(*network.layer_units)], deltas_by_pyfuncs(case), strict=True)
    found |= zip(network.gradient_names, propagation.gradient(*case.arguments), strict=True)
    found |= zip([f"new {w}" for w in network.weight_names], descent.step(*case.arguments, rate), strict=True)
    return {name: float(value) for name, value in found.items()}


def deltas_by_pyfuncs(case: Case) -> np.ndarray:
    """dE/dz of every unit: the derivative by a bias of its own, which each unit is given here."""
    network, units = case.network, case.network.sizes[1:]
    own = replace(network, bias="bias")
    weights, biases = np.split(case.weights, [own.weight_count - sum(units)])
    if network.bias != "bias":
        biases = np.repeat(biases, units) if len(biases) else np.zeros(sum(units))
    return propagation.gradient(own, np.append(weights, biases), case.inputs, case.targets)[-sum(units) :]
