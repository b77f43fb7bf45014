"""Columns between loss and gradients, under any title, in any table: a wrong one is the cause, a right one is right."""

import re
from pathlib import Path

import numpy as np
import pytest
from openpyxl.utils import get_column_letter

from pyfuncs.network import Network
from tests.learners import Layout, Made
from xlsx import formulas
from xlsx.check import files
from xlsx.check.book import Book
from xlsx.check.check import Report, check
from xlsx.check.report import text
from xlsx.expressions import native

ROWS, RATE, TOP = 6, 0.5, 2
DELTA = r"dE/d[ho]\d"
ERROR_TITLES = ["error {}", "err_{}", "Err({})", "dE_{}", "local gradient {}", "delta {}", "tmp {}", "({})"]


class Tables:
    """A descent of any network, with columns for its deltas: titles, sheets and formulas changed by name.

    Formulas are written over names in braces; `{w1'}` is w1 of the row before.
    """

    def __init__(self, network: str, titles: dict[str, str] | None = None, sheets: dict[str, str] | None = None):
        self.network = Network.parse(network)
        self.made = formulas.derivation(self.network)
        self.texts = {each.name: native(each.expression, lambda name: f"{{{name}}}") for each in self.made}
        self.texts |= {
            f"{name}'": f"{{{name}'}}-{RATE}*{{dE/d{name}'}}"
            for name in self.network.weight_names[: self.network.learned_count]
        }
        self.names = list(dict.fromkeys([*self.network.headers("train"), *[each.name for each in self.made]]))
        self.titles, self.sheets = titles or {}, sheets or {}
        self.pasted: dict[str, list[float]] = {}

    def place(self, name: str) -> tuple[str, int]:
        sheet = self.sheet(name)
        return sheet, 1 + [each for each in self.names if self.sheet(each) == sheet].index(name)

    def sheet(self, name: str) -> str:
        return next((sheet for part, sheet in self.sheets.items() if re.fullmatch(part, name)), "S")

    def cell(self, name: str, row: int, own: str) -> str:
        sheet, column = self.place(name.rstrip("'"))
        place = f"{get_column_letter(column)}{row - name.endswith(chr(39))}"
        return place if sheet == own else f"{sheet}!{place}"

    def content(self, name: str, row: int, start: float) -> object:
        text = self.texts.get(f"{name}'") if row > TOP else None
        text = text or self.texts.get(name)
        if name in self.pasted:
            return self.pasted[name][row - TOP]
        if text is None:
            return start
        return "=" + re.sub(r"\{(.+?)\}", lambda found: self.cell(found[1], row, self.sheet(name)), text)

    def check(self, path: Path) -> Report:
        return check(Made(Layout(), self.cells()).save(path))

    def cells(self) -> dict[tuple[str, int, int], object]:
        starts = dict(zip(self.names, np.linspace(0.15, 0.85, len(self.names)).round(2).tolist(), strict=True))
        cells = {}
        for name in self.names:
            sheet, column = self.place(name)
            cells[sheet, TOP - 1, column] = self.titles.get(name, name)
            cells |= {(sheet, row, column): self.content(name, row, starts[name]) for row in range(TOP, TOP + ROWS)}
        return cells


def titled(pattern: str, names: str = DELTA, network: str = "3-2-1") -> dict[str, str]:
    """{dE/do1: "error o1"} for a pattern such as "error {}"."""
    return {name: pattern.format(name[4:]) for name in Tables(network).names if re.fullmatch(names, name)}


def blamed(report: Report) -> list[str]:
    return [each.quantity for block in report.blocks for each in block.columns if each.status == "wrong"]


def right(report: Report) -> None:
    assert (report.status, blamed(report)) == ("right", []), report.mistakes


@pytest.mark.parametrize("title", ERROR_TITLES)
def test_deltas_under_any_title_are_right(title: str, tmp_path: Path) -> None:
    right(Tables("3-2-1", titled(title)).check(tmp_path / "book.xlsx"))


