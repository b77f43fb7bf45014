"""The forward and the backward pass, against the canonical figures, Mazur's published ones, and PyTorch."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pyfuncs.network import Network, NetworkError
from pyfuncs.propagation import SLOPES, forward, gradient, loss, predict, units
from tests.networks import CANONICAL, DEFAULT, STARTS, canonical_case, cases, mazur_case, torch_loss, torch_outputs

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize("start", STARTS)
def test_every_quantity_before_the_first_update_is_the_canonical_one(start):
    case = canonical_case(start)
    names = DEFAULT.headers("forward") + DEFAULT.headers("loss") + DEFAULT.headers("gradient")
    values = np.concatenate([units(*case.arguments[:3])[0], loss(*case.arguments), gradient(*case.arguments)])
    first = {name.replace("_d", "/d"): value for name, value in CANONICAL[start]["first"].items()}
    assert dict(zip(names, values, strict=True)) == pytest.approx(first, rel=0, abs=1e-14)


def test_mazurs_published_figures():
    case = mazur_case()
    h1, a_h1, _, a_h2, o1, a_o1, _, a_o2 = units(*case.arguments[:3])[0]
    assert [h1, a_h1, a_h2] == pytest.approx([0.3775, 0.593269992, 0.596884378], abs=5e-10)
    assert [o1, a_o1, a_o2] == pytest.approx([1.105905967, 0.75136507, 0.772928465], abs=5e-9)
    assert loss(*case.arguments) == pytest.approx([0.274811083, 0.023560026, 0.29837110876], abs=5e-10)
    assert gradient(*case.arguments)[[0, 4]] == pytest.approx([0.000438568, 0.082167041], abs=5e-10)


@given(cases())
def test_outputs_loss_and_gradient_are_those_of_pytorch(case):
    weights = torch.tensor(case.weights, requires_grad=True)
    error = torch_loss(case.network, weights, case.inputs, case.targets)
    error.backward()
    outputs = torch_outputs(case.network, weights, case.inputs).detach().numpy()
    np.testing.assert_allclose(predict(*case.arguments[:3]), outputs, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(loss(*case.arguments)[-1], error.item(), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(gradient(*case.arguments), weights.grad.numpy(), rtol=1e-11, atol=1e-12)


@given(cases(), st.sampled_from([(3,), (2, 3)]))
def test_leading_axes_of_the_weights_give_what_each_row_gives_alone(case, lead):
    network, weights, inputs, targets = case.arguments
    many = weights * np.random.default_rng(0).uniform(0.5, 1.5, (*lead, 1))
    for function, last in ((units, ()), (predict, ()), (loss, (targets,)), (gradient, (targets,))):
        together = function(network, many, inputs, *last)
        assert together.shape[: len(lead)] == lead
        for row in np.ndindex(lead):
            alone = function(network, many[row], inputs, *last)
            np.testing.assert_allclose(together[row], alone, rtol=1e-12, atol=1e-13)


@given(cases())
def test_the_loss_and_gradient_of_a_batch_are_the_means_of_its_samples(case):
    network, weights, inputs, targets = case.arguments
    for function in (loss, gradient):
        alone = [function(network, weights, i[None], t[None]) for i, t in zip(inputs, targets, strict=True)]
        np.testing.assert_allclose(function(*case.arguments), np.mean(alone, axis=0), rtol=1e-11, atol=1e-12)


@given(cases())
def test_units_are_the_passes_z_and_a_in_the_order_of_their_names(case):
    values = dict(zip(case.network.unit_names, np.moveaxis(units(*case.arguments[:3]), -1, 0), strict=True))
    z, a = forward(*case.arguments[:3])
    assert a[0] is case.inputs
    for layer, names in enumerate(case.network.layer_units):
        for unit, name in enumerate(names):
            assert np.array_equal(values[name], z[layer][:, unit])
            assert np.array_equal(values[f"a_{name}"], a[layer + 1][:, unit])


@pytest.mark.parametrize("unit", ["sigmoid", "tanh", "relu", "linear"])
@pytest.mark.parametrize("z", [1000.0, -1000.0])
def test_saturated_units_give_finite_numbers_without_a_warning(unit, z):
    network = Network((1, 2, 1), unit, "sigmoid", bias="bias")
    arguments = network, np.full(network.weight_count, z), np.ones((1, 1)), np.full((1, 1), 0.5)
    for values in (units(*arguments[:3]), loss(*arguments), gradient(*arguments)):
        assert np.isfinite(values).all()


@pytest.mark.parametrize(("z", "wrong_end"), [(1000.0, 0.0), (-1000.0, 1.0)])
def test_cross_entropy_of_a_saturated_sigmoid_is_exact(z, wrong_end):
    case = Network.parse("1-1 cross-entropy"), np.array([z]), np.ones((1, 1))
    assert loss(*case, [[1 - wrong_end]]).tolist() == [0, 0]
    assert loss(*case, [[wrong_end]]).tolist() == [1000, 1000]
    assert loss(*case, [[0.5]]).tolist() == [500, 500]
    assert gradient(*case, [[wrong_end]]).tolist() == [np.sign(z)]


def test_softmax_and_its_loss_are_exact_at_any_z():
    case = Network.parse("1-3 sigmoid softmax"), np.array([1000.0, -1000.0, 1000.0]), np.ones((1, 1))
    assert predict(*case).tolist() == [[0.5, 0, 0.5]]
    assert loss(*case, [[0, 1, 0]]).tolist() == [0, 2000 + math.log(2), 0, 2000 + math.log(2)]
    assert gradient(*case, [[0, 1, 0]]).tolist() == [0.5, -1, 0.5]
    assert loss(case[0], [1000.0, -1000.0, 0.0], case[2], [[1, 0, 0]]).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("z", [5.0, 40.0, 300.0, 700.0])
@pytest.mark.parametrize("order", [[0, 1, 2], [1, 0, 2], [2, 1, 0]])
def test_a_small_cross_entropy_keeps_its_digits(z, order):
    sure = np.array([0.0, -z, -z])[order]  # −ln a of the first is ln(1 + 2e^−z)
    error = loss(Network.parse("1-3 sigmoid softmax"), sure, [[1.0]], [(sure == 0).astype(float)])[-1]
    assert error == pytest.approx(math.log1p(2 * math.exp(-z)), rel=1e-12, abs=0)
    binary = loss(Network.parse("1-1 cross-entropy"), [z], [[1.0]], [[1.0]])[-1]
    assert binary == pytest.approx(math.log1p(math.exp(-z)), rel=1e-12, abs=0)


def test_cross_entropy_is_minus_t_ln_a_and_its_delta_is_a_minus_t():
    softmax = Network.parse("1-2 sigmoid softmax"), np.array([0.2, -0.3]), np.ones((1, 1)), np.array([[0.25, 0.75]])
    (a,), (t,) = predict(*softmax[:3]), softmax[3]
    assert loss(*softmax) == pytest.approx([*(-t * np.log(a)), -(t * np.log(a)).sum()], rel=1e-14)
    assert gradient(*softmax) == pytest.approx(a - t, rel=1e-14)
    binary = Network.parse("1-2 cross-entropy"), *softmax[1:]
    (a,) = predict(*binary[:3])
    errors = -t * np.log(a) - (1 - t) * np.log(1 - a)
    assert loss(*binary) == pytest.approx([*errors, errors.sum()], rel=1e-14)
    assert gradient(*binary) == pytest.approx(a - t, rel=1e-14)


def test_softmax_targets_need_not_add_up_to_1():
    network = Network.parse("1-2 sigmoid softmax")
    z = torch.tensor([0.2, -0.3], dtype=torch.float64, requires_grad=True)
    (torch.tensor([-0.3, -0.4], dtype=torch.float64) * torch.log_softmax(z, -1)).sum().backward()
    weights = z.detach().numpy()
    expected = predict(network, weights, [[1.0]])[0] * 0.7 - [0.3, 0.4]
    assert gradient(network, weights, [[1.0]], [[0.3, 0.4]]) == pytest.approx(expected, rel=1e-14)
    assert z.grad.numpy() == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("text", ["1-1 cross-entropy", "1-2 sigmoid softmax"])
@pytest.mark.parametrize("target", [-0.1, 1.1, np.nan])
def test_a_target_that_is_no_probability_is_refused(text, target):
    network = Network.parse(text)
    targets = np.full((1, network.sizes[-1]), target)
    for function in (loss, gradient):
        with pytest.raises(NetworkError, match="its targets must be 0 to 1"):
            function(network, np.zeros(network.weight_count), [[1.0]], targets)


def test_a_sigmoid_far_from_zero_is_exactly_0_or_1():
    network = Network.parse("1-1")
    assert predict(network, [1000.0], [[1.0], [-1.0]]).tolist() == [[1.0], [0.0]]


@pytest.mark.parametrize("z", [-5.0, -20.0, -40.0, -300.0, -700.0])
def test_a_small_sigmoid_keeps_its_digits(z):
    value = predict(Network.parse("1-1"), [z], [[1.0]]).item()
    assert value == pytest.approx(math.exp(z) / (1 + math.exp(z)), rel=1e-14, abs=0)


@pytest.mark.parametrize("unit", ["tanh", "relu", "linear"])
def test_what_overflows_comes_back_not_finite_and_without_a_warning(unit):
    network = Network((1, 1, 1), unit, "linear")
    arguments = network, np.full(2, 1e300), np.full((1, 1), 1e300), np.zeros((1, 1))
    assert not np.isfinite(loss(*arguments)).any()
    assert not np.isfinite(gradient(*arguments)).all()


def test_the_slope_of_relu_at_zero_is_taken_as_zero():
    slope = SLOPES["relu"]
    assert slope(np.array([0.0, 1e-300])).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        ([[1, 2, 3]], [[1, 2]], r"inputs have the shape \(1, 3\); due is a row of 2 for each sample"),
        ([1, 2], [[1, 2]], r"inputs have the shape \(2,\)"),
        ([[1, 2]], [[1]], r"targets have the shape \(1, 1\); due is a row of 2"),
        ([[1, 2], [3, 4]], [[1, 2]], "2 rows of inputs, but 1 of targets"),
        (np.empty((0, 2)), np.empty((0, 2)), "inputs have the shape"),
    ],
)
@pytest.mark.parametrize("function", [loss, gradient])
def test_inputs_and_targets_that_do_not_fit_are_refused(function, inputs, targets, message):
    with pytest.raises(NetworkError, match=message):
        function(DEFAULT, np.zeros(8), inputs, targets)


def test_whole_numbers_and_lists_are_read_as_float64():
    assert gradient(DEFAULT, [1] * 8, [[1, 2]], [[0, 1]]).dtype == np.float64
