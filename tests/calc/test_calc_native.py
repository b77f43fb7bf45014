"""Every native formula of the workbook, recalculated by a real LibreOffice, against canonical figures and pyfuncs."""

import numpy as np
import pytest

from pyfuncs import descent, gradient_check, propagation
from pyfuncs.network import Network
from pyfuncs.presets import starting_point
from tests.calc.conftest import StartOffice
from tests.calc.office import RECALCULATE_ON_LOAD, Office
from tests.networks import CANONICAL, RATES, STARTS, Case, quantities_by_pyfuncs
from tests.sheets import (
    ERRORS,
    NETWORKS,
    WRONG,
    XOR,
    Shown,
    Values,
    close,
    file_name,
    with_wrong_values,
    workbook,
)
from xlsx import mistakes
from xlsx.sheets.cells import AGREES_ALONE
from xlsx.state_text import OPTIMIZERS


def stem(network: str) -> str:
    return file_name(network).removesuffix(".xlsx")


@pytest.fixture(scope="module")
def computed(start_office: StartOffice, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Values]:
    """Workbooks computed by an office without the extension, as built and with cells edited.

    Every number stored in them was wrong before.
    """
    folder, found = tmp_path_factory.mktemp("wrong"), {}
    office = start_office(with_extension=False, settings=RECALCULATE_ON_LOAD)
    for name, arguments in BUILT.items():
        key = office.load(str(with_wrong_values(workbook(*arguments), folder / f"{name}.xlsx")))
        found[name] = Shown(office, key)
        for edited, changes in EDITED.get(name, {}).items():
            found[edited] = edit(office, key, changes)
        office.close(key)
    office.end()
    return found


def edit(office: Office, key: int, changes: dict[str, object]) -> Values:
    """What the workbook shows with other contents in cells such as "Network.D9", which get theirs back."""
    before = {place: office.read(key, place) for place in changes}
    for place, content in changes.items():
        office.write(key, place, content)
    shown = Shown(office, key)
    for place, rows in before.items():
        office.write(key, place, rows)
    return shown


ROUNDED = ("Backward!H", "Spot the mistake!G")  # relative differences of two numbers that are almost the same
FEW = 10  # epochs, where no more are needed
# The sheet Network of a 2-1: E10 and E11 are for the inputs, E12 the target, E13 and E14 the weights, E15 the rate
BAD_CELLS = {
    "text": {"Network.E14": "o.2"},
    "blank": {"Learning rates.C5": None, "Forward.B3": None},
    "error": {"Network.E12": "=1/0"},
    "rate": {"Network.E15": 0, "Learning rates.B5": "fast"},
    "epoch": {"Forward.B3": 2.5},
    "choice": {"Network.B6": "adma"},
}
SATURATED = {f"z={z}": {"Network.E10": 1.0, "Network.E11": 0.0, "Network.E13": float(z)} for z in (1000, -1000)}
MISTAKES = [mistake.name for mistake in mistakes.MISTAKES]
CHANGED = {f"mistake {number}": {"Spot the mistake.B4": name} for number, name in enumerate(MISTAKES)}
CHANGED |= {f"epoch of {optimizer.split()[0]}": {"Forward.B3": 7, "Network.B6": optimizer} for optimizer in OPTIMIZERS}
CHANGED["own numbers"] = {"Network.E10": 0.7, "Network.E14": 0.9, "Network.E22": 3.0}
BUILT = {stem(network): (network, FEW) for network in NETWORKS}
BUILT |= {"2-1_sigmoid_linear": ("2-1 sigmoid linear",), "course": ("2-2-2",)}
BUILT |= {"xor": (XOR, FEW, "xor"), "few": ("2-2-2", FEW)}
EDITED = {
    "few": CHANGED | {start: {"Network.B5": start} for start in STARTS if start != "course"},
    "2-1": BAD_CELLS | SATURATED,
    "2-1_sigmoid_linear": {"diverging": {"Learning rates.B5": 1e6, "Learning rates.C5": 1e200}},
    "2-2-1_relu": {"kink": {"Network.E13": 0.0, "Network.E14": 0.0}},
}


def numbers_of(network: str, preset: str | None = None) -> tuple[Network, np.ndarray, np.ndarray, np.ndarray]:
    """Network, weights, inputs and targets of a workbook as it is built."""
    described = Network.parse(network)
    start = starting_point(described, preset)
    return described, np.array(start.weights), np.array(start.inputs), np.array(start.targets)