@pytest.mark.parametrize("title", ERROR_TITLES)
@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("dE/do1", "{a_o1}-{t1}*{a_o1}*(1-{a_o1})"),
        ("dE/do1", "({a_o1}-{t1})*{a_o1}*(1+{a_o1})"),
        ("dE/do1", "{a_o1}-{t1}"),
        ("dE/dh2", "{dE/do1}*{w8}*{a_h2}*(1+{a_h2})"),
    ],
)
def test_a_wrong_delta_under_any_title_is_the_only_cause(title: str, name: str, formula: str, tmp_path: Path) -> None:
    book = Tables("3-2-1", titled(title))
    book.texts[name] = formula
    assert blamed(book.check(tmp_path / "book.xlsx")) == [name]


def test_deltas_beside_losses_of_the_same_title_are_told_from_them(tmp_path: Path) -> None:
    right(
        Tables("2-2-2", titled("error {}", r"dE/do\d", "2-2-2") | {"E1": "error 1", "E2": "error 2"}).check(
            tmp_path / "book.xlsx"
        )
    )


TABLES = {
    "deltas on another sheet": {DELTA: "Deltas"},
    "weights on another sheet": {r"w\d+": "Weights"},
    "inputs and targets on another sheet": {r"[it]\d": "Data"},
    "losses on another sheet": {r"E\d|E_total": "Loss"},
    "a sheet for each step": {r"w\d+": "Weights", r"E\d|E_total": "Loss", DELTA: "Deltas", r"dE/dw\d+": "Gradients"},
}


@pytest.mark.parametrize("network", ["3-2-1", "2-2-2", "3-3-2 bias"])
@pytest.mark.parametrize("kind", TABLES)
def test_the_tables_of_one_descent_belong_together(kind: str, network: str, tmp_path: Path) -> None:
    report = Tables(network, titled("error {}", network=network), TABLES[kind]).check(tmp_path / "book.xlsx")
    right(report)
    assert not [name for block in report.blocks for name in block.absent]


def test_a_table_of_unknown_titles_below_is_no_part_of_the_one_above(tmp_path: Path) -> None:
    book, below = Tables("1-2-1"), TOP + ROWS + 2
    cells = book.cells()
    others = {f"part {name}": book.texts[name] for name in book.names if name in book.texts}
    for column, (title, formula) in enumerate(others.items(), 1):
        book.texts[title] = formula
        cells |= {("S", below + row - TOP, column): book.content(title, row, 0.0) for row in range(TOP, TOP + ROWS)}
        cells["S", below - 1, column] = title
    report = check(Made(Layout(), cells).save(tmp_path / "book.xlsx"))
    assert [each.rows for each in report.blocks] == [ROWS]
    right(report)


def test_a_wrong_loss_in_a_table_of_its_own_is_found(tmp_path: Path) -> None:
    book = Tables("2-2-2", sheets={r"E\d|E_total": "Loss"})
    book.texts["E2"] = "({t2}-{a_o2})"
    assert blamed(book.check(tmp_path / "book.xlsx")) == ["E2"]


@pytest.mark.parametrize("kind", TABLES)
def test_a_wrong_delta_in_another_table_is_the_only_cause(kind: str, tmp_path: Path) -> None:
    book = Tables("3-2-1", titled("part {}"), TABLES[kind])
    book.texts["dE/do1"] = "{a_o1}-{t1}*{a_o1}*(1-{a_o1})"
    report = book.check(tmp_path / "book.xlsx")
    assert blamed(report) == ["dE/do1"]
    assert {"dE/dw7", "dE/dh1"} <= {name for block in report.blocks for name in block.consequences}


def of_other_sign(book: Tables) -> Tables:
    """δ = (t − a_o)·a_o·(1 − a_o), and dE/dw = −δ·a_h."""
    book.texts["dE/do1"] = "({t1}-{a_o1})*{a_o1}*(1-{a_o1})"
    book.texts |= {name: f"-{text}" for name, text in book.texts.items() if re.fullmatch(r"dE/dw\d+", name)}
    return book


