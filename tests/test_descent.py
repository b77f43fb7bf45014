"""Gradient descent, against the canonical losses, Mazur's published ones, and PyTorch's optimizer."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pyfuncs import descent
from pyfuncs.descent import chaotic_from, history, step, sweep, train_table
from pyfuncs.network import Network, NetworkError
from pyfuncs.presets import starting_point
from pyfuncs.propagation import gradient, loss, units
from tests.networks import CANONICAL, DEFAULT, RATES, STARTS, canonical_case, cases, mazur_case, torch_loss

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize("start", STARTS)
def test_a_sweep_gives_the_canonical_loss_after_every_number_of_updates(start):
    losses = sweep(*canonical_case(start).arguments, RATES, 1000)
    for column, rate in enumerate(RATES):
        expected = {int(n): value for n, value in CANONICAL[start]["loss_after_updates"][str(rate)].items()}
        assert set(expected) == {0, 1, 10, 50, 100, 500, 1000}
        assert {n: losses[n, column] for n in expected} == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_mazurs_published_losses_after_1_and_10000_updates():
    case = mazur_case()
    table = history(*case.arguments, 0.5, 10_000)
    errors = loss(case.network, table[[0, 1, 10_000]], case.inputs, case.targets)[:, -1]
    assert errors == pytest.approx([0.29837110876, 0.2910277737, 3.510187783e-5], rel=2e-10)


def test_mazurs_published_weights_after_one_update():
    published = [0.149780716, 0.19956143, 0.24975114, 0.29950229, 0.35891648, 0.408666186, 0.511301270, 0.561370121]
    assert step(*mazur_case().arguments, 0.5)[:8] == pytest.approx(published, abs=5e-9)


def test_an_update_leaves_fixed_biases_alone_though_they_have_a_gradient():
    case = mazur_case()
    assert (gradient(*case.arguments)[8:] != 0).all()
    assert (history(*case.arguments, 0.5, 20)[:, 8:] == [0.35, 0.6]).all()


@given(cases(), st.floats(0.01, 0.5))
def test_a_history_is_that_of_pytorchs_sgd(case, learning_rate):
    weights = torch.tensor(case.weights, requires_grad=True)
    optimizer = torch.optim.SGD([weights], lr=learning_rate)
    rows = [case.weights]
    for _ in range(3):
        optimizer.zero_grad()
        torch_loss(case.network, weights, case.inputs, case.targets).backward()
        weights.grad[~torch.tensor(case.network.learned)] = 0
        optimizer.step()
        rows.append(weights.detach().numpy().copy())
    np.testing.assert_allclose(history(*case.arguments, learning_rate, 3), rows, rtol=1e-9, atol=1e-9)


@given(cases(), st.floats(0.01, 0.5), st.floats(0, 0.99))
def test_momentum_is_that_of_pytorchs_sgd(case, learning_rate, beta):
    def referee(weights):
        return torch.optim.SGD([weights], lr=learning_rate, momentum=beta)

    assert_same_history(case, learning_rate, f"momentum {beta!r}", referee)


def decays(highest: float):
    """0 or an ordinary decay: PyTorch works with 1 − (1 − β1), which has few true digits where β1 is tiny."""
    return st.just(0.0) | st.floats(0.01, highest)


@given(cases(), st.floats(0.001, 0.5), decays(0.99), decays(0.9999), st.floats(1e-9, 1e-2))
def test_adam_is_that_of_pytorch(case, learning_rate, beta1, beta2, epsilon):
    def referee(weights):
        return torch.optim.Adam([weights], lr=learning_rate, betas=(beta1, beta2), eps=epsilon)

    assert_same_history(case, learning_rate, f"adam {beta1!r} {beta2!r} {epsilon!r}", referee)


def assert_same_history(case, learning_rate, optimizer, referee):
    """Update by update as PyTorch's optimizer goes, each from our weights with its own state."""
    table = history(*case.arguments, learning_rate, 6, optimizer)
    weights = torch.tensor(case.weights, requires_grad=True)
    chosen = referee(weights)
    for before, after in pairwise(table):
        slopes = gradient(case.network, before, case.inputs, case.targets)
        if not np.isfinite([before, slopes, after]).all():
            break  # a descent that has diverged: 0 · inf is not the same nan everywhere
        weights.data[:] = torch.tensor(before)
        chosen.zero_grad()
        weights.grad = torch.tensor(slopes * case.network.learned)
        chosen.step()
        np.testing.assert_allclose(after, weights.detach().numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("short", "long"),
    [("momentum", "momentum 0.9"), ("Adam", "adam 0.9 0.999 1e-8"), ("adam 0.8", "adam 0.8 0.999 1e-8")],
)
def test_numbers_left_out_of_an_optimizer_are_the_usual_ones(short, long):
    case = canonical_case("course")
    assert np.array_equal(history(*case.arguments, 0.1, 5, short), history(*case.arguments, 0.1, 5, long))


