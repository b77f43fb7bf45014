"""The networks: the exercise's, layer by layer."""

import pytest
import torch
from torch import nn

from cnn import models
from cnn.settings import SETTINGS

CONVOLUTIONS = [(1, 8), (8, 16), (16, 32), (32, 16)]


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
@pytest.mark.parametrize("images", [1, 3])
def test_a_network_makes_ten_logits_of_every_image(model: str, images: int) -> None:
    network = models.build(model).eval()
    assert network(torch.zeros(images, 1, 28, 28)).shape == (images, 10)


def test_the_seed_fixes_the_initial_weights() -> None:
    def weights(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return torch.cat([weight.flatten() for weight in models.build("reference").parameters()])

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_the_settings_offer_every_network() -> None:
    assert SETTINGS["model"].choices == tuple(models.MODELS)