@pytest.mark.parametrize("title", ["δ_{}", "error {}", "tmp {}", "−dE/d{}"])
@pytest.mark.parametrize("kind", [None, *TABLES])
def test_deltas_of_the_other_sign_are_right_in_any_table(kind: str | None, title: str, tmp_path: Path) -> None:
    right(of_other_sign(Tables("3-2-1", titled(title), TABLES.get(kind))).check(tmp_path / "book.xlsx"))


@pytest.mark.parametrize("title", ["δ_{}", "error {}", "tmp {}"])
def test_a_wrong_delta_of_the_other_sign_is_the_only_cause(title: str, tmp_path: Path) -> None:
    book = of_other_sign(Tables("3-2-1", titled(title)))
    book.texts["dE/do1"] = "({t1}+{a_o1})*{a_o1}*(1-{a_o1})"
    assert blamed(book.check(tmp_path / "book.xlsx")) == ["dE/do1"]


def with_steps(title: str) -> Tables:
    """The delta as a product of a_o1 − t1 and the slope, each in a column."""
    book = Tables("3-2-1", titled("error {}") | {"dE/da_o1": title, "slope": "slope o1"})
    book.names += ["slope"]
    book.texts |= {"slope": "{a_o1}*(1-{a_o1})", "dE/do1": "{dE/da_o1}*{slope}"}
    return book


@pytest.mark.parametrize("title", ["err1", "e1", "diff 1", "a_o1-t1"])
def test_the_steps_to_a_delta_are_right(title: str, tmp_path: Path) -> None:
    right(with_steps(title).check(tmp_path / "book.xlsx"))


@pytest.mark.parametrize(
    ("name", "formula", "quantity"),
    [
        ("dE/da_o1", "{a_o1}+{t1}", "dE/da_o1"),
        ("slope", "{a_o1}*(1+{a_o1})", "da_o1/do1"),
        ("dE/do1", "{dE/da_o1}*{slope}*{a_h1}", "dE/do1"),
    ],
)
@pytest.mark.parametrize("title", ["err1", "diff 1"])
def test_a_wrong_step_to_a_delta_is_the_only_cause(
    title: str, name: str, formula: str, quantity: str, tmp_path: Path
) -> None:
    book = with_steps(title)
    book.texts[name] = formula
    assert blamed(book.check(tmp_path / "book.xlsx")) == [quantity]


def values_of(book: Tables, name: str, path: Path) -> list[float]:
    """A column's numbers, as the check itself works them out."""
    book.check(path)
    read = Book(files.read(path))
    sheet, column = book.place(name)
    return [read.number((sheet, row, column)) for row in range(TOP, TOP + ROWS)]


@pytest.mark.parametrize("name", ["dE/dw7", "dE/dw1", "dE/dh1"])
def test_pasted_numbers_that_follow_from_a_wrong_delta_are_not_blamed(name: str, tmp_path: Path) -> None:
    book = Tables("3-2-1")
    book.texts["dE/do1"] = "({a_o1}-{t1})*{a_o1}*(1-{a_o1})*{a_h1}"
    book.pasted[name] = [round(value, 8) for value in values_of(book, name, tmp_path / "numbers.xlsx")]
    assert blamed(book.check(tmp_path / "book.xlsx")) == ["dE/do1"]


def test_the_report_says_as_what_a_column_of_another_title_is_read(tmp_path: Path) -> None:
    book = Tables("3-2-1", {"dE/do1": "part o1"}, {DELTA: "Deltas"})
    assert '  read by what they compute or are used for: "part o1" (A) as dE/do1' in text(
        book.check(tmp_path / "book.xlsx")
    )


def test_a_wrong_new_weight_does_not_put_the_others_rate_in_doubt(tmp_path: Path) -> None:
    book = Tables("1-1-1")
    for name in book.network.weight_names:
        book.names.append(f"new {name}")
        book.texts |= {f"new {name}": f"{{{name}}}-{RATE}*{{dE/d{name}}}", f"{name}'": f"{{new {name}'}}"}
    book.texts["new w2"] += "*{a_o1}"
    assert blamed(book.check(tmp_path / "book.xlsx")) == ["new w2"]


