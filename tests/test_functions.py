"""The table of cell functions: canonical numbers out of good cells, DESIGN's texts out of bad ones."""

import datetime
import inspect
import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from addin.cells import MOST_EPOCHS
from addin.functions import FUNCTIONS, OPTIONAL, PARAMETERS, call

CANONICAL = json.loads(Path(__file__).with_name("canonical.json").read_text())
STARTS = [name for name in CANONICAL if name != "about"]
UNITS = ("h1", "a_h1", "h2", "a_h2", "o1", "a_o1", "o2", "a_o2")


def row(*cells: object) -> tuple[tuple[object, ...], ...]:
    return (cells,)


def sample(name: str = "course") -> dict[str, tuple]:
    """The three ranges of a canonical start, as Calc hands them over."""
    return {key: row(*map(float, values)) for key, values in CANONICAL[name]["setup"].items()}


def ask(function: str, **cells: object) -> list[list]:
    """Call a function with named cells; missing optional ones are None."""
    return call(function, tuple(cells.get(name) for name in FUNCTIONS[function].parameters))


def ask_course(function: str, **changed: object) -> list[list]:
    """Call a function on the course start, with some cells changed."""
    cells = {**sample(), "learning_rate": 0.5, "learning_rates": row(0.1, 0.5), "epochs": 3.0, **changed}
    return ask(function, **{name: cells[name] for name in FUNCTIONS[function].parameters if name in cells})


def test_every_function_says_what_each_parameter_is() -> None:
    for function in FUNCTIONS.values():
        assert set(function.parameters) <= set(PARAMETERS)
        assert function.name.startswith("CNN_" if function.worker else "BACKPROP_")
        assert function.help.endswith(".")


def test_every_function_takes_its_parameters_in_the_order_of_the_table() -> None:
    for function in FUNCTIONS.values():
        signature = inspect.signature(function.compute).parameters
        assert tuple(signature) == function.parameters
        optional = {name for name, parameter in signature.items() if parameter.default is None}
        assert optional == {name for name in function.parameters if function.is_optional(name)} <= OPTIONAL


def test_rounding_has_the_shape_of_what_it_bounds() -> None:
    column = tuple((each,) for each in sample()["weights"][0])
    for of, function in {"forward": "FORWARD", "loss": "LOSS", "gradient": "GRADIENT"}.items():
        bound = np.array(ask_course("BACKPROP_ROUNDING", of=of, weights=column))
        assert bound.shape == np.shape(ask_course(f"BACKPROP_{function}", weights=column))
        assert 0 < bound.min() < bound.max() < 1e-14
    assert ask_course("BACKPROP_ROUNDING") == ask_course("BACKPROP_ROUNDING", of="Forward ")


def test_rounding_says_of_what_it_can_be_asked() -> None:
    [[text]] = ask_course("BACKPROP_ROUNDING", of="los")
    assert text == '#of: unknown kind "los"; did you mean loss? (allowed: forward, loss, gradient)'


@pytest.mark.parametrize("start", STARTS)
def test_forward_loss_and_gradient_are_canonical(start: str) -> None:
    first, cells = CANONICAL[start]["first"], sample(start)
    inputs_only = {name: cells[name] for name in ("weights", "inputs")}
    assert ask("BACKPROP_FORWARD", **inputs_only)[0] == pytest.approx([first[name] for name in UNITS], abs=1e-14)
    assert ask("BACKPROP_PREDICT", **inputs_only)[0] == pytest.approx([first["a_o1"], first["a_o2"]], abs=1e-14)
    losses = [first[name] for name in ("E1", "E2", "E_total")]
    assert ask("BACKPROP_LOSS", **cells)[0] == pytest.approx(losses, abs=1e-14)
    gradient = [first[f"dE_dw{n}"] for n in range(1, 9)]
    assert ask("BACKPROP_GRADIENT", **cells)[0] == pytest.approx(gradient, abs=1e-14)


@pytest.mark.parametrize("start", STARTS)
def test_step_is_the_weights_less_rate_times_gradient(start: str) -> None:
    first, setup = CANONICAL[start]["first"], CANONICAL[start]["setup"]
    expected = [w - 0.5 * first[f"dE_dw{n}"] for n, w in enumerate(setup["weights"], 1)]
    assert ask("BACKPROP_STEP", **sample(start), learning_rate=0.5)[0] == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("start", STARTS)
