"""The network text, and the names and places of the numbers it implies."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyfuncs.network import MAX_LAYERS, MAX_UNITS, MAX_WEIGHTS, Network, NetworkError
from tests.networks import networks

parse = Network.parse


@given(networks())
def test_the_text_of_a_network_parses_to_that_network(network):
    assert parse(network.text) == network
    assert parse(network.text).text == network.text


@given(networks(), st.data())
def test_the_words_after_the_sizes_stand_in_any_order_and_case(network, data):
    sizes = "-".join(map(str, network.sizes))
    others = [network.loss, *([] if network.bias == "none" else [network.bias])]
    words = [network.hidden, network.output]
    for word in others:
        words.insert(data.draw(st.integers(0, len(words))), word)
    cased = [data.draw(st.sampled_from([str.lower, str.upper, str.title]))(word) for word in words]
    assert parse("  ".join([sizes, *cased])) == network


def test_sizes_alone_are_sigmoid_sigmoid_half_squared_without_biases():
    assert parse("2-2-2") == Network((2, 2, 2), "sigmoid", "sigmoid", "half-squared", "none")
    assert parse("2-2-2 sigmoid sigmoid half-squared").text == "2-2-2"


def test_one_unit_word_sets_the_hidden_layers_only():
    network = parse("3-4-4-2 relu")
    assert (network.hidden, network.output) == ("relu", "sigmoid")
    assert network.activations == ("relu", "relu", "sigmoid")


def test_softmax_outputs_take_cross_entropy_without_saying_so():
    network = parse("2-3-2 relu softmax bias")
    assert (network.hidden, network.output, network.loss) == ("relu", "softmax", "cross-entropy")
    assert network == parse("2-3-2 relu softmax cross-entropy bias")
    assert network.text == "2-3-2 relu softmax bias"
    assert Network((2, 3, 2), "relu", "softmax", bias="bias") == network


def test_sigmoid_outputs_take_cross_entropy_when_the_text_says_so():
    network = parse("2-3-2 Cross-Entropy")
    assert (network.output, network.loss, network.text) == ("sigmoid", "cross-entropy", "2-3-2 cross-entropy")


def test_a_parsed_text_is_kept():
    assert parse("2-3-2 tanh") is parse("2-3-2 tanh")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the layer sizes come first: whole numbers joined by hyphens, such as 2-2-2"),
        ("tanh", "the layer sizes come first"),
        ("tanh 2-2-2", "the layer sizes come first"),
        ("2,2,2", "the layer sizes come first"),
        ("2-2.5-2", "the layer sizes come first"),
        ("-2-2", "the layer sizes come first"),
        ("2--2", "the layer sizes come first"),
        ("2-2-2²", "the layer sizes come first"),
        ("2", "inputs and outputs are two layers at least, such as 2-1 or 2-2-2"),
        ("37289", "where a cell makes a date of it, type an apostrophe first: '2-2-2"),
        ("2-0-2", "size 2 is below 1; a layer has 1 to 1,000 units"),
        ("2-2-1001", "size 3 is too large; a layer has 1 to 1,000 units"),
        ("9" * 5000 + "-2", "size 1 is too large; a layer has 1 to 1,000 units"),
        ("1-" * MAX_LAYERS + "1", "21 layers; at most 20 are allowed"),
        ("1000-101-1", "1000-101-1 has 101,101 weights; at most 100,000 are allowed"),
        ("2-2-2 tahn", 'unknown word "tahn"; did you mean tanh? (allowed: sigmoid, tanh, relu, linear, softmax,'),
        ("2-2-2 biases", "did you mean bias?"),
        (
            "2-2-2 quartz",
            'unknown word "quartz" (allowed: sigmoid, tanh, relu, linear, softmax, half-squared, cross-entropy, bias, '
            "fixed-bias)",
        ),
        ("2-2-2 3-3", 'unknown word "3-3" (allowed: sigmoid'),
        ("2-2-2 half-squared half-squared", "half-squared and half-squared: too many; the text may name one loss"),
        ("2-2-2 bias fixed-bias", "bias and fixed-bias: too many; the text may name one kind of biases"),
        ("2-2-2 tanh relu linear", "tanh and relu and linear: too many; the text may name a hidden and an output unit"),
        ("2-1 tanh", "there is no hidden layer for tanh to set; for the outputs write sigmoid tanh"),
        ("2-2-2 softmax", "softmax is for the outputs only, which the second unit word sets: write sigmoid softmax"),
        ("2-2-2 softmax tanh", "softmax is for the outputs only"),
        ("2-2 softmax", "there is no hidden layer for softmax to set; for the outputs write sigmoid softmax"),
        ("2-2-1 tanh softmax", "softmax of one output is always 1; take two outputs, or sigmoid with cross-entropy"),
        ("2-2-2 sigmoid softmax half-squared", "softmax outputs do not go with half-squared (allowed: "),
        ("2-2-2 tanh tanh cross-entropy", "tanh outputs do not go with cross-entropy (allowed: "),
        ("2-2-2 tanh linear cross-entropy", "linear outputs do not go with cross-entropy (allowed: "),
        (
            "2-2-2 tanh relu cross-entropy",
            "(allowed: sigmoid: half-squared or cross-entropy; tanh: half-squared; relu: half-squared; "
            "linear: half-squared; softmax: cross-entropy)",
        ),
        ("2-2-2 half-squared cross-entropy", "half-squared and cross-entropy: too many; the text may name one loss"),
    ],
)
def test_a_wrong_text_is_refused_and_says_what_is_allowed(text, message):
    with pytest.raises(NetworkError) as refusal:
        parse(text)
    assert str(refusal.value).startswith(f'network "{text[:60]}": ')
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"hidden": "swish"},
        {"hidden": "softmax"},
        {"output": "softmax", "loss": "half-squared"},
        {"output": "tanh", "loss": "cross-entropy"},
        {"bias": "biass"},
        {"sizes": (2, 0)},
    ],
)
def test_a_network_made_without_a_text_is_checked_too(wrong):
    with pytest.raises(NetworkError):
        Network(**{"sizes": (2, 2, 2)} | wrong)


def test_the_largest_sizes_are_allowed():
    assert parse(f"{MAX_UNITS}-100").weight_count == MAX_WEIGHTS
    assert len(parse("-".join(["1"] * MAX_LAYERS)).sizes) == MAX_LAYERS


def test_the_names_are_those_of_the_exercise():
    network = parse("2-2-2")
    assert network.input_names == ("i1", "i2")
    assert network.target_names == ("t1", "t2")
    assert network.weight_names == ("w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8")
    assert network.unit_names == ("h1", "a_h1", "h2", "a_h2", "o1", "a_o1", "o2", "a_o2")
    assert network.layer_units == (("h1", "h2"), ("o1", "o2"))
    assert network.loss_names == ("E1", "E2", "E_total")
    assert network.gradient_names[0] == "dE/dw1"


def test_several_hidden_layers_are_named_by_layer_and_unit():
    assert parse("1-2-1-1").layer_units == (("h1_1", "h1_2"), ("h2_1",), ("o1",))


def test_without_a_hidden_layer_there_are_outputs_only():
    assert parse("3-2").layer_units == (("o1", "o2"),)


def test_biases_are_named_after_the_weights():
    assert parse("2-2-1 bias").weight_names == ("w1", "w2", "w3", "w4", "w5", "w6", "b1", "b2", "b3")
    assert parse("2-2-1 fixed-bias").gradient_names[-2:] == ("dE/db1", "dE/db2")


def test_headers_name_the_columns_of_each_kind():
    network = parse("1-1-1")
    assert network.headers("forward") == ("h1", "a_h1", "o1", "a_o1")
    assert network.headers("Loss ") == ("E1", "E_total")
    assert network.headers("gradient") == ("dE/dw1", "dE/dw2")
    assert " ".join(network.headers("train")) == "t1 i1 w1 w2 h1 a_h1 o1 a_o1 E1 E_total dE/dw1 dE/dw2"


def test_headers_of_an_unknown_kind_are_refused():
    with pytest.raises(NetworkError, match=r"did you mean train\? \(allowed: forward, loss, gradient, train\)"):
        parse("2-2-2").headers("trian")


def test_weights_lie_layer_by_layer_and_receiving_unit_by_receiving_unit():
    (first, _), (second, _) = parse("2-3-1").unpack(np.arange(1, 10))
    assert first.tolist() == [[1, 2], [3, 4], [5, 6]]  # w2 = i2→h1, w3 = i1→h2
    assert second.tolist() == [[7, 8, 9]]


def test_biases_lie_after_all_weights():
    (_, first), (_, second) = parse("2-2-1 bias").unpack(np.arange(1, 10))
    assert (first.tolist(), second.tolist()) == ([7, 8], [9])


def test_a_fixed_bias_is_one_for_its_layer():
    (_, first), (_, second) = parse("2-2-2 fixed-bias").unpack(np.arange(1, 11))
    assert (first.tolist(), second.tolist()) == ([9], [10])


@given(networks(), st.sampled_from([(), (3,), (2, 3)]))
def test_what_is_written_into_unpacked_layers_arrives_in_the_row_for_any_leading_axes(network, lead):
    weights = np.random.default_rng(0).normal(size=(*lead, network.weight_count))
    row = np.zeros_like(weights)
    for (w, b), (new_w, new_b) in zip(network.unpack(row), network.unpack(weights), strict=True):
        w[...] = new_w
        if b is not None:
            b[...] = new_b
    assert np.array_equal(row, weights)


@given(networks())
def test_every_number_has_a_name_and_every_name_is_unique(network):
    assert len(network.weight_names) == len(network.learned) == network.weight_count
    assert len(set(network.headers("train"))) == len(network.headers("train"))


def test_only_fixed_biases_are_not_learned():
    assert parse("2-2-1 bias").learned.all()
    assert parse("2-2-1 fixed-bias").learned.tolist() == [True] * 6 + [False] * 2


@pytest.mark.parametrize("weights", [np.zeros(7), np.zeros(9), np.zeros((8, 1)), np.float64(1)])
def test_a_wrong_number_of_weights_is_refused(weights):
    with pytest.raises(NetworkError, match=r"2-2-2 has 8 weights, not \d"):
        parse("2-2-2").unpack(weights)
