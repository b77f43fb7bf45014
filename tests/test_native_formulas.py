"""Every native formula of the workbook, recalculated by a real LibreOffice, against canonical figures and pyfuncs."""

import numpy as np
import pytest

from pyfuncs import descent, propagation
from pyfuncs.network import Network
from pyfuncs.presets import starting_point
from tests.networks import CANONICAL, RATES, STARTS
from tests.sheets import (
    ERRORS,
    NETWORKS,
    WRONG,
    Values,
    close,
    converted,
    file_name,
    profile,
    with_cells,
    with_wrong_values,
    workbook,
)


def cell_changes(values: Values, **lists: list) -> dict[str, object]:
    """Named ranges and their new contents, as places and contents."""
    changes = {}
    for name, contents in lists.items():
        ((sheet, area),) = values.book.defined_names[name].destinations
        cells = [cell for row in values.book[sheet][area.replace("$", "")] for cell in row]
        changes |= {f"{sheet}!{cell.coordinate}": new for cell, new in zip(cells, contents, strict=True)}
    return changes


@pytest.fixture(scope="module")
def computed(soffice: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Values]:
    """Workbooks recalculated by LibreOffice. Every number stored in them was wrong before."""
    folder, out = tmp_path_factory.mktemp("wrong"), tmp_path_factory.mktemp("computed")
    networks = ["2-2-2", *NETWORKS, "2-1 sigmoid linear"]
    wrong = [with_wrong_values(workbook(network), folder / file_name(network)) for network in networks]
    course, single, linear = wrong[0], folder / file_name("2-1"), folder / file_name("2-1 sigmoid linear")
    laid_out = Values(course)
    for start in STARTS[:1] + STARTS[2:]:  # the workbook as built starts at "course"
        setup = CANONICAL[start]["setup"]
        wrong.append(with_cells(course, folder / f"{start}.xlsx", cell_changes(laid_out, **setup)))
    for name, changes in BAD_CELLS.items():
        wrong.append(with_cells(single, folder / f"{name}.xlsx", changes))
    for name, changes in LARGE.items():
        wrong.append(with_cells(linear if name == "diverging" else single, folder / f"{name}.xlsx", changes))
    done = converted(soffice, profile(tmp_path_factory.mktemp("profile")), wrong, out)
    values = {path.stem: Values(path) for path in done}
    return values | {"course": values["2-2-2"]}


# The sheet Network of a 2-1: D9 and D10 hold the inputs, D11 the target, D12 and D13 the weights, D14 the learning rate
BAD_CELLS = {
    "text": {"Network!D13": "o.2"},
    "blank": {"Network!D9": None, "Learning rates!C5": None},
    "error": {"Network!D11": "#DIV/0!"},
    "rate": {"Network!D14": 0, "Learning rates!B5": "fast"},
}
LARGE = {
    "diverging": {"Learning rates!B5": 1e6, "Learning rates!C5": 1e200},
    "z=1000": {"Network!D9": 1.0, "Network!D10": 0.0, "Network!D12": 1000.0},
    "z=-1000": {"Network!D9": 1.0, "Network!D10": 0.0, "Network!D12": -1000.0},
}


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
            if int(epoch) <= 100:
                assert close(losses[int(epoch)][column], expected, 1e-9), (rate, epoch)


@pytest.mark.parametrize("network", NETWORKS)
def test_every_quantity_of_other_networks_equals_pyfuncs(computed: dict[str, Values], network: str) -> None:
    described = Network.parse(network)
    start, native = starting_point(described), computed[file_name(network).removesuffix(".xlsx")].native
    numbers = (described, np.array(start.weights), np.array(start.inputs), np.array(start.targets))
    moved = [f"new {weight}" for weight in described.weight_names]
    expected = {
        **dict(zip(described.unit_names, propagation.units(*numbers[:3])[0], strict=True)),
        **dict(zip(described.loss_names, propagation.loss(*numbers), strict=True)),
        **dict(zip(described.gradient_names, propagation.gradient(*numbers), strict=True)),
        **dict(zip(moved, descent.step(*numbers, start.learning_rate), strict=True)),
    }
    assert [name for name, value in expected.items() if not close(native(name), value)] == []