def test_a_learned_bias_that_stopped_moving_is_right(tmp_path: Path) -> None:
    book = Tables("2-2-2 bias")
    book.texts["a_o2"] = "1/(1+EXP({o2}*0))*0"  # its derivative is 0, so that b4 stays as it is
    assert "b4" not in blamed(book.check(tmp_path / "book.xlsx"))


@pytest.mark.parametrize("title", ["err{}", "error {}", "E{}"])
@pytest.mark.parametrize("formula", ["{{a_o{0}}}-{{t{0}}}", "{{t{0}}}-{{a_o{0}}}"])
def test_pasted_errors_whose_only_reader_is_wrong_are_not_blamed(formula: str, title: str, tmp_path: Path) -> None:
    sheets = {r"E\d|E_total": "Loss", r"dE/d.*": "Deltas"}
    book = Tables("2-2-2", {f"dE/da_o{at}": title.format(at) for at in (1, 2)}, sheets)
    book.names += ["dE/da_o1", "dE/da_o2"]
    sign = -1 if formula.startswith("{{t") else 1
    for at in (1, 2):
        book.texts[f"dE/da_o{at}"] = formula.format(at)
        book.texts[f"dE/do{at}"] = f"{sign}*{{dE/da_o{at}}}*{{a_o{at}}}*(1-{{a_o{at}}})"
    book.texts["dE/do1"] = "{a_o1}*(1-{a_o1})"
    book.texts["dE/do2"] += "*{w5}"
    for name in ("dE/da_o1", "dE/da_o2"):
        book.pasted[name] = [round(value, 8) for value in values_of(book, name, tmp_path / "numbers.xlsx")]
    assert blamed(book.check(tmp_path / "book.xlsx")) == ["dE/do1", "dE/do2"]


def test_a_wrong_delta_that_only_copies_the_error_is_the_only_cause(tmp_path: Path) -> None:
    titles = titled("grad_{}") | {"dE/da_o1": "dE/dout_o1"}
    book = Tables("3-2-1", titles, {r"dE/d[^w].*": "Deltas"})
    book.names += ["dE/da_o1"]
    book.texts |= {"dE/da_o1": "{a_o1}-{t1}", "dE/do1": "{dE/da_o1}"}
    book.pasted["dE/dw8"] = [round(value, 8) for value in values_of(book, "dE/dw8", tmp_path / "numbers.xlsx")]
    assert blamed(book.check(tmp_path / "book.xlsx")) == ["dE/do1"]


def test_pasted_gradients_after_what_may_be_a_delta_without_its_slope_are_not_blamed(tmp_path: Path) -> None:
    book = Tables("1-2-1", titled("d_{}", network="1-2-1"))
    book.texts["dE/dh2"] = "{dE/do1}*{w4}"
    for name in ("dE/dh1", "dE/dw2"):
        book.pasted[name] = [round(value, 8) for value in values_of(book, name, tmp_path / "numbers.xlsx")]
    assert not {"dE/dh1", "dE/dw2"} & set(blamed(book.check(tmp_path / "book.xlsx")))


def test_a_pasted_delta_after_a_wrong_step_titled_as_an_error_is_not_blamed(tmp_path: Path) -> None:
    sheets = {r"E\d|E_total": "Loss", r"dE/d.*|da_.*": "Deltas"}
    book = Tables("3-2-1", {"dE/da_o1": "error1"}, sheets)
    book.names += ["dE/da_o1"]
    book.texts |= {"dE/da_o1": "{a_o1}+{t1}", "dE/do1": "{dE/da_o1}*{a_o1}*(1-{a_o1})"}
    book.pasted["dE/do1"] = [round(value, 8) for value in values_of(book, "dE/do1", tmp_path / "numbers.xlsx")]
    assert "dE/do1" not in blamed(book.check(tmp_path / "book.xlsx"))


