"""The named starting points, and the example start of every other network."""

import numpy as np
import pytest
from hypothesis import given

from pyfuncs.descent import history, sweep
from pyfuncs.network import Network, NetworkError
from pyfuncs.presets import PRESETS, starting_point
from pyfuncs.propagation import forward, gradient, loss, predict
from tests.networks import CANONICAL, STARTS, networks


@pytest.mark.parametrize("name", STARTS)
def test_a_canonical_preset_is_the_canonical_setup(name):
    preset = starting_point(Network.parse("2-2-2"), name)
    setup = {"inputs": [*preset.inputs[0]], "targets": [*preset.targets[0]], "weights": [*preset.weights]}
    assert setup == CANONICAL[name]["setup"]
    assert (preset.network, preset.learning_rate) == ("2-2-2", 0.5)


def test_the_mazur_preset_starts_at_his_published_error():
    preset = starting_point(Network.parse("2-2-2 fixed-bias"), "Mazur")
    errors = loss(Network.parse(preset.network), preset.weights, preset.inputs, preset.targets)
    assert errors[-1] == pytest.approx(0.29837110876, abs=5e-12)
    assert preset.weights[8:] == (0.35, 0.60)


@pytest.mark.parametrize(("text", "name"), [("2-2-2", "course"), ("2-2-2 fixed-bias", "mazur")])
def test_the_first_preset_that_fits_is_the_default(text, name):
    assert starting_point(Network.parse(text)) == PRESETS[name]


def test_a_preset_fits_other_units_and_takes_their_network():
    preset = starting_point(Network.parse("2-2-2 tanh linear"), "seed")
    assert (preset.network, preset.weights) == ("2-2-2 tanh linear", PRESETS["seed"].weights)


@given(networks())
def test_every_network_has_a_starting_point_that_does_not_change(network):
    start = starting_point(network)
    assert start == starting_point(network)
    assert Network.parse(start.network) == network
    assert len(start.weights) == network.weight_count
    assert (len(start.inputs[0]), len(start.targets[0])) == (network.sizes[0], network.sizes[-1])
    assert len(start.inputs) == len(start.targets)
    assert np.isfinite(loss(network, start.weights, start.inputs, start.targets)).all()


def test_the_xor_preset_learns_xor_by_plain_gradient_descent():
    preset = starting_point(Network.parse("2-2-1 bias"), "xor")
    network, data = Network.parse(preset.network), (np.array(preset.inputs), np.array(preset.targets))
    assert [(*i, *t) for i, t in zip(preset.inputs, preset.targets, strict=True)] == [
        (a, b, a != b) for a in (0, 1) for b in (0, 1)
    ]
    errors = sweep(network, preset.weights, *data, [preset.learning_rate], 1000)[:, 0]
    assert np.argmax(errors < 0.01) == 736
    learned = history(network, preset.weights, *data, preset.learning_rate, 1000)[-1]
    assert (np.round(predict(network, learned, data[0])) == data[1]).all()


def test_an_example_start_for_softmax_has_one_class_as_its_target():
    assert starting_point(Network.parse("3-4-3 relu softmax")).targets == ((1.0, 0.0, 0.0),)


@pytest.mark.parametrize(
    "text",
    ["2-1", "3-4-2", "2-2-2 bias", "3-4-4-2 relu linear bias", "2-3-2 cross-entropy", "784-50-10", "784-100-10 relu"],
)
def test_an_example_start_has_distinct_numbers_and_live_units(text):
    network = Network.parse(text)
    start = starting_point(network)
    for numbers in (start.inputs[0], start.targets[0], start.weights):
        assert len(set(numbers)) == len(numbers)
        assert all(0 < number < 1 for number in numbers)
    values = forward(network, start.weights, start.inputs).a[1:]
    assert all(len(np.unique(layer)) == layer.size for layer in values)
    assert all((abs(layer) > 0).all() and (abs(layer) < 5).all() for layer in values)
    assert (gradient(network, start.weights, start.inputs, start.targets) != 0).all()


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("2-2-2", "corse", r'unknown preset "corse"; did you mean course\? \(allowed: course, seed, half-targets,'),
        (
            "2-2-2",
            "mazur",
            "is for 2-2-2 fixed-bias, not for 2-2-2; those that fit: course, seed, half-targets, mixed-signs",
        ),
        ("2-2-2 fixed-bias", "seed", "is for 2-2-2, not for 2-2-2 fixed-bias; those that fit: mazur"),
        ("3-2-1", "course", "is for 2-2-2, not for 3-2-1; none fits; leave it out for an example start"),
    ],
)
def test_a_preset_that_does_not_fit_is_refused_and_the_fitting_ones_named(text, name, message):
    with pytest.raises(NetworkError, match=message):
        starting_point(Network.parse(text), name)