def test_sweep_has_the_canonical_loss_at_every_rate(start: str) -> None:
    losses = CANONICAL[start]["loss_after_updates"]
    rates = row(*map(float, losses))
    swept = np.array(ask("BACKPROP_SWEEP", **sample(start), learning_rates=rates, epochs=1000.0))
    for column, by_epoch in enumerate(losses.values()):
        for epoch, loss in by_epoch.items():
            assert swept[int(epoch), column] == pytest.approx(loss, abs=1e-12)


def test_train_rows_begin_with_the_start_and_end_with_the_canonical_loss() -> None:
    (headers,) = ask("BACKPROP_HEADERS", network="2-2-2", kind="train")
    rows = ask_course("BACKPROP_TRAIN", epochs=10.0)
    assert len(rows) == 11
    assert headers[:6] == ["t1", "t2", "i1", "i2", "w1", "w2"]
    assert rows[0][:6] == [0.01, 0.99, 0.05, 0.1, 0.15, 0.2]
    loss = CANONICAL["course"]["loss_after_updates"]["0.5"]["10"]
    assert rows[10][headers.index("E_total")] == pytest.approx(loss, abs=1e-12)


def test_momentum_and_adam_reach_their_own_losses_for_all_rates_in_one_sweep() -> None:
    for optimizer in ("momentum 0.9", "adam 0.9 0.999 1e-8"):
        swept = np.array(ask_course("BACKPROP_SWEEP", epochs=20.0, optimizer=optimizer))
        for column, rate in enumerate((0.1, 0.5)):
            trained = ask_course("BACKPROP_TRAIN", epochs=20.0, learning_rate=rate, optimizer=optimizer)
            (headers,) = ask("BACKPROP_HEADERS", network="2-2-2", kind="train")
            assert swept[:, column] == pytest.approx([line[headers.index("E_total")] for line in trained], rel=1e-12)
        assert not np.allclose(swept, ask_course("BACKPROP_SWEEP", epochs=20.0))


@pytest.mark.parametrize("network", ["2-2-2 sigmoid softmax", "2-2-2 cross-entropy", "2-2-2 tanh cross-entropy"])
def test_gradient_check_passes_each_weight_under_cross_entropy(network: str) -> None:
    assert {verdict for *_, verdict in ask_course("BACKPROP_GRADIENT_CHECK", network=network)} == {"PASS"}
    (probabilities,) = ask_course("BACKPROP_PREDICT", network="2-2-2 sigmoid softmax")
    assert sum(probabilities) == pytest.approx(1, abs=1e-15)


def test_gradient_check_passes_each_weight_of_a_right_gradient() -> None:
    rows = ask_course("BACKPROP_GRADIENT_CHECK")
    assert [len(r) for r in rows] == [4] * 8
    assert {verdict for *_, verdict in rows} == {"PASS"}


def test_results_keep_the_shape_of_the_weights() -> None:
    block = tuple(tuple(sample()["weights"][0][r * 2 : r * 2 + 2]) for r in range(4))
    for function in ("BACKPROP_STEP", "BACKPROP_GRADIENT"):
        shaped, flat = ask_course(function, weights=block), ask_course(function)
        assert [len(r) for r in shaped] == [2, 2, 2, 2]
        assert list(itertools.chain.from_iterable(shaped)) == flat[0]


def test_a_column_of_exactly_one_sample_is_one_sample() -> None:
    column = ((0.05,), (0.1,))
    assert ask_course("BACKPROP_LOSS", inputs=column) == ask_course("BACKPROP_LOSS")


def test_several_rows_are_a_batch_whose_loss_is_the_mean() -> None:
    start, other = sample("course"), sample("mixed-signs")
    weights = start["weights"]
    both = {key: start[key] + other[key] for key in ("inputs", "targets")}
    one = np.array(ask("BACKPROP_LOSS", weights=weights, inputs=start["inputs"], targets=start["targets"]))
    two = np.array(ask("BACKPROP_LOSS", weights=weights, inputs=other["inputs"], targets=other["targets"]))
    assert np.allclose(ask("BACKPROP_LOSS", weights=weights, **both), (one + two) / 2, rtol=0, atol=1e-15)
    assert len(ask("BACKPROP_FORWARD", weights=weights, inputs=both["inputs"])) == 2


def test_version_says_the_python_and_where_it_runs() -> None:
    (((text,),),) = (ask("BACKPROP_VERSION"),)
    assert "Python 3." in text
    assert not text.startswith("#")


