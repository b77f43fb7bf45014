"""Central differences beside the analytic gradient, and the verdict on each weight."""

import numpy as np
import pytest
import torch
from hypothesis import given

from pyfuncs import gradient_check
from pyfuncs.descent import history
from pyfuncs.gradient_check import check
from pyfuncs.network import Network
from pyfuncs.propagation import forward, gradient
from tests.networks import STARTS, Case, canonical_case, cases, mazur_case, torch_loss

pytestmark = pytest.mark.filterwarnings("error")


def verdicts(*arguments) -> list[str]:
    return [verdict for *_, verdict in check(*arguments)]


@pytest.mark.parametrize("start", STARTS)
def test_every_starting_point_passes(start):
    assert verdicts(*canonical_case(start).arguments) == ["PASS"] * 8


def test_fixed_biases_are_checked_too():
    assert verdicts(*mazur_case().arguments) == ["PASS"] * 10


@given(cases("sigmoid tanh linear"))
def test_smooth_networks_pass(case):
    assert set(verdicts(*case.arguments)) == {"PASS"}


@given(cases())
def test_no_network_fails(case):
    assert "FAIL" not in verdicts(*case.arguments)


@given(cases())
def test_rows_are_the_analytic_and_the_numeric_gradient_and_their_relative_difference(case):
    def error(weights):
        return torch_loss(case.network, torch.tensor(weights), case.inputs, case.targets).item()

    rows = check(*case.arguments)
    assert [row[0] for row in rows] == gradient(*case.arguments).tolist()
    for number, (analytic, numeric, relative, _) in enumerate(rows):
        h = np.zeros_like(case.weights)
        h[number] = step(case, number)
        central = (error(case.weights + h) - error(case.weights - h)) / (2 * h[number])
        assert numeric == pytest.approx(central, rel=1e-8, abs=2e-10 * max(1, error(case.weights)))
        assert relative == abs(analytic - numeric) / max(abs(analytic), abs(numeric), 1e-8)


def step(case: Case, number: int) -> float:
    """h = 1e-5 · ∛max(1, |w|·c) / c, where c is the largest |number| that the weight carries, or 1."""
    network, sources = case.network, forward(*case.arguments[:3]).a
    layers = zip(sources[:-1], network.sizes[1:], strict=True)
    carried = [source for layer, outputs in layers for _ in range(outputs) for source in layer.T]
    largest = max(1, abs(carried[number]).max()) if number < len(carried) else 1
    return max(1, abs(case.weights[number]) * largest) ** (1 / 3) * 1e-5 / largest


FAR = [-3.01546919e-03, 2.25156780e-02, 2.96625396e03, 1.75306398e03, 6.03210086, 1.19185973e-03]  # a_h2 is 1,790


@pytest.mark.parametrize(("wrong", "verdict"), [(1, "PASS"), (1.001, "FAIL"), (0, "FAIL")])
def test_a_weight_that_carries_a_large_number_fails_only_where_it_is_wrong(monkeypatch, wrong, verdict):
    arguments = Network.parse("2-2-1 relu"), FAR, [[0.606231, 0.262461]], [[0.594427]]
    monkeypatch.setattr(gradient_check, "gradient", lambda *task: gradient(*task) * wrong)
    assert verdicts(*arguments)[-1] == verdict


CANCELLING = [0.021, 1.01, 4.14e7, 140.0, -1.39e8, 2.754e8, -20.4, 2.724e8]  # z of 6e14 leave a loss of 6e12


@pytest.mark.parametrize(("wrong", "verdict"), [(1, "PASS"), (1.1, "FAIL")])
def test_a_small_loss_of_large_sums_is_as_exact_as_they_are(monkeypatch, wrong, verdict):
    arguments = Network.parse("2-2-2 relu softmax"), CANCELLING, [[0.05, 0.1]], [[0.01, 0.99]]
    monkeypatch.setattr(gradient_check, "gradient", lambda *task: gradient(*task) * wrong)
    assert verdicts(*arguments)[2] == verdict
    assert wrong != 1 or verdicts(*arguments) == ["PASS"] * 8


@pytest.mark.parametrize("size", [1e2, 1e4, 2e7])
@pytest.mark.parametrize(("wrong", "verdict"), [(1, "PASS"), (1.1, "FAIL"), (-1, "FAIL")])
def test_weights_that_cancel_fail_only_where_they_are_wrong(monkeypatch, size, wrong, verdict):
    monkeypatch.setattr(gradient_check, "gradient", lambda *task: gradient(*task) * wrong)
    assert verdicts(Network.parse("2-1 bias"), [size, -size, 0.1], [[1.0, 1.0]], [[0.5]]) == [verdict] * 3


UNSCALED = ([1.2e3, 3.5e3], [2e-4, 1e-4, -1e-4, 2e-4]), ([1.2e4, 3.5e4], [2e-5, 1e-5, -1e-5, 2e-5])


@pytest.mark.parametrize(("inputs", "weights"), UNSCALED)
@pytest.mark.parametrize(("wrong", "verdict"), [(1, "PASS"), (1.0001, "FAIL"), (-1, "FAIL")])
def test_inputs_in_thousands_fail_only_where_they_are_wrong(monkeypatch, inputs, weights, wrong, verdict):
    monkeypatch.setattr(gradient_check, "gradient", lambda *task: gradient(*task) * wrong)
    arguments = [*weights, 0.4, 0.45, 0.5, 0.55], [inputs], [[0.01, 0.99]]
    assert verdicts(Network.parse("2-2-2"), *arguments) == [verdict] * 8


