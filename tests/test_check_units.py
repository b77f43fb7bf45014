"""Deltas under any title, in any table, where the units are no sigmoids or the loss is no squared error."""

import re
from pathlib import Path

import numpy as np
import pytest

from pyfuncs.network import Network
from tests.test_check_helpers import DELTA, ROWS, TABLES, Tables, blamed, right, titled, values_of
from xlsx.check.check import NO_LOSS
from xlsx.check.rules import POINTS, rules_of

NETWORKS = ["2-3-1 relu", "2-2-2 tanh", "2-2-2 cross-entropy", "2-2-1 relu cross-entropy bias"]


@pytest.mark.parametrize("title", ["error {}", "part {}", "Err({})"])
@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("network", NETWORKS)
def test_the_tables_of_other_networks_are_right(network: str, kind: str, title: str, tmp_path: Path) -> None:
    right(Tables(network, titled(title, network=network), TABLES[kind]).check(tmp_path / "book.xlsx"))


@pytest.mark.parametrize("name", ["dE/do1", "dE/dh1"])
@pytest.mark.parametrize("network", NETWORKS)
def test_a_wrong_delta_of_other_networks_is_the_only_cause(network: str, name: str, tmp_path: Path) -> None:
    book = Tables(network, titled("part {}", network=network))
    book.texts[name] = f"({book.texts[name]})*{{a_o1}}"
    assert blamed(book.check(tmp_path / "book.xlsx")) == [name]


@pytest.mark.parametrize("pasted", [[], ["E2"]])
@pytest.mark.parametrize("network", ["2-2-2 cross-entropy", "2-2-2"])
def test_a_table_of_losses_alone_tells_the_loss(network: str, pasted: list[str], tmp_path: Path) -> None:
    book = Tables(network, titled("tmp {}", network=network), {r"E\d|E_total": "Loss"})
    for name in pasted:
        book.pasted[name] = [round(value, 8) for value in values_of(book, name, tmp_path / "numbers.xlsx")]
    right(book.check(tmp_path / "book.xlsx"))


def test_a_total_alone_in_a_table_tells_the_loss(tmp_path: Path) -> None:
    book = Tables("2-2-1 cross-entropy", titled("Error at {}", network="2-2-1"), {"E_total": "Loss"})
    book.names.remove("E1")
    book.texts["E_total"] = "-({t1}*LN({a_o1})+(1-{t1})*LN(1-{a_o1}))"
    right(book.check(tmp_path / "book.xlsx"))


def test_gradients_of_the_cross_entropy_are_right_without_a_loss(tmp_path: Path) -> None:
    book = Tables("2-2-1 cross-entropy", titled("Error at {}", network="2-2-1"))
    assert NO_LOSS not in book.check(tmp_path / "with_loss.xlsx").blocks[0].conventions
    book.names = [name for name in book.names if not re.fullmatch(r"E\d|E_total", name)]
    report = book.check(tmp_path / "book.xlsx")
    right(report)
    assert NO_LOSS in report.blocks[0].conventions  # for the squared error they would be wrong


def test_most_points_have_every_relu_on_and_the_last_has_it_off() -> None:
    for network in ("2-3-1 relu", "2-2-1 relu cross-entropy bias", "3-3-2 relu bias"):
        rules = rules_of(Network.parse(network))
        for offset in (0, -1, 1):
            for unit in rules.layers[0].units:
                sums = rules.point(offset)[unit]
                assert [bool(value > 0) for value in sums] == [True] * (POINTS - 1) + [False]


@pytest.mark.parametrize("sheets", [{}, {r"[it]\d": "Data"}])
def test_another_example_in_each_row_is_right(sheets: dict[str, str], tmp_path: Path) -> None:
    book = Tables("1-2-1", sheets=sheets)
    book.pasted = {"t1": [0.0] + [1.0] * (ROWS - 1), "i1": [round(0.1 + 0.13 * row, 2) for row in range(ROWS)]}
    right(book.check(tmp_path / "book.xlsx"))


def test_pasted_slopes_of_a_relu_are_no_mistake_of_what_reads_them(tmp_path: Path) -> None:
    book = Tables("2-2-1 relu", titled("d_{}", network="2-2-1"))
    book.names += ["slope"]
    book.titles["slope"] = "deriv_h2"
    book.texts |= {"slope": "IF({h2}>0,1,0)", "dE/dh2": "{slope}*{dE/do1}*{w6}"}
    book.pasted["slope"] = values_of(book, "slope", tmp_path / "numbers.xlsx")
    assert blamed(book.check(tmp_path / "book.xlsx")) == []


def test_a_pasted_step_to_a_delta_titled_as_an_error_is_no_target(tmp_path: Path) -> None:
    book = Tables("2-2-2", titled("Err({})", network="2-2-2") | {"dE/da_o1": "diff 1"}, {DELTA: "D", "dE/da.*": "D"})
    book.names += ["dE/da_o1"]
    book.texts |= {"dE/da_o1": "{a_o1}-{t1}", "dE/do1": "{dE/da_o1}*{a_o1}*(1-{a_o1})"}
    book.pasted["dE/da_o1"] = [round(value, 8) for value in values_of(book, "dE/da_o1", tmp_path / "numbers.xlsx")]
    assert blamed(book.check(tmp_path / "book.xlsx")) == []


@pytest.mark.parametrize("network", [*NETWORKS, "2-3-2 cross-entropy"])
def test_the_derivatives_by_activations_are_those_of_the_chain_rule(network: str) -> None:
    rules = rules_of(Network.parse(network))
    values = rules.point(0)
    for name in [name for name in rules.by_number if re.fullmatch(r"dE/da_[ho]\d", name)]:
        unit = name[6:]
        np.testing.assert_allclose(values[name] * values[f"da_{unit}/d{unit}"], values[f"dE/d{unit}"], rtol=1e-9)
