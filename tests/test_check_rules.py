"""The check's rules are generated from the network: they agree with pyfuncs, and with PyTorch's own derivatives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pyfuncs.descent import train_table
from pyfuncs.network import Network
from tests.descents import NETWORKS
from xlsx.check.rules import POINTS, rules_of

ROWS = 6
KINDS = [*dict.fromkeys(NETWORKS), "2-1", "2-3-2-1 tanh", "1-2-1 relu cross-entropy bias"]


def givens(network: Network, seed: int = 5) -> dict[str, np.ndarray]:
    """Inputs, targets and weights of a few rows; softmax's targets add up to 1."""
    chance, rules = np.random.default_rng(seed), rules_of(network)
    found = {name: chance.uniform(0.1, 0.9, ROWS) for name in rules.givens}
    if network.output == "softmax":
        whole = sum(found[name] for name in network.target_names)
        found |= {name: found[name] / whole for name in network.target_names}
    return found


@pytest.mark.parametrize("text", KINDS)
def test_the_rules_give_what_pyfuncs_computes(text: str) -> None:
    network = Network.parse(text)
    given, values = givens(network), rules_of(network).values(givens(network))
    for row in range(ROWS):
        start, inputs, targets = (
            np.array([given[name][row] for name in names])
            for names in (network.weight_names, network.input_names, network.target_names)
        )
        (table,) = train_table(network, start, inputs[None], targets[None], 0.5, 0)
        for name, due in zip(network.headers("train"), table, strict=True):
            if name in values:
                assert values[name][row] == pytest.approx(due, rel=1e-12, abs=1e-14), name


@pytest.mark.parametrize("text", KINDS)
def test_every_derivative_is_that_of_autograd(text: str) -> None:
    """dE/d of each weight, unit and output, from a loss that is built of the forward rules alone."""
    network = Network.parse(text)
    rules, given = rules_of(network), givens(network)
    values = rules.values(given)
    leaves = {name: torch.tensor(each, dtype=torch.float64, requires_grad=True) for name, each in given.items()}
    units, source = {}, [leaves[name] for name in network.input_names]
    for layer in rules.layers:
        sums = []
        for at, z in enumerate(layer.units):
            total = sum(leaves[w] * x for w, x in zip(layer.weights[at], source, strict=True))
            sums.append(total + leaves[layer.biases[at]] if layer.biases else total)
            units[z] = sums[-1]
        outputs = activated(layer.activation, sums)
        units |= {f"a_{z}": a for z, a in zip(layer.units, outputs, strict=True)}
        source = outputs
    for each in units.values():
        each.retain_grad()
    loss_of(network, source, [leaves[name] for name in network.target_names]).sum().backward()
    named = {f"dE/d{name}": tensor for name, tensor in {**leaves, **units}.items() if f"dE/d{name}" in values}
    assert len(named) > len(network.learned)
    for name, tensor in named.items():
        np.testing.assert_allclose(
            values[name] + np.zeros(ROWS), tensor.grad.numpy(), rtol=1e-9, atol=1e-14, err_msg=name
        )


def activated(word: str, sums: list[torch.Tensor]) -> list[torch.Tensor]:
    if word == "softmax":
        return list(torch.softmax(torch.stack(sums), 0))
    return [{"linear": lambda z: z}.get(word, getattr(torch, word, None))(z) for z in sums]


def loss_of(network: Network, outputs: list[torch.Tensor], targets: list[torch.Tensor]) -> torch.Tensor:
    pairs = list(zip(targets, outputs, strict=True))
    if network.loss == "half-squared":
        return sum(0.5 * (t - a) ** 2 for t, a in pairs)
    if network.output == "softmax":
        return sum(-t * torch.log(a) for t, a in pairs)
    return sum(-t * torch.log(a) - (1 - t) * torch.log(1 - a) for t, a in pairs)


def test_weights_numbered_another_way_have_the_same_rules_under_other_names() -> None:
    network, wiring = Network.parse("2-2-2"), (("w2", "w3"), ("w3", "w2"))
    plain, other, given = rules_of(network), rules_of(network, wiring), givens(network)
    swapped = given | {"w2": given["w3"], "w3": given["w2"]}
    np.testing.assert_array_equal(plain.values(given)["dE/dw2"], other.values(swapped)["dE/dw3"])
    assert other.givens.index("w3") == plain.givens.index("w2")


def test_a_bound_covers_what_rounding_makes_of_the_givens() -> None:
    rules, given = rules_of(Network.parse("2-2-2")), givens(Network.parse("2-2-2"))
    rounded = {name: np.round(each, 4) for name, each in given.items()}
    units = {name: np.full(ROWS, 0.5e-4) for name in given}
    values, bounds = rules.bounds(rounded, units)
    for name, exact in rules.values(given).items():
        assert np.all(np.abs(exact - values[name]) <= bounds[name]), name
        assert POINTS >= 3
