"""The bounds of rounding: no two right computations are farther apart, and ordinary numbers are allowed hardly any."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pyfuncs import propagation, rounding
from pyfuncs.network import Network
from tests.networks import STARTS, Case, canonical_case, cases, torch_logits, torch_loss
from tests.test_formulas import in_order

UNDERFLOW = 1e-300
pytestmark = pytest.mark.filterwarnings("error")


@st.composite
def far_cases(draw: st.DrawFn, samples: int = 3) -> Case:
    """Random networks whose weights are nearly equal but for their signs, or whose numbers are of very different sizes.

    Where large numbers leave a small one, its last digits are theirs.
    """
    case = draw(cases(samples=samples))
    random, size = np.random.default_rng(draw(st.integers(0, 2**32 - 1))), draw(st.integers(-1, 8))
    signs = random.choice([-1.0, 1.0], len(case.weights))
    if draw(st.booleans()):
        weights = 10.0**size * signs * (1 + random.integers(0, 3, signs.shape) * 10.0 ** random.uniform(-16, 0))
        return Case(case.network, weights, case.inputs, case.targets)
    inputs = case.inputs * 10.0 ** random.uniform(-3, 6, case.inputs.shape)
    targets = case.targets * (1 if case.network.loss == "cross-entropy" else 10.0 ** random.integers(0, 6))
    return Case(case.network, signs * 10.0 ** random.uniform(-3, 4, signs.shape), inputs, targets)


def within(one: object, other: object, bound: np.ndarray) -> None:
    finite = np.isfinite(bound) & np.isfinite(one) & np.isfinite(other)
    assert (abs(np.asarray(one) - other)[finite] <= bound[finite] + UNDERFLOW).all()


@given(far_cases(samples=1))
@settings(max_examples=300)
def test_the_sheets_own_order_of_operations_stays_within(case: Case) -> None:
    found = rounding.bounds(*case.arguments)
    network = case.network
    within(in_order(case, network.unit_names), propagation.units(*case.arguments[:3])[0], found.forward[0])
    within(in_order(case, network.loss_names), propagation.loss(*case.arguments), found.loss)
    within(in_order(case, network.gradient_names), propagation.gradient(*case.arguments), found.gradient)


@given(far_cases())
@settings(max_examples=300)
def test_pytorch_stays_within(case: Case) -> None:
    found = rounding.bounds(*case.arguments)
    weights = torch.tensor(case.weights, requires_grad=True)
    loss = torch_loss(case.network, weights, case.inputs, case.targets)
    (gradient,) = torch.autograd.grad(loss, weights)
    outputs = case.network.sizes[-1]
    logits = torch_logits(case.network, weights, case.inputs).detach().numpy()
    within(logits, propagation.forward(*case.arguments[:3]).z[-1], found.forward[:, -2 * outputs :: 2])
    within([loss.item()], propagation.loss(*case.arguments)[-1:], found.loss[-1:])
    within(gradient.numpy(), propagation.gradient(*case.arguments), found.gradient)


@pytest.mark.parametrize("start", STARTS)
def test_ordinary_numbers_are_allowed_hardly_more_than_their_last_digits(start: str) -> None:
    for bound in rounding.bounds(*canonical_case(start).arguments):
        assert bound.min() > 0
        assert bound.max() < 1e-14


def test_a_small_difference_of_large_numbers_is_allowed_their_digits() -> None:
    network = Network.parse("2-1 bias")
    found = rounding.bounds(network, np.array([1e9, -1e9, 0.1]), np.array([[1.0, 1.0]]), np.array([[0.5]]))
    assert 1e-7 < found.forward[0, 0] < 1e-4  # z = 0.1
    assert found.forward[0, 1] < found.forward[0, 0]


def test_a_saturated_unit_has_its_digits() -> None:
    found = rounding.bounds(Network.parse("1-1"), np.array([1e9]), np.array([[1.0]]), np.array([[0.5]]))
    assert found.forward[0, 0] > 1e-7
    assert found.forward[0, 1] < 1e-14


def test_a_relu_whose_last_digits_decide_its_side_of_zero_may_have_either_slope() -> None:
    network, weights = Network.parse("3-1-1 relu linear"), np.array([0.1, 0.2, -0.3, 5.0])  # z = 5.6e-17, or 0
    found = rounding.bounds(network, weights, np.ones((1, 3)), np.array([[2.0]]))
    assert found.gradient[:3].min() >= 10  # (0 − 2) · 5


def test_overflow_bounds_nothing_and_warns_of_nothing() -> None:
    network = Network.parse("1-1-1 linear linear")
    found = rounding.bounds(network, np.array([1e200, 1e200]), np.array([[1e200]]), np.array([[0.5]]))
    assert not np.isfinite(found.gradient).all()