WEIGHTS = sample()["weights"][0]
CROSS_ENTROPY = {"network": "2-2-2 sigmoid softmax"}
LINEAR = {"weights": row(2.0), "inputs": row(1e120), "targets": row(0.5), "network": "1-1 linear linear"}
BAD_CELLS = [
    ("BACKPROP_STEP", {"weights": row(*WEIGHTS[:2], "o.2", *WEIGHTS[3:])}, '#weights: row 1, column 3 is text ("o.2")'),
    ("BACKPROP_STEP", {"weights": row(*WEIGHTS[:2], "0,2", *WEIGHTS[3:])}, '#weights: row 1, column 3 is text ("0,2")'),
    ("BACKPROP_STEP", {"weights": row(*WEIGHTS[:7], "")}, "#weights: row 1, column 8 is blank"),
    ("BACKPROP_STEP", {"weights": row(*WEIGHTS[:7], None)}, "#weights: row 1, column 8 is blank"),
    ("BACKPROP_STEP", {"weights": row(*WEIGHTS[:7])}, "#weights: 7 numbers, but the network 2-2-2 has 8 weights"),
    ("BACKPROP_STEP", {"weights": 0.5}, "#weights: 1 numbers, but the network 2-2-2 has 8 weights"),
    ("BACKPROP_STEP", {"learning_rate": 0.0}, "#learning_rate: is 0 or blank"),
    ("BACKPROP_STEP", {"learning_rate": None}, "#learning_rate: is 0 or blank"),
    ("BACKPROP_STEP", {"learning_rate": -1.0}, "#learning_rate: is -1, but must be above 0"),
    ("BACKPROP_STEP", {"inputs": row("#SPILL!", 0.1)}, "#inputs: row 1, column 1 is the error #SPILL!"),
    ("BACKPROP_STEP", {"learning_rate": "#CALC!"}, "#learning_rate: is the error #CALC!"),
    ("BACKPROP_STEP", {"learning_rate": "10%"}, '#learning_rate: is text ("10%")'),
    ("BACKPROP_STEP", {"learning_rate": row(0.1, 0.2)}, "#learning_rate: 1 × 2 cells, but it is one number"),
    ("BACKPROP_STEP", {**LINEAR, "learning_rate": 1e200}, "diverged at epoch 1"),
    ("BACKPROP_GRADIENT", LINEAR | {"inputs": row(1e300)}, "#dE/dw1: too large a number"),
    ("BACKPROP_LOSS", LINEAR | {"inputs": row(1e300)}, "#E1: too large a number"),
    ("BACKPROP_PREDICT", LINEAR | {"inputs": row(1e300), "weights": row(1e300)}, "#a_o1: too large a number"),
    ("BACKPROP_FORWARD", LINEAR | {"inputs": row(1e300), "weights": row(1e300)}, "#o1: too large a number"),
    ("BACKPROP_LOSS", {"inputs": row(0.05, float("nan"))}, "#inputs: row 1, column 2 is not a finite number"),
    ("BACKPROP_LOSS", {"inputs": row(0.05, float("inf"))}, "#inputs: row 1, column 2 is not a finite number"),
    ("BACKPROP_LOSS", {"inputs": row(0.05, datetime.datetime(2026, 11, 23))}, "#inputs: row 1, column 2 is a date"),
    ("BACKPROP_LOSS", {"inputs": 0.05}, "#inputs: 1 × 1 cells, but a sample is a row of 2 (i1, i2)"),
    ("BACKPROP_LOSS", {"targets": row(0.1, 0.2) * 3}, "#targets: 3 rows, but inputs has 1"),
    ("BACKPROP_TRAIN", {"epochs": 0.0}, "#epochs: is 0 or blank"),
    ("BACKPROP_TRAIN", {"epochs": -1.0}, "#epochs: is -1, but must be above 0"),
    ("BACKPROP_TRAIN", {"epochs": 1.5}, "#epochs: is 1.5, but must be a whole number"),
    ("BACKPROP_TRAIN", {"epochs": 1e9}, f"#epochs: is 1e+09, but {MOST_EPOCHS} is the most"),
    ("BACKPROP_TRAIN", {"optimizer": "adam 0.9 1"}, "#optimizer: adam: beta2 is 1, but must be from 0 to below 1"),
    ("BACKPROP_TRAIN", {"optimizer": "momentum 0,9"}, '#optimizer: momentum: beta is "0,9", but must be a number'),
    ("BACKPROP_SWEEP", {"optimizer": "sgd 0.9"}, '#optimizer: "sgd 0.9" is too long: sgd takes no numbers'),
    ("BACKPROP_SWEEP", {"optimizer": "adan"}, '#optimizer: unknown optimizer "adan"; did you mean adam?'),
    ("BACKPROP_SWEEP", {"learning_rates": row(0.1, 0.0)}, "#learning_rates: row 1, column 2 is 0"),
    ("BACKPROP_SWEEP", {"learning_rates": row(0.1, "")}, "#learning_rates: row 1, column 2 is blank"),
    ("BACKPROP_FORWARD", {"network": "2-2-2 tahn"}, "#network: "),
    ("BACKPROP_FORWARD", {"network": "2-0-2"}, "#network: "),
    ("BACKPROP_FORWARD", {"network": "2-2-2 softmax"}, "write sigmoid softmax"),
    ("BACKPROP_FORWARD", {"network": "2-2-2 tanh tanh cross-entropy"}, "#network: "),
    (
        "BACKPROP_STEP",
        CROSS_ENTROPY | {"targets": row(0.5, 1.5)},
        "#targets: row 1, column 2 is 1.5, but cross-entropy",
    ),
    ("BACKPROP_LOSS", CROSS_ENTROPY | {"targets": ((0.5,), (-0.1,))}, "#targets: row 2, column 1 is -0.1, but"),
    (
        "BACKPROP_LOSS",
        CROSS_ENTROPY | {"targets": row(0.5, 1 + 1e-12)},
        "column 2 is 1.000000000001, but cross-entropy",
    ),
    ("BACKPROP_SWEEP", CROSS_ENTROPY | {"targets": row(0.5, "1")}, '#targets: row 1, column 2 is text ("1")'),
]


