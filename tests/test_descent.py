"""Gradient descent, against the canonical losses, Mazur's published ones, and PyTorch's optimizer."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pyfuncs import descent
from pyfuncs.descent import history, step, sweep, train_table
from pyfuncs.network import Network, NetworkError
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


@given(cases(), st.lists(st.floats(0.01, 1), min_size=1, max_size=4))
def test_a_sweep_is_the_loss_of_a_history_for_each_rate(case, learning_rates):
    losses = sweep(*case.arguments, learning_rates, 4)
    assert losses.shape == (5, len(learning_rates))
    for column, rate in zip(losses.T, learning_rates, strict=True):
        rows = history(*case.arguments, rate, 4)
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
        ("momentum 0.9", "momentum is not available in this version; available: sgd"),
        ("Adam 0.9 0.999 1e-8", "adam is not available in this version; available: sgd"),
        ("sdg", r'unknown optimizer "sdg"; did you mean sgd\? \(allowed: sgd\)'),
        ("", r'unknown optimizer "" \(allowed: sgd\)'),
        ("sgd 0.9", 'optimizer "sgd 0.9": sgd takes no settings'),
    ],
)
def test_other_optimizers_are_refused(optimizer, message):
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