@pytest.mark.parametrize("start", STARTS)
def test_every_canonical_quantity_of_the_first_update(computed: dict[str, Values], start: str) -> None:
    for name, expected in CANONICAL[start]["first"].items():
        native = computed[start].native(name.replace("dE_d", "dE/d"))
        assert close(native, expected), name


@pytest.mark.parametrize("start", STARTS)
def test_the_canonical_losses_at_the_six_rates(computed: dict[str, Values], start: str) -> None:
    losses = computed[start].losses
    for column, rate in enumerate(RATES):
        for epoch, expected in CANONICAL[start]["loss_after_updates"][str(rate)].items():
            if int(epoch) < len(losses):
                assert close(losses[int(epoch)][column], expected, 1e-9), (rate, epoch)


@pytest.mark.parametrize("network", NETWORKS)
def test_every_quantity_of_other_networks_equals_pyfuncs(computed: dict[str, Values], network: str) -> None:
    expected = quantities_by_pyfuncs(Case(*numbers_of(network)), starting_point(Network.parse(network)).learning_rate)
    native = computed[stem(network)].native
    assert [name for name, value in expected.items() if not close(native(name), value)] == []


@pytest.mark.parametrize("network", NETWORKS)
def test_the_rows_of_each_rate_equal_pyfuncs_training(computed: dict[str, Values], network: str) -> None:
    described = Network.parse(network)
    start, values = starting_point(described), computed[stem(network)]
    numbers = (described, np.array(start.weights), np.array(start.inputs), np.array(start.targets))
    for index, rate in enumerate(RATES):
        block = values.block(index)
        table = descent.train_table(*numbers, rate, FEW)
        for title, column in zip(described.headers("train"), table.T, strict=True):
            native = np.array([row[title] for row in block], dtype=float)
            np.testing.assert_allclose(native, column, rtol=1e-9, atol=1e-9, err_msg=f"{title} at {rate}")
        assert [row[index] for row in values.losses] == [row["E_total"] for row in block]


def test_no_wrong_stored_number_is_left_after_a_recalculation(computed: dict[str, Values]) -> None:
    for name, values in computed.items():
        assert [place for place, value in values.all() if value == float(WRONG)] == [], name


@pytest.mark.parametrize("name", ["course", "xor", *map(stem, NETWORKS), *CHANGED])
def test_without_the_extension_no_cell_shows_an_error(computed: dict[str, Values], name: str) -> None:
    values = computed[name]
    cells = [(place, value) for place, value in values.all() if isinstance(value, str)]
    assert [(place, value) for place, value in cells if value in ERRORS or "Err:" in value] == []
    assert not values.named("python_ready")[0]
    assert values.named("first_bad_input") == ["all inputs are numbers"]


@pytest.mark.parametrize("name", BUILT)
def test_the_stored_values_are_what_libreoffice_computes(computed: dict[str, Values], name: str) -> None:
    kept = dict(Values(workbook(*BUILT[name])).all())
    for place, value in computed[name].all():
        if isinstance(value, (int, float)):
            assert close(kept[place], value, 1e-8 if place.startswith(ROUNDED) else 1e-10), place
        else:
            assert kept[place] == value, place


@pytest.mark.parametrize(
    ("file", "cell", "dead", "alive"),
    [
        ("text", "w2 (row 14) is text: type a number", ["o1", "a_o1", "E_total", "dE/dw1", "new w1"], []),
        ("blank", "epoch (on Forward) is not one of those allowed: choose another", ["o1", "E_total", "new w2"], []),
        ("epoch", "epoch (on Forward) is not one of those allowed: choose another", ["o1", "E_total", "new w2"], []),
        ("choice", "optimizer is not one of those allowed: choose another", ["o1", "E_total", "new w2"], []),
        ("error", "t1 (row 12) is an error: type a number", ["E1", "E_total", "dE/dw1", "new w1"], ["o1", "a_o1"]),
        ("rate", "learning_rate (row 15) is not above 0: type another", ["new w1", "new w2"], ["o1", "dE/dw1"]),
    ],
)
def test_a_bad_cell_is_named_and_gives_no_number(
    computed: dict[str, Values], file: str, cell: str, dead: list[str], alive: list[str]
) -> None:
    values = computed[file]
    assert values.named("first_bad_input") == [cell]
    assert dict(row[:2] for row in values.grid("Start"))["Cells to edit"] == f"Network: {cell}"
    assert values.named("workbook_agrees") == [f"cannot compare: Network: {cell}"]
    assert [values.native(name) for name in dead] == ["#N/A"] * len(dead)
    assert all(isinstance(values.native(name), float) for name in alive)