@pytest.mark.parametrize(("function", "changed", "text"), BAD_CELLS)
def test_a_bad_cell_gives_one_text_that_names_it(function: str, changed: dict, text: str) -> None:
    answer = ask_course(function, **changed)
    assert len(answer) == 1
    assert text in answer[0][0], answer
    assert all(isinstance(cell, str) for cell in answer[0]), answer


@pytest.mark.filterwarnings("error")
def test_large_numbers_are_numbers_though_their_sum_or_square_is_not() -> None:
    cells = {"weights": row(1e308, 1e308), "inputs": row(1.0), "network": "1-2 sigmoid linear"}
    assert ask("BACKPROP_PREDICT", **cells) == [[1e308, 1e308]]
    swept = ask_course(
        "BACKPROP_SWEEP", weights=row(1e200), inputs=row(1.0), targets=row(0.0), network="1-1 tanh linear"
    )
    assert swept[0] == ["diverged at epoch 0"] * 2


def test_true_counts_as_one() -> None:
    assert ask_course("BACKPROP_LOSS", inputs=row(0.05, True)) == ask_course("BACKPROP_LOSS", inputs=row(0.05, 1.0))


def test_a_blank_network_is_the_default() -> None:
    for blank in (None, "", 0.0):
        assert ask_course("BACKPROP_LOSS", network=blank) == ask_course("BACKPROP_LOSS", network="2-2-2")


def test_a_rate_that_diverges_says_from_which_epoch_and_spoils_no_other_column() -> None:
    cells = {"weights": row(2.0), "inputs": row(1.0), "targets": row(0.5), "network": "1-1 linear linear"}
    swept = ask("BACKPROP_SWEEP", **cells, learning_rates=row(1e200, 0.1), epochs=5.0)
    first = next(n for n, (loss, _) in enumerate(swept) if isinstance(loss, str))
    assert {loss for loss, _ in swept[first:]} == {f"diverged at epoch {first}"}
    assert all(isinstance(loss, float) for _, loss in swept)
    assert all(isinstance(loss, float) for loss, _ in swept[:first])


def test_a_history_too_long_for_a_sheet_is_refused() -> None:
    weights = row(*[0.1] * 20_000)
    many = row(*[0.1] * 100)
    answer = ask(
        "BACKPROP_TRAIN",
        weights=weights,
        inputs=many,
        targets=many,
        learning_rate=0.1,
        epochs=float(MOST_EPOCHS),
        network="100-100-100",
    )
    assert "rows are the most here" in answer[0][0]


def test_a_full_recalculation_changes_nothing() -> None:
    for function in FUNCTIONS:
        if function not in ("BACKPROP_HEADERS", "BACKPROP_VERSION", "CNN_PREDICT"):
            assert ask_course(function) == ask_course(function)