@pytest.mark.parametrize("network", NETWORKS)
def test_the_rows_of_each_rate_equal_pyfuncs_training(computed: dict[str, Values], network: str) -> None:
    described = Network.parse(network)
    start, values = starting_point(described), computed[file_name(network).removesuffix(".xlsx")]
    numbers = (described, np.array(start.weights), np.array(start.inputs), np.array(start.targets))
    for index, rate in enumerate(RATES):
        block = values.block(index)
        table = descent.train_table(*numbers, rate, 100)
        for title, column in zip(described.headers("train"), table.T, strict=True):
            native = np.array([row[title] for row in block], dtype=float)
            np.testing.assert_allclose(native, column, rtol=1e-9, atol=1e-9, err_msg=f"{title} at {rate}")
        assert [row[index] for row in values.losses] == [row["E_total"] for row in block]


def test_no_wrong_stored_number_is_left_after_a_recalculation(computed: dict[str, Values]) -> None:
    for name, values in computed.items():
        assert [place for place, value in values.all() if value == float(WRONG)] == [], name


@pytest.mark.parametrize("network", ["2-2-2", *NETWORKS])
def test_without_the_extension_no_cell_shows_an_error(computed: dict[str, Values], network: str) -> None:
    values = computed[file_name(network).removesuffix(".xlsx")]
    cells = [(place, value) for place, value in values.all() if isinstance(value, str)]
    assert [(place, value) for place, value in cells if value in ERRORS or "Err:" in value] == []
    assert not values.named("python_ready")[0]
    assert values.named("first_bad_input") == ["all inputs are numbers"]


def test_the_stored_values_are_what_libreoffice_computes(computed: dict[str, Values]) -> None:
    for network in ("2-2-2", "2-3-1 tanh bias", "2-1 sigmoid linear"):
        kept = dict(Values(workbook(network)).all())
        for place, value in computed[file_name(network).removesuffix(".xlsx")].all():
            if isinstance(value, (int, float)):
                assert close(kept[place], value), (network, place)
            else:
                assert kept[place] == value, (network, place)


@pytest.mark.parametrize(
    ("file", "cell", "dead", "alive"),
    [
        ("text", "w2 (row 13) is text: type a number", ["o1", "a_o1", "E_total", "dE/dw1", "new w1"], []),
        ("blank", "i1 (row 9) is blank: type a number", ["o1", "a_o1", "E_total", "dE/dw2", "new w2"], []),
        ("error", "t1 (row 11) is an error: type a number", ["E1", "E_total", "dE/dw1", "new w1"], ["o1", "a_o1"]),
        ("rate", "learning_rate (row 14) is not above 0", ["new w1", "new w2"], ["o1", "E_total", "dE/dw1"]),
    ],
)
def test_a_bad_cell_is_named_and_gives_no_number(
    computed: dict[str, Values], file: str, cell: str, dead: list[str], alive: list[str]
) -> None:
    values = computed[file]
    assert values.named("first_bad_input") == [cell]
    assert values.book["Start"]["B9"].value == cell
    assert [values.native(name) for name in dead] == ["#N/A"] * len(dead)
    assert all(isinstance(values.native(name), float) for name in alive)


def test_a_bad_input_leaves_no_loss_and_a_bad_rate_none_but_the_first(computed: dict[str, Values]) -> None:
    assert {loss for row in computed["text"].losses for loss in row} == {"#N/A"}
    assert {loss for row in computed["blank"].losses for loss in row} == {"#N/A"}
    losses = computed["rate"].losses
    assert isinstance(losses[0][0], float)
    assert {row[0] for row in losses[1:]} == {"#N/A"}
    assert all(isinstance(row[1], float) for row in losses)
    assert outcomes(computed["rate"])[:2] == ["the rate is not above 0", "falls"]
    assert outcomes(computed["text"])[0] == "see Network"


def outcomes(values: Values) -> list[str]:
    return [row[0] for row in values.book["Learning rates"].iter_rows(7, 12, 15, 15, values_only=True)]


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