def test_momentum_without_memory_is_plain_gradient_descent():
    case = canonical_case("course")
    np.testing.assert_array_equal(history(*case.arguments, 0.5, 5, "momentum 0"), history(*case.arguments, 0.5, 5))


def test_adams_first_update_moves_every_weight_by_nearly_the_learning_rate():
    case = canonical_case("course")  # m̂ / √v̂ is ±1, thanks to the bias correction
    moved = np.diff(history(*case.arguments, 0.1, 1, "adam"), axis=0)[0]
    assert abs(moved) == pytest.approx([0.1] * 8, rel=1e-3)
    assert (np.sign(moved) == -np.sign(gradient(*case.arguments))).all()


@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_every_descent_begins_with_no_state(optimizer):
    case = canonical_case("course")
    first, again = (history(*case.arguments, 0.1, 5, optimizer) for _ in range(2))
    assert np.array_equal(first, again)


@pytest.mark.parametrize("optimizer", ["momentum 0.9", "adam"])
def test_no_optimizer_moves_a_fixed_bias(optimizer):
    assert (history(*mazur_case().arguments, 0.5, 20, optimizer)[:, 8:] == [0.35, 0.6]).all()


@given(cases(), st.lists(st.floats(0.01, 1), min_size=1, max_size=4), st.sampled_from(["sgd", "momentum", "adam"]))
def test_a_sweep_is_the_loss_of_a_history_for_each_rate(case, learning_rates, optimizer):
    losses = sweep(*case.arguments, learning_rates, 4, optimizer)
    assert losses.shape == (5, len(learning_rates))
    for column, rate in zip(losses.T, learning_rates, strict=True):
        rows = history(*case.arguments, rate, 4, optimizer)
        alone = loss(case.network, rows, case.inputs, case.targets)[:, -1]
        np.testing.assert_allclose(column, alone, rtol=1e-9, atol=1e-12)


def test_a_step_is_the_first_update_of_a_history():
    case = canonical_case("course")
    assert np.array_equal(step(*case.arguments, 0.5), history(*case.arguments, 0.5, 3)[1])


def test_no_epochs_give_the_start_alone():
    case = canonical_case("course")
    assert history(*case.arguments, 0.5, 0).tolist() == [case.weights.tolist()]


def test_what_goes_in_is_not_changed():
    case = canonical_case("course")
    before = [array.copy() for array in case.arguments[1:]]
    train_table(*case.arguments, 0.5, 3)
    assert all(np.array_equal(*pair) for pair in zip(before, case.arguments[1:], strict=True))


@given(cases(samples=1))
def test_a_train_table_of_one_sample_has_the_columns_of_its_headers(case):
    network, _, inputs, targets = case.arguments
    table = train_table(*case.arguments, 0.3, 3)
    columns = dict(zip(network.headers("train"), table.T, strict=True))
    for row, weights in enumerate(history(*case.arguments, 0.3, 3)):
        expected = {"forward": units(network, weights, inputs)[0], "loss": loss(network, weights, inputs, targets)}
        expected["gradient"] = gradient(network, weights, inputs, targets)
        state = zip(network.target_names + network.input_names, np.append(targets, inputs), strict=True)
        assert all(columns[name][row] == value for name, value in state)
        assert [columns[name][row] for name in network.weight_names] == weights.tolist()
        for kind, values in expected.items():
            together = [columns[name][row] for name in network.headers(kind)]
            np.testing.assert_allclose(together, values, rtol=1e-9, atol=1e-12)


def test_the_first_row_of_a_train_table_is_the_canonical_state():
    first = CANONICAL["seed"]["first"]
    row = dict(zip(DEFAULT.headers("train"), train_table(*canonical_case("seed").arguments, 0.5, 1)[0], strict=True))
    assert {name: row[name.replace("_d", "/d")] for name in first} == pytest.approx(first, rel=0, abs=1e-14)


def test_a_train_table_of_a_batch_has_weights_mean_losses_and_gradients():
    network = Network.parse("2-2-1 tanh bias")
    inputs, targets = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0], [1], [1], [0]])
    start = np.linspace(-0.6, 0.8, network.weight_count)
    table = train_table(network, start, inputs, targets, 0.5, 2)
    weights = history(network, start, inputs, targets, 0.5, 2)
    columns = [weights, loss(network, weights, inputs, targets), gradient(network, weights, inputs, targets)]
    assert np.array_equal(table, np.concatenate(columns, axis=1))