@pytest.mark.parametrize(("after", "verdicts_of_w1"), [(1e3, "PASS FAIL"), (1e6, "KINK KINK")])
def test_a_step_that_carries_a_later_unit_far_says_nothing(monkeypatch, after, verdicts_of_w1):
    bias = 0.3 - after / (1 + np.exp(-0.6))  # so that o1 is 0.3
    arguments = Network.parse("1-1-1 bias"), [0.5, after, 0.1, bias], [[1.0]], [[0.3]]
    right = verdicts(*arguments)[0]
    monkeypatch.setattr(gradient_check, "gradient", lambda *task: gradient(*task) * 1.1)
    assert f"{right} {verdicts(*arguments)[0]}" == verdicts_of_w1


@pytest.mark.parametrize("wrong", [1.00001, -1, 0, np.nan])
def test_a_wrong_gradient_fails(monkeypatch, wrong):
    monkeypatch.setattr(gradient_check, "gradient", lambda *arguments: gradient(*arguments) * wrong)
    assert set(verdicts(*canonical_case("course").arguments)) == {"FAIL"}


def test_one_wrong_derivative_fails_alone(monkeypatch):
    monkeypatch.setattr(
        gradient_check, "gradient", lambda *arguments: gradient(*arguments) + 1e-6 * (np.arange(8) == 3)
    )
    assert verdicts(*canonical_case("course").arguments) == ["PASS"] * 3 + ["FAIL"] + ["PASS"] * 4


def test_a_nearly_finished_descent_passes():
    case = canonical_case("seed")
    finished = history(*case.arguments, 0.5, 1000)[-1]
    assert max(row[2] for row in check(case.network, finished, case.inputs, case.targets)) > 1e-6
    assert verdicts(case.network, finished, case.inputs, case.targets) == ["PASS"] * 8


def test_saturated_units_pass():
    case = canonical_case("course")
    assert verdicts(case.network, case.weights * 40, case.inputs, case.targets) == ["PASS"] * 8


def test_the_step_grows_with_the_weight():
    network = Network.parse("1-1 sigmoid linear")
    ((analytic, numeric, _, verdict),) = check(network, [1e6], [[1.0]], [[0.0]])
    assert (analytic, verdict) == (1e6, "PASS")
    assert numeric == pytest.approx(1e6, rel=1e-6)


@pytest.mark.parametrize(
    ("w1", "verdict"), [(0.0, "KINK"), (0.9e-5, "KINK"), (-0.9e-5, "KINK"), (1.1e-5, "PASS"), (-1.1e-5, "PASS")]
)
def test_a_relu_within_a_step_of_its_kink_is_a_kink(w1, verdict):
    assert verdicts(Network.parse("1-1-1 relu"), [w1, 0.5], [[1.0]], [[0.0]])[0] == verdict


def test_a_kink_is_where_z_is_carried_over_zero_however_small_the_weight():
    network = Network.parse("1-1-1 relu bias")  # h1 = w1·i1 + b1
    assert verdicts(network, [0.0, 0.5, 1.0, 0.0], [[1.0]], [[0.0]]) == ["PASS"] * 4
    assert verdicts(network, [2.0, 0.5, -2.0, 0.0], [[1.0]], [[0.0]]) == ["KINK", "PASS", "KINK", "PASS"]
    assert verdicts(network, [1.0, 0.5, 0.5e-5, 0.0], [[0.0]], [[0.0]]) == ["PASS", "PASS", "KINK", "PASS"]


def test_a_z_of_zero_that_the_step_does_not_move_is_no_kink():
    assert verdicts(Network.parse("1-1-1 relu"), [0.0, 0.5], [[1.0]], [[0.0]]) == ["KINK", "PASS"]


def test_a_weight_can_carry_a_later_layer_over_its_kink():
    network = Network.parse("1-1-1-1 relu bias")  # h2_1 = w2·(w1·i1 + b1) + b2
    assert verdicts(network, [1.0, 1.0, 1.0, 0.0, -1.0, 0.0], [[1.0]], [[0.0]])[:2] == ["KINK", "KINK"]


def test_a_relu_output_has_its_kink_too():
    assert verdicts(Network.parse("1-1 sigmoid relu"), [0.0], [[1.0]], [[1.0]]) == ["KINK"]


def test_one_sample_of_a_batch_at_its_kink_is_enough():
    assert verdicts(Network.parse("1-1 sigmoid relu bias"), [1.0, -2.0], [[1.0], [2.0]], [[1.0], [1.0]]) == ["KINK"] * 2


@pytest.mark.parametrize("unit", ["sigmoid", "tanh", "linear"])
def test_smooth_units_have_no_kink_at_zero(unit):
    assert set(verdicts(Network((1, 1, 1), unit), [0.0, 0.0], [[1.0]], [[0.0]])) == {"PASS"}


def test_weights_checked_in_groups_give_the_same_rows(monkeypatch):
    case = mazur_case()
    whole = check(*case.arguments)
    monkeypatch.setattr(gradient_check, "PIECE", 20)
    grouped = check(*case.arguments)
    assert [row[1] for row in grouped] == pytest.approx([row[1] for row in whole], rel=1e-9, abs=1e-11)
    assert [row[3] for row in grouped] == ["PASS"] * 10