def test_an_error_whose_only_reader_takes_it_for_the_delta_is_not_blamed(tmp_path: Path) -> None:
    units = ["o1", "o2", "h1", "h2", "h3"]
    titles = {f"dE/d{unit}": f"delta{at}" for at, unit in enumerate(units, 1)}
    titles |= {f"slope_{unit}": f"da_{unit}/d{unit}" for unit in units}
    titles |= {f"dE/da_o{at}": f"error{at}" for at in (1, 2)}
    book = Tables("2-3-2", titles, {r"dE/d[^w].*|slope.*": "Deltas"})
    first = ["dE/da_o1", "dE/da_o2", *[f"slope_{unit}" for unit in units]]
    book.names = first + book.names
    book.texts |= {f"slope_{unit}": f"{{a_{unit}}}*(1-{{a_{unit}}})" for unit in units}
    book.texts |= {f"dE/da_o{at}": f"{{a_o{at}}}-{{t{at}}}" for at in (1, 2)}
    book.texts |= {"dE/do1": "{dE/da_o1}*{slope_o1}", "dE/do2": "{dE/da_o2}"}
    assert blamed(book.check(tmp_path / "book.xlsx")) == ["dE/do2"]


@pytest.mark.parametrize(("readers", "name"), [(1, "dE/da_o1"), (2, "dE/do1")])
def test_one_reader_is_not_enough_against_what_an_error_computes(readers: int, name: str, tmp_path: Path) -> None:
    """A column that holds a_o1 − t1 is dE/da_o1, unless two formulas need dE/do1 of it."""
    network = "2-1-1" if readers == 1 else "2-2-1"
    book = Tables(network, {"dE/do1": "part"})
    book.names.remove("dE/da_o1")
    book.texts |= {"dE/do1": "{a_o1}-{t1}", "dE/dh1": "({a_o1}-{t1})*{a_o1}*(1-{a_o1})*{w3}*{a_h1}*(1-{a_h1})"}
    if readers == 2:
        book.texts["dE/dh1"] = book.texts["dE/dh1"].replace("{w3}", "{w5}")
        book.texts["dE/dh2"] = "({a_o1}-{t1})*{a_o1}*(1-{a_o1})*{w6}*{a_h2}*(1-{a_h2})"
    (block,) = book.check(tmp_path / "book.xlsx").blocks
    assert {each.title: each.quantity for each in block.columns}["part"] == name


def test_a_delta_without_its_slope_is_the_cause_where_the_others_of_its_title_are_deltas(tmp_path: Path) -> None:
    units = ["o1", "h1", "h2"]
    titles = {f"dE/d{unit}": f"error {at}" for at, unit in enumerate(units, 1)}
    book = of_other_sign(Tables("1-2-1", titles, {r"E\d|E_total": "Loss", r"dE/d.*": "Deltas"}))
    book.texts["dE/dh1"] = "{dE/do1}*{w3}"
    assert blamed(book.check(tmp_path / "book.xlsx")) == ["dE/dh1"]


def with_pasted_delta(titles: dict[str, str], path: Path) -> Tables:
    """A delta and a gradient made of it as numbers; only one formula reads the delta, and dE/dw6 is wrong."""
    book = Tables("2-2-1", titles)
    book.texts["dE/dw6'"] = "{dE/do1'}*{a_h2}"
    book.pasted["dE/dh2"] = pasted = [round(value, 6) for value in values_of(book, "dE/dh2", path)]
    inputs = values_of(book, "i2", path)
    book.pasted["dE/dw4"] = [round(value * each, 8) for value, each in zip(pasted, inputs, strict=True)]
    return book


@pytest.mark.parametrize("title", ["err Hidden{}", "tmp {}"])
def test_a_pasted_delta_with_one_reader_is_known_by_the_others_of_its_title(title: str, tmp_path: Path) -> None:
    titles = {f"dE/dh{at}": title.format(at) for at in (1, 2)}
    report = with_pasted_delta(titles, tmp_path / "numbers.xlsx").check(tmp_path / "book.xlsx")
    assert blamed(report) == ["dE/dw6"]
    assert "not checked" not in {column.status for block in report.blocks for column in block.columns}


def test_a_pasted_gradient_after_pasted_numbers_of_no_known_name_is_not_blamed(tmp_path: Path) -> None:
    titles = {"dE/dh1": "part", "dE/dh2": "temp"}
    book = with_pasted_delta(titles, tmp_path / "numbers.xlsx")
    assert blamed(book.check(tmp_path / "book.xlsx")) == ["dE/dw6"]