def test_a_long_table_is_the_same_when_it_is_made_in_pieces(monkeypatch):
    case = canonical_case("course")
    whole = train_table(*case.arguments, 0.5, 100), sweep(*case.arguments, RATES, 100)
    monkeypatch.setattr(descent, "PIECE", 50)
    assert np.allclose(train_table(*case.arguments, 0.5, 100), whole[0], rtol=1e-12, atol=0)
    assert np.allclose(sweep(*case.arguments, RATES, 100), whole[1], rtol=1e-12, atol=0)


def test_a_descent_that_diverges_goes_on_without_a_warning():
    network = Network.parse("1-1 sigmoid linear fixed-bias")
    table = train_table(network, [1.0, 0.5], [[10.0]], [[0.0]], 1e6, 50)
    assert np.isfinite(table[0]).all()
    assert not np.isfinite(table[-1]).all()
    assert (table[:, network.headers("train").index("b1")] == 0.5).all()


@pytest.mark.parametrize("optimizer", ["sgd", " SGD "])
def test_plain_gradient_descent_is_the_default_optimizer(optimizer):
    case = canonical_case("course")
    assert np.array_equal(history(*case.arguments, 0.5, 2, optimizer), history(*case.arguments, 0.5, 2))


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        ("sdg", r'unknown optimizer "sdg"; did you mean sgd\? \(allowed: sgd, momentum, adam\)'),
        ("", r'unknown optimizer "" \(allowed: sgd, momentum, adam\)'),
        ("0.9", r'unknown optimizer "0.9" \(allowed: sgd, momentum, adam\)'),
        ("sgd 0.9", '"sgd 0.9" is too long: sgd takes no numbers'),
        ("momentum 0.9 0.9", '"momentum 0.9 0.9" is too long: momentum takes beta'),
        ("adam 0.9 0.999 1e-8 1", "is too long: adam takes beta1 beta2 epsilon"),
        ("momentum 0,9", 'momentum: beta is "0,9", but must be a number such as 0.9'),
        ("momentum 1", "momentum: beta is 1, but must be from 0 to below 1"),
        ("momentum -0.1", "momentum: beta is -0.1, but must be from 0 to below 1"),
        ("momentum nan", "momentum: beta is nan, but must be from 0 to below 1"),
        ("adam 0.9 1", "adam: beta2 is 1, but must be from 0 to below 1"),
        ("adam 2", "adam: beta1 is 2, but must be from 0 to below 1"),
        ("adam 0.9 0.999 0", "adam: epsilon is 0, but must be above 0 and below 1"),
        ("adam 0.9 0.999 1e400", "adam: epsilon is inf, but must be above 0 and below 1"),
    ],
)
def test_wrong_optimizers_are_refused(optimizer, message):
    for function in (history, train_table, sweep):
        with pytest.raises(NetworkError, match=message):
            function(*canonical_case("course").arguments, 0.5, 2, optimizer)


def test_a_history_too_long_to_keep_is_refused():
    with pytest.raises(NetworkError, match="8,000,000,008 weights to keep, 20,000,000 at most; take fewer epochs"):
        history(*canonical_case("course").arguments, 0.5, 10**9)


@pytest.mark.parametrize("function", [step, history, train_table, sweep])
def test_a_wrong_number_of_weights_is_refused(function):
    last = () if function is step else (2,)
    with pytest.raises(NetworkError, match="2-2-2 has 8 weights, not 1"):
        function(DEFAULT, [1.0], [[1, 2]], [[1, 2]], 0.5, *last)


def test_a_path_is_chaotic_from_where_the_last_digits_decide_and_never_where_it_is_stable() -> None:
    xor = starting_point(Network.parse("2-2-1 bias"), "xor")
    case = (Network.parse("2-2-1 bias"), *map(np.array, (xor.weights, xor.inputs, xor.targets)))
    rates = np.array([0.1, 2.0, 50.0, 100.0])
    found = chaotic_from(*case, rates, 100)
    assert (found[:2] == 101).all()
    assert (found[2:] < 20).all()
    for rate, epoch in zip(rates[2:], found[2:], strict=True):
        last_digit = np.nextafter(case[1], np.inf)
        one, other = (sweep(case[0], weights, *case[2:], [rate], 100)[:, 0] for weights in (case[1], last_digit))
        assert abs(one - other)[:epoch].max() < 1e-12
        assert abs(one - other).max() > 1e-6


@pytest.mark.parametrize(("size", "epoch"), [(1e3, 21), (1e9, 0)])
def test_a_first_loss_that_rounding_decides_is_chaotic_from_the_start(size: float, epoch: int) -> None:
    """w1 + w2 is 0.1, of which 1e9 leaves seven digits: a last digit of both weights changes nothing of it."""
    task = np.array([size, 0.1 - size]), np.array([[1.0, 1.0]]), np.array([[0.9]])
    assert chaotic_from(Network.parse("2-1"), *task, np.array([0.1]), 20).tolist() == [epoch]