def test_a_bad_input_leaves_no_loss_and_a_bad_rate_none_but_the_first(computed: dict[str, Values]) -> None:
    assert {loss for row in computed["text"].losses for loss in row} == {"#N/A"}
    blank = computed["blank"].losses
    assert {row[1] for row in blank[1:]} == {"#N/A"}
    assert all(isinstance(row[0], float) for row in blank)
    losses = computed["rate"].losses
    assert isinstance(losses[0][0], float)
    assert {row[0] for row in losses[1:]} == {"#N/A"}
    assert all(isinstance(row[1], float) for row in losses)
    assert outcomes(computed["rate"])[:2] == ["–", "falls"]
    assert outcomes(computed["text"])[0] == "see Network"


def outcomes(values: Values) -> list[str]:
    """What the summary of each rate says in words."""
    rows = values.grid("Learning rates")
    (column,) = [at for at, value in enumerate(rows[5]) if str(value).startswith("after ")]
    return [row[column] for row in rows[6:12]]


def test_divergence_is_named_and_shows_neither_num_nor_a_number(computed: dict[str, Values]) -> None:
    values = computed["diverging"]
    start = starting_point(Network.parse("2-1 sigmoid linear"))
    numbers = [np.array(each) for each in (start.weights, start.inputs, start.targets)]
    losses = descent.sweep(Network.parse(start.network), *numbers, np.array([1e6, 1e200]), 100)
    for column in (0, 1):
        epoch = int(np.flatnonzero(~np.isfinite(losses[:, column]))[0])
        assert outcomes(values)[column] == f"diverged at epoch {epoch}"
        assert [row[column] for row in values.losses[epoch:]] == ["#N/A"] * (101 - epoch)
        np.testing.assert_allclose([row[column] for row in values.losses[:epoch]], losses[:epoch, column], rtol=1e-9)
    assert [place for place, value in values.all() if value in ERRORS - {"#N/A"}] == []


@pytest.mark.parametrize(("file", "output"), [("z=1000", 1.0), ("z=-1000", 0.0)])
def test_a_sigmoid_far_from_zero_is_exact_and_no_error(computed: dict[str, Values], file: str, output: float) -> None:
    assert computed[file].native("a_o1") == output
    assert computed[file].native("dE/dw1") == 0
    assert [place for place, value in computed[file].all() if value in ERRORS] == []


LAID_OUT = {**{stem(network): (network, None) for network in NETWORKS}, "xor": (XOR, "xor"), "few": ("2-2-2", None)}


