"""The networks: their lists of layers, their size, and what is printed of them."""

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from cnn import models
from cnn.runs.settings import SETTINGS

PROJECT = Path(__file__).resolve().parents[1]
CONVOLUTIONS = [(1, 8), (8, 16), (16, 32), (32, 16)]
LIMITS = {"tuned": 20_000, "compact": 8_000, "small": 3_000, "tiny-2": 2_500, "tiny": 2_500, "reference": 14_667}


def test_reference_has_the_14666_parameters_of_the_exercise() -> None:
    weights_and_biases = sum(9 * before * after + after for before, after in CONVOLUTIONS)
    batch_norm = sum(2 * after for _, after in CONVOLUTIONS)
    linear = 400 * 10 + 10
    assert weights_and_biases + batch_norm + linear == 14_666
    assert models.parameter_count(models.build("reference")) == 14_666


def test_reference_is_the_exercises_list_of_layers() -> None:
    network = models.reference()
    kinds = "".join(type(layer).__name__[0] for layer in network)
    assert kinds == "CBRM" + "CBRDM" + "CBRD" + "CBR" + "FL"
    assert [(c.in_channels, c.out_channels) for c in network if isinstance(c, nn.Conv2d)] == CONVOLUTIONS
    assert [layer.p for layer in network if isinstance(layer, nn.Dropout2d)] == [0.25, 0.25]


@pytest.mark.parametrize("model", models.MODELS)
def test_a_network_is_within_its_limit(model: str) -> None:
    assert models.parameter_count(models.build(model)) < LIMITS[model]


@pytest.mark.parametrize("model", models.MODELS)
@pytest.mark.parametrize("images", [1, 3])
def test_a_network_makes_ten_logits_of_every_image(model: str, images: int) -> None:
    network = models.build(model).eval()
    assert network(torch.zeros(images, 1, 28, 28)).shape == (images, 10)


@pytest.mark.parametrize("model", models.MODELS)
def test_every_weight_of_a_network_is_learnt(model: str) -> None:
    torch.manual_seed(0)
    network = models.build(model)
    nn.functional.cross_entropy(network(torch.randn(16, 1, 28, 28)), torch.arange(16) % 10).backward()
    for name, weight in network.named_parameters():
        if name not in without_effect(network):
            assert weight.grad.abs().max() > 1e-8, name


def without_effect(network: nn.Module) -> set[str]:
    """Biases that the next BatchNorm takes out again."""
    layers = [(name, layer) for name, layer in network.named_modules() if not isinstance(layer, nn.Sequential)]
    return {f"{name}.bias" for (name, _), (_, after) in pairwise(layers) if isinstance(after, nn.BatchNorm2d)}


def test_the_seed_fixes_the_initial_weights() -> None:
    def weights(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return torch.cat([weight.flatten() for weight in models.build("tuned").parameters()])

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_the_settings_offer_every_network() -> None:
    assert SETTINGS["model"].choices == tuple(models.MODELS)


@pytest.mark.parametrize("model", models.MODELS)
def test_the_layer_table_counts_as_pytorch_does(model: str) -> None:
    network = models.build(model).eval()
    rows = models.layer_table(network)
    assert sum(row["parameters"] for row in rows) == models.parameter_count(network)
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 1, 28, 28))
    uncounted = sum(layer.weight.numel() for layer in network.modules() if isinstance(layer, models.Places))
    counted = counter.get_total_flops() // 2  # a product and a sum each
    assert sum(row["multiply_adds"] for row in rows) == counted + uncounted
    assert rows[-1] == {**rows[-1], "output": "10"}


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_places_is_a_depthwise_convolution_as_large_as_what_comes_in(memory_format: torch.memory_format) -> None:
    places, images = models.Places(5, 6), torch.randn(3, 5, 6, 6).to(memory_format=memory_format)
    kernels = places.weight.t().reshape(5, 1, 6, 6)
    torch.testing.assert_close(places(images), nn.functional.conv2d(images, kernels, groups=5).flatten(1))


def test_pointwise_is_a_1_x_1_convolution_and_its_output_and_gradient_are_channels_last() -> None:
    pointwise, images = models.Pointwise(5, 7), torch.randn(3, 5, 6, 4).to(memory_format=torch.channels_last)
    images.requires_grad_()
    found = pointwise(images)
    torch.testing.assert_close(found, nn.functional.conv2d(images, pointwise.weight[:, :, None, None]))
    (gradient,) = torch.autograd.grad(found.sum(), images)
    assert all(each.is_contiguous(memory_format=torch.channels_last) for each in (found, gradient))


def test_mean_is_pytorchs_and_its_gradient_is_channels_last() -> None:
    images = torch.randn(3, 5, 6, 4, requires_grad=True)
    layer = images.contiguous(memory_format=torch.channels_last)
    gradients = []
    layer.register_hook(gradients.append)
    means = models.Mean()(layer)
    torch.testing.assert_close(means, nn.functional.adaptive_avg_pool2d(images, 1).flatten(1))
    (means @ torch.ones(5, 2)).sum().backward()
    assert gradients[0].is_contiguous(memory_format=torch.channels_last)


def test_tuned_does_not_see_the_edge() -> None:
    network, images = models.build("tuned").eval(), torch.randn(2, 1, 28, 28)
    edge = torch.ones(28, 28, dtype=torch.bool)
    edge[2:-2, 2:-2] = False
    assert torch.equal(network(images), network(torch.where(edge, 7.0, images)))


def test_the_networks_are_printed_with_their_limit() -> None:
    said = subprocess.run([sys.executable, "-m", "cnn.models"], cwd=PROJECT, capture_output=True, text=True)
    heads = [line for line in said.stdout.splitlines() if line and not line.startswith(" ")]
    assert [head.split(":")[0] for head in heads] == list(models.MODELS)
    assert "reference: 14,666 parameters, 5,334 under the limit of 20,000; 627,232 multiply-adds an image" in heads
    assert re.search(r"^  Conv2d 1→8, 3×3 +8×28×28 +80 +56,448$", said.stdout, re.MULTILINE)