@pytest.mark.parametrize("name", LAID_OUT)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_rows_of_each_optimizer_equal_pyfuncs(computed: dict[str, Values], name: str, optimizer: str) -> None:
    network, weights, inputs, targets = numbers_of(*LAID_OUT[name])
    rate = starting_point(network, LAID_OUT[name][1]).learning_rate
    expected = descent.history(network, weights, inputs, targets, rate, FEW, optimizer)
    rows = computed[name].optimizer(optimizer)
    native = [[row[weight] for weight in network.weight_names] for row in rows]
    np.testing.assert_allclose(native, expected, rtol=1e-9, atol=1e-10)
    losses = [propagation.loss(network, each, inputs, targets)[-1] for each in expected]
    np.testing.assert_allclose([row["E_total"] for row in rows], losses, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", LAID_OUT)
def test_every_derivative_passes_its_check_and_the_numeric_one_is_pyfuncs(computed: dict, name: str) -> None:
    expected = gradient_check.check(*numbers_of(*LAID_OUT[name]))
    network, values = Network.parse(LAID_OUT[name][0]), computed[name]
    assert values.named("gradient_check") == ["PASS"] * network.weight_count
    assert values.named("workbook_agrees") == [AGREES_ALONE]
    for weight, (analytic, numeric, _, verdict) in zip(network.weight_names, expected, strict=True):
        row = values.quantities[f"dE/d{weight}"]
        assert close(row["Native formula"], analytic, 1e-10), weight
        assert close(row["Numeric"], numeric, 1e-9), weight
        assert row["Check"] == verdict


def test_a_relu_unit_at_its_kink_is_one_natively_too(computed: dict[str, Values]) -> None:
    network, weights, inputs, targets = numbers_of("2-2-1 relu")
    weights[:2] = 0
    verdicts = [verdict for *_, verdict in gradient_check.check(network, weights, inputs, targets)]
    assert verdicts == ["KINK", "KINK", "PASS", "PASS", "PASS", "PASS"]
    assert computed["kink"].named("gradient_check") == verdicts
    assert computed["kink"].named("workbook_agrees") == [AGREES_ALONE]


@pytest.mark.parametrize("name", LAID_OUT)
def test_the_next_row_of_the_log_is_one_update_and_its_loss(computed: dict[str, Values], name: str) -> None:
    network, weights, inputs, targets = numbers_of(*LAID_OUT[name])
    rate = starting_point(network, LAID_OUT[name][1]).learning_rate
    updated = descent.step(network, weights, inputs, targets, rate)
    loss = propagation.loss(network, updated, inputs, targets)[-1]
    row = computed[name].named("log_next")
    assert computed[name].named("log_table") == ["epoch", "press", *network.weight_names, "learning_rate", "E_total"]
    np.testing.assert_allclose(row, [1, 0, *updated, rate, loss], rtol=0, atol=1e-10)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_epoch_chosen_is_shown_on_forward_and_backward(computed: dict[str, Values], optimizer: str) -> None:
    values = computed[f"epoch of {optimizer.split()[0]}"]
    network, weights, inputs, targets = numbers_of("2-2-2")
    now = descent.history(network, weights, inputs, targets, 0.5, 7, optimizer)[-1]
    numbers = (network, now, inputs, targets)
    np.testing.assert_allclose(values.named("shown_weights"), now, rtol=0, atol=1e-10)
    expected = {
        **dict(zip(network.unit_names, propagation.units(network, now, inputs)[0], strict=True)),
        **dict(zip(network.loss_names, propagation.loss(*numbers), strict=True)),
        **dict(zip(network.gradient_names, propagation.gradient(*numbers), strict=True)),
        **{f"new {w}": each for w, each in zip(network.weight_names, descent.step(*numbers, 0.5), strict=True)},
    }
    assert [name for name, value in expected.items() if not close(values.native(name), value, 1e-10)] == []
    assert values.named("gradient_check") == ["PASS"] * 8


def test_own_numbers_take_the_place_of_the_presets_and_of_no_others(computed: dict[str, Values]) -> None:
    values, built = computed["own numbers"], computed["few"]
    assert values.named("inputs") == [0.7, 0.1]
    changed = [own != each for own, each in zip(values.named("weights"), built.named("weights"), strict=True)]
    assert changed == [True, *[False] * 7]
    network = Network.parse("2-2-2")
    numbers = [np.array(values.named(name)) for name in ("weights", "inputs", "targets")]
    gradient = propagation.gradient(network, numbers[0], numbers[1][None], numbers[2][None])
    native = [values.native(name) for name in network.gradient_names]
    np.testing.assert_allclose(native, gradient, rtol=0, atol=1e-10)
    assert values.named("learning_rate") == [3.0]


@pytest.mark.parametrize("number", range(len(MISTAKES)))
def test_each_mistake_fails_the_check_while_the_loss_hardly_shows_it(computed: dict, number: int) -> None:
    values = computed[f"mistake {number}"]
    verdicts = values.named("mistake_check")
    assert "FAIL" in verdicts
    assert values.named("gradient_check") == ["PASS"] * 8
    rows = values.area("Spot the mistake", "I8:L10")
    losses = {epoch: (right, wrong) for epoch, right, wrong, _ in rows}
    right = descent.sweep(*numbers_of("2-2-2"), np.array([0.5]), 10)[:, 0]
    assert all(close(losses[epoch][0], right[epoch], 1e-10) for epoch in (0, 1, 10))
    falls = losses[10][1] < losses[1][1] < losses[0][1]
    assert falls or MISTAKES[number] == "empty learning rate"


def test_the_xor_batch_shows_each_sample_and_the_mean(computed: dict[str, Values]) -> None:
    network, weights, inputs, targets = numbers_of(XOR, "xor")
    values = computed["xor"]
    rows = values.grid("Batch")
    heads = next(row for row in rows if row[0] == "sample" and "a_o1" in row)
    shown = {row[0]: dict(zip(heads, row, strict=True)) for row in rows[rows.index(heads) + 1 :]}
    for sample in range(4):
        units = propagation.units(network, weights, inputs[sample : sample + 1])[0]
        for name, value in zip(network.unit_names, units, strict=True):
            assert close(shown[sample + 1][name], value, 1e-10), (sample, name)
    loss = propagation.loss(network, weights, inputs, targets)
    assert close(shown["mean"]["E_total"], loss[-1], 1e-10)
    for name, value in zip(
        network.gradient_names, propagation.gradient(network, weights, inputs, targets), strict=True
    ):
        assert close(shown["mean"][name], value, 1e-10)
        assert close(values.native(name), value, 1e-10)
