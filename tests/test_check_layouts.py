"""Layouts that learners choose: each of these right workbooks is understood and nothing in it is blamed."""

import random
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from openpyxl.utils import column_index_from_string, get_column_letter
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.table import Table

from pyfuncs.network import Network
from tests import learners
from tests.descents import any_table
from tests.learners import D1, D2, EXERCISE, GIVEN, WEIGHTS, Layout, Made, formulas, make
from xlsx import formulas as formulas_of
from xlsx.check.check import Report, check
from xlsx.expressions import native

Cells = dict[tuple[str, int, int], object]
RELATIVE = re.compile(r"(?<![$\w])([A-Z]{1,2})(\d+)\b")


def book(cells: Cells, path: Path, add: Callable[[openpyxl.Workbook], object] | None = None) -> Path:
    """The cells as a file; `add` may put in what cells are not."""
    saved = Made(Layout(), cells).save(path)
    if add:
        whole = openpyxl.load_workbook(saved)
        add(whole)
        whole.save(saved)
    return saved


def moved(cells: Cells, place: Callable[[int, int], tuple[int, int]]) -> Cells:
    """The cells at other places, their formulas with them; rates stay where they are."""

    def reference(found: re.Match) -> str:
        row, column = place(int(found[2]), column_index_from_string(found[1]))
        return f"{get_column_letter(column)}{row}"

    def content(value: object) -> object:
        return RELATIVE.sub(reference, value) if isinstance(value, str) and value.startswith("=") else value

    return {(sheet, *place(row, column)): content(value) for (sheet, row, column), value in cells.items()}


def texts(cells: Cells, change: Callable[[str], str]) -> Cells:
    """The cells with their formulas changed."""
    return {
        place: change(value) if isinstance(value, str) and value.startswith("=") else value
        for place, value in cells.items()
    }


def plain() -> Made:
    return make(Layout(rate="literal"))


def across() -> Cells:
    return moved(plain().cells, lambda row, column: (column, row))


def spaced_columns() -> Cells:
    return moved(plain().cells, lambda row, column: (row, column + (column > 4) + (column > 12) + (column > 23)))


def spaced_rows() -> Cells:
    return moved(plain().cells, lambda row, column: (row if row < 6 else 2 * row - 6, column))


def header_again() -> Cells:
    cells = moved(plain().cells, lambda row, column: (row + (row >= 10), column))
    return cells | {("Sheet1", 10, column): cells["Sheet1", 5, column] for column in range(1, 32)}


def two_rows_of_titles() -> Cells:
    halves = {("Sheet1", 4, 23 + n): "∂E/" for n in range(1, 9)} | {
        ("Sheet1", 5, 23 + n): f"∂w{n}" for n in range(1, 9)
    }
    return plain().cells | halves


def a_group_title() -> Cells:
    titles = {("Sheet1", 4, 23 + n): "Gradients" for n in range(1, 9)}
    return plain().cells | titles | {("Sheet1", 5, 23 + n): f"w{n}" for n in range(1, 9)}


def inputs_beside(labels: bool) -> Cells:
    cells = {place: value for place, value in make(Layout(top=6)).cells.items() if place[1] < 7 or place[2] > 4}
    cells = texts(cells, lambda text: re.sub(r"\b([ABCD])\d+\b", lambda at: f"$B${'ABCD'.index(at[1]) + 1}", text))
    for row, (name, value) in enumerate(zip(GIVEN, Layout().given, strict=True), 1):
        cells |= {("Sheet1", row, 1): name if labels else None, ("Sheet1", row, 2): value}
    return cells


def inputs_in_the_first_row() -> Cells:
    cells = texts(make(Layout()).cells, lambda text: re.sub(r"\b([ABCD])\d+\b", r"$\1$6", text))
    return {place: value for place, value in cells.items() if place[2] > 4 or place[1] < 7}


def everything_from_another_sheet() -> Cells:
    made = make(Layout())
    cells = texts(made.cells, lambda text: text.replace("$B$4", "'My Settings'!$B$1"))
    del cells["Sheet1", 4, 1], cells["Sheet1", 4, 2]
    cells |= {("My Settings", 1, 1): "Learning rate", ("My Settings", 1, 2): 0.5}
    for row, (name, value) in enumerate(zip([*WEIGHTS, *GIVEN], [*Layout().start, *Layout().given], strict=True), 3):
        cells |= {("My Settings", row, 1): name, ("My Settings", row, 2): value}
        for step in range(8 if name in GIVEN else 1):
            cells[made.where[0, name, step]] = f"='My Settings'!$B${row}"
    return cells


def new_weights_in_the_same_row() -> Cells:
    made = make(Layout())
    for n in range(1, 9):
        made.cells["Sheet1", 5, 31 + n] = f"w{n} new"
        for step in range(8):
            made.cells["Sheet1", 6 + step, 31 + n] = made.text(0, step, f"w{n}-RATE*g{n}")
            if step:
                made.cells[made.where[0, f"w{n}", step]] = f"={get_column_letter(31 + n)}{5 + step}"
    return made.cells


def helpers(title: str) -> Cells:
    made = make(Layout())
    made.cells |= {("Sheet1", 5, 32): f"{title}1", ("Sheet1", 5, 33): f"{title}2"}
    for step in range(8):
        made.cells |= {("Sheet1", 6 + step, 32 + at): made.text(0, step, text) for at, text in enumerate((D1, D2))}
        text = made.text(0, step, "(0+w5+0+w7)*a_h1*(1-a_h1)*i1")
        made.cells[made.where[0, "g1", step]] = text.replace("0+M", f"AF{6 + step}*M").replace("0+O", f"AG{6 + step}*O")
    return made.cells


def shared_biases() -> Cells:
    made = make(Layout())
    made.cells |= {("Sheet1", 5, 32): "b1", ("Sheet1", 5, 33): "b2"}
    for step in range(8):
        made.cells |= {("Sheet1", 6 + step, 32): 0.35, ("Sheet1", 6 + step, 33): 0.6}
        for name, column in (("h1", "AF"), ("h2", "AF"), ("o1", "AG"), ("o2", "AG")):
            made.cells[made.where[0, name, step]] += f"+{column}{6 + step}"
    return made.cells


def rate_within(title: str) -> Cells:
    included = {f"g{n}": f"RATE*{formulas()[f'g{n}']}" for n in range(1, 9)} | {
        f"w{n}": f"w{n}'-g{n}'" for n in range(1, 9)
    }
    cells = make(Layout(texts=tuple(included.items()))).cells
    return cells | {("Sheet1", 5, 23 + n): title.format(n) for n in range(1, 9)}


def a_list_of_quantities() -> Cells:
    """One forward and backward pass, a quantity a row."""
    names = [*GIVEN, *WEIGHTS, *learners.UNITS, *learners.ERRORS, *learners.SLOPES]
    rows = {name: row for row, name in enumerate(names, 2)}
    given = dict(zip([*GIVEN, *WEIGHTS], [*Layout().given, *Layout().start], strict=True))
    cells: Cells = {}
    for name, row in rows.items():
        text = re.sub(r"\b(E_total|a_[ho]\d|[whotigE]\d)\b", lambda at: f"C{rows[at[1]]}", formulas().get(name, ""))
        cells |= {("S", row, 2): learners.SPELLINGS["round"](name), ("S", row, 3): given.get(name, f"={text}")}
    return cells


def of_network(text: str) -> Cells:
    """A table of any network, from the derivation that the workbook's sheets have, too; deltas have columns."""
    network, rate = Network.parse(text), 0.5
    made = formulas_of.derivation(network)
    names = [*network.headers("train"), *[each.name for each in made if each.name not in network.headers("train")]]
    columns = {name: get_column_letter(at) for at, name in enumerate(names, 1)}
    numbers = np.linspace(0.15, 0.85, len(names))
    cells: Cells = {("S", 1, at): name for at, name in enumerate(names, 1)}
    for row in range(2, 7):
        texts = {each.name: native(each.expression, lambda name, row=row: f"{columns[name]}{row}") for each in made}
        before = {
            name: f"{columns[name]}{row - 1}-{rate}*{columns[f'dE/d{name}']}{row - 1}" for name in learned(network)
        }
        texts |= before if row > 2 else {}
        for at, (name, number) in enumerate(zip(names, numbers, strict=True), 1):
            cells["S", row, at] = f"={texts[name]}" if name in texts else round(float(number), 2)
    return cells


def learned(network: Network) -> tuple[str, ...]:
    return network.weight_names[: network.learned_count]


def other_titles(change: Callable[[str], str]) -> Cells:
    """Every title of the exercise changed."""
    made = plain()
    return made.cells | {
        (sheet, 5, at): change(str(made.cells[sheet, 5, at])) for sheet, row, at in made.cells if row == 5
    }


def numbered_through(title: str) -> str:
    """h1 h2 o1 o2 as z1 to z4, and their activations as a1 to a4."""
    return re.sub(r"^(a_)?([ho])(\d)$", lambda at: f"{'a' if at[1] else 'z'}{int(at[3]) + 2 * (at[2] == 'o')}", title)


GERMAN = {"t": "Ziel ", "i": "Eingabe ", "w": "Gewicht ", "E": "Fehler ", "E_total": "Gesamtfehler"}


def german(title: str) -> str:
    found = re.fullmatch(r"([tiwE])(\d)", title)
    return f"{GERMAN[found[1]]}{found[2]}" if found else GERMAN.get(title, title)


def deltas(factor: str) -> tuple[tuple[str, str], ...]:
    """Formulas through δ_o1 (AF) and δ_o2 (AG), which have the sign that `factor` gives."""
    return tuple(
        {
            "g5": f"{factor}AF#*a_h1",
            "g6": f"{factor}AF#*a_h2",
            "g7": f"{factor}AG#*a_h1",
            "g8": f"{factor}AG#*a_h2",
            "g1": f"{factor}(AF#*w5+AG#*w7)*a_h1*(1-a_h1)*i1",
        }.items()
    )


def with_deltas(one: str = "(t1-a_o1)*a_o1*(1-a_o1)", factor: str = "-", titles: str = "δ_o{}") -> Made:
    made = make(Layout(texts=deltas(factor)))
    for step in range(8):
        row = 6 + step
        for place in [made.where[0, name, step] for name in ("g1", "g5", "g6", "g7", "g8")]:
            made.cells[place] = str(made.cells[place]).replace("#", str(row))
        made.cells |= {("Sheet1", row, 32): made.text(0, step, one)}
        made.cells |= {("Sheet1", row, 33): made.text(0, step, "(t2-a_o2)*a_o2*(1-a_o2)")}
    made.cells |= {("Sheet1", 5, 31 + n): titles.format(n) for n in (1, 2)}
    return made


def unnamed_biases() -> Cells:
    """A bias of each layer beside the table, without a label that says so."""
    made = make(Layout(top=6))
    made.cells |= {("Sheet1", 1, 1): "offset", ("Sheet1", 1, 2): 0.35, ("Sheet1", 2, 2): 0.6}
    for step in range(8):
        for name, cell in (("h1", "$B$1"), ("h2", "$B$1"), ("o1", "$B$2"), ("o2", "$B$2")):
            made.cells[made.where[0, name, step]] += f"+{cell}"
    return made.cells


def titled(titles: dict[str, str], made: Made | None = None) -> Cells:
    """The exercise with some columns under other titles."""
    made = made or plain()
    top = 5
    return made.cells | {
        (sheet, top, column): titles[name]
        for (_, name, step), (sheet, _, column) in made.where.items()
        if step == 0 and name in titles
    }


def by_sending_unit() -> Made:
    """The output layer's weights numbered the other way: w6 goes from a_h1 to o2."""
    other = {"o1": "w5*a_h1+w7*a_h2", "o2": "w6*a_h1+w8*a_h2", "g6": formulas()["g7"], "g7": formulas()["g6"]}
    swap = str.maketrans({"6": "7", "7": "6"})
    other |= {f"g{n}": formulas()[f"g{n}"].translate(swap) for n in range(1, 5)}
    return make(Layout(rate="literal", texts=tuple(other.items())))


def units_in_a_second_row_of_titles() -> Cells:
    cells = moved(plain().cells, lambda row, column: (row + (row >= 6), column))
    units = {column: "(target)" if column < 3 else "(input)" if column < 5 else "[-]" for column in range(1, 32)}
    return cells | {("Sheet1", 6, column): unit for column, unit in units.items()}


def without(*names: str) -> Cells:
    return make(Layout(order=tuple(name for name in EXERCISE if name not in names))).cells


def gradients_first() -> Cells:
    return make(Layout(order=(*learners.SLOPES, *[name for name in EXERCISE if name not in learners.SLOPES]))).cells


def weights_alone() -> Cells:
    """The weights' history, whose numbers are right, with one output to tell that it is a descent."""
    numbers, made = learners.right_numbers(Layout(), 0), make(Layout())
    kept = {place: float(numbers[name][step]) for (_, name, step), place in made.where.items() if name in WEIGHTS}
    kept |= {made.where[0, "E_total", step]: float(numbers["E_total"][step]) for step in range(8)}
    columns = {column for _, _, column in kept}
    return kept | {place: value for place, value in made.cells.items() if place[1] == 5 and place[2] in columns}


def a_title_over_the_table(whole: openpyxl.Workbook) -> None:
    whole["Sheet1"]["A1"] = "Backpropagation, learning rate 0.5, E_total by epoch"
    whole["Sheet1"].merge_cells("A1:AE3")


LAYOUTS: dict[str, Callable[[], Cells]] = {
    "updates across": across,
    "blank columns": spaced_columns,
    "blank rows": spaced_rows,
    "the header repeated": header_again,
    "titles in two rows": two_rows_of_titles,
    "a title over a group": a_group_title,
    "inputs beside, labelled": lambda: inputs_beside(True),
    "inputs beside, without labels": lambda: inputs_beside(False),
    "inputs in the first row only": inputs_in_the_first_row,
    "settings on another sheet": everything_from_another_sheet,
    "new weights in the same row": new_weights_in_the_same_row,
    "helper columns, known": lambda: helpers("dE/do"),
    "helper columns, unknown": lambda: helpers("delta "),
    "shared biases": shared_biases,
    "dw with the rate in it": lambda: rate_within("dw{}"),
    "Δw with the rate in it": lambda: rate_within("Δw{}"),
    "a list of quantities": a_list_of_quantities,
    "one row": lambda: make(Layout(rows=1)).cells,
    "a column of rates": lambda: make(Layout(order=("RATE", *EXERCISE), rate="column")).cells,
    "targets titled y": lambda: titled({"t1": "y1", "t2": "y2", "i1": "x1", "i2": "x2"}),
    "y under a text with the rate": lambda: titled({"t1": "y1", "t2": "y2"}, make(Layout(rate="title"))),
    "targets titled out": lambda: titled({"t1": "out1", "t2": "out2"}),
    "weights titled ω": lambda: titled({name: f"ω{name[1]}" for name in WEIGHTS}),
    "weights of unknown titles": lambda: titled({"w5": "v11", "w6": "v12", "w7": "v21", "w8": "v22"}),
    "weights of two indices": lambda: titled(
        dict(zip(WEIGHTS, ("w11", "w12", "w21", "w22", "w31", "w32", "w41", "w42"), strict=True))
    ),
    "weights of unknown titles, numbered by the sending unit": lambda: titled(
        {"w5": "v11", "w6": "v12", "w7": "v21", "w8": "v22"}, by_sending_unit()
    ),
    "targets and inputs of unknown titles": lambda: titled(dict(zip(GIVEN, "PQRS", strict=True))),
    "units in a second row of titles": units_in_a_second_row_of_titles,
    "no E_total": lambda: without("E_total"),
    "no errors at all": lambda: without("E1", "E2", "E_total"),
    "gradients first": gradients_first,
    "z1 to z4 and a1 to a4": lambda: other_titles(numbered_through),
    "a division slash": lambda: other_titles(lambda title: title.replace("/", "∕")),
    "German titles": lambda: other_titles(german),
    "deltas of the other sign": lambda: with_deltas().cells,
    "deltas titled by a number": lambda: with_deltas(titles="δ{}").cells,
    "biases without a title": unnamed_biases,
    "learned biases": lambda: of_network("2-2-2 bias"),
    "fixed biases": lambda: of_network("2-2-2 fixed-bias"),
    "tanh units": lambda: of_network("2-2-2 tanh"),
    "other units and sizes": lambda: of_network("3-2-1 relu linear bias"),
    "cross-entropy": lambda: of_network("2-3-2 cross-entropy"),
    "a rate of 50": lambda: make(Layout(rates=(50.0,), rows=40)).cells,
}


def understood(report: Report) -> None:
    assert (report.status, len(report.blocks)) == ("right", 1), (report.message, report.mistakes)
    assert not [each.quantity for each in report.blocks[0].columns if each.status in ("wrong", "not checked")]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_right_workbook_is_right_in_this_layout(layout: str, tmp_path: Path) -> None:
    understood(check(book(LAYOUTS[layout](), tmp_path / "book.xlsx")))


def test_a_title_merged_over_the_table_is_no_header(tmp_path: Path) -> None:
    understood(check(book(plain().cells, tmp_path / "book.xlsx", a_title_over_the_table)))


def test_numbers_of_weights_and_losses_alone_are_not_blamed(tmp_path: Path) -> None:
    assert not check(book(weights_alone(), tmp_path / "book.xlsx")).mistakes


def table_of_texts(made: Made, sign: str) -> dict:
    """The right numbers with six digits, as texts with this decimal sign."""
    numbers = learners.right_numbers(made.layout, 0)
    return {place: f"{numbers[name][step]:.6f}".replace(".", sign) for (_, name, step), place in made.where.items()}


def test_a_table_of_texts_with_points_is_judged_as_numbers(tmp_path: Path) -> None:
    made = plain()
    understood(check(book(made.cells | table_of_texts(made, "."), tmp_path / "book.xlsx")))


def test_a_table_of_texts_with_commas_is_said_to_be_one(tmp_path: Path) -> None:
    made = plain()
    made.cells |= table_of_texts(made, ",")
    report = check(book(made.cells, tmp_path / "book.xlsx"))
    assert report.status == "not understood"
    assert (
        'numbers are texts, with which a sheet cannot compute: Sheet1!A6 holds the text "0,010000".' in report.message
    )


def test_a_sheet_for_each_rate_with_the_rate_in_its_name_only(tmp_path: Path) -> None:
    made = make(Layout(rates=(0.1, 0.5), arrange="sheets", rate="literal"))
    names = dict(zip(dict.fromkeys(place[0] for place in made.cells), ("LR 0.1", "η=0,5"), strict=False))
    cells = {(names.get(place[0], place[0]), *place[1:]): value for place, value in made.cells.items()}
    report = check(book(cells, tmp_path / "book.xlsx"))
    assert (report.status, [each.rate_written for each in report.blocks]) == ("right", [0.1, 0.5])


def test_a_wrong_formula_over_columns_of_unknown_titles_is_blamed_alone(tmp_path: Path) -> None:
    made = make(Layout(rate="literal", texts=(("g5", "(a_o1-t1)*a_o1*a_h1"),)))
    cells = titled({"t1": "y1", "t2": "y2", "w5": "v11"}, made)
    (mistake,) = check(book(cells, tmp_path / "book.xlsx")).mistakes
    assert mistake.quantities == ["dE/dw5"]


def test_defined_names_and_the_columns_of_an_excel_table_are_followed(tmp_path: Path) -> None:
    made = make(Layout())
    titles = {get_column_letter(column): made.cells["Sheet1", 5, column] for column in range(1, 32)}

    def row_of_table(row: int, text: str) -> str:
        here = re.compile(rf"(?<!\$)\b([A-Z]{{1,2}}){row}\b")
        return here.sub(lambda at: f"T1[[#This Row],[{titles[at[1]]}]]", text).replace("$B$4", "lr")

    cells = {
        (sheet, row, column): row_of_table(row, value) if isinstance(value, str) and value.startswith("=") else value
        for (sheet, row, column), value in made.cells.items()
    }

    def add(whole: openpyxl.Workbook) -> None:
        whole["Sheet1"].add_table(Table(displayName="T1", ref="A5:AE13"))
        whole.defined_names["lr"] = DefinedName("lr", attr_text="Sheet1!$B$4")

    understood(check(book(cells, tmp_path / "book.xlsx", add)))


def test_a_wrong_helper_is_the_cause_and_what_reads_it_is_not_blamed(tmp_path: Path) -> None:
    made = Made(Layout(), helpers("dE/do"), make(Layout()).where)
    for step in range(8):
        made.cells["Sheet1", 6 + step, 32] = made.text(0, step, "(a_o1-t1)*a_o1")
    (mistake,) = check(made.save(tmp_path / "book.xlsx")).mistakes
    assert (mistake.quantities, mistake.cell) == (["dE/do1"], "AF6")


def only_mistake(cells: Cells, path: Path) -> tuple[list[str], str]:
    (mistake,) = check(book(cells, path)).mistakes
    return mistake.quantities, mistake.cell


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("b2", lambda text: text.replace("-0.5*", "+0.5*")),
        ("dE/db3", lambda text: text + "*2"),
        ("dE/dh2", lambda text: text.replace("1-", "1+")),
    ],
)
def test_a_mistake_with_learned_biases_is_named_at_its_column(
    name: str, change: Callable[[str], str], tmp_path: Path
) -> None:
    cells = of_network("2-2-2 bias")
    column = next(at for (_, row, at), value in cells.items() if row == 1 and value == name)
    for row in range(2, 7):
        if isinstance(text := cells["S", row, column], str):
            cells["S", row, column] = change(text)
    cell = f"{get_column_letter(column)}{3 if name == 'b2' else 2}"
    assert only_mistake(cells, tmp_path / "book.xlsx") == ([name], cell)


def test_biases_titled_by_their_units_are_the_numbered_ones_and_so_are_their_gradients(tmp_path: Path) -> None:
    units = {"b1": "b_h1", "b2": "b_h2", "b3": "b_o1", "b4": "b_o2"}
    titles = {**units, **{f"dE/d{name}": f"dE/d{unit}" for name, unit in units.items()}}
    cells = {at: titles.get(value, value) for at, value in of_network("2-2-2 bias").items()}
    report = check(book(cells, tmp_path / "right.xlsx"))
    assert (report.status, report.blocks[0].absent) == ("right", [])
    for row in range(2, 7):
        at = next(column for (_, top, column), value in cells.items() if top == 1 and value == "dE/db_o1")
        cells["S", row, at] += "*2"
    assert only_mistake(cells, tmp_path / "wrong.xlsx")[0] == ["dE/db3"]


@pytest.mark.parametrize("titles", ["δ_o{}", "δ{}", "tmp{}"])
def test_a_wrong_delta_under_any_title_is_the_cause(titles: str, tmp_path: Path) -> None:
    made = with_deltas("(t1-a_o1)*a_o1*(1+a_o1)", titles=titles)
    assert only_mistake(made.cells, tmp_path / "book.xlsx") == (["dE/do1"], "AF6")


def test_a_wrong_sum_among_z1_to_z4_is_named(tmp_path: Path) -> None:
    cells = other_titles(numbered_through)
    for step in range(8):
        cells[plain().where[0, "h2", step]] = plain().text(0, step, "w3*i1+w4*i1")
    assert only_mistake(cells, tmp_path / "book.xlsx") == (["h2"], "K6")


def test_a_wrong_total_titled_by_a_sum_sign_is_named(tmp_path: Path) -> None:
    cells = titled({"E_total": "∑E"}, make(Layout(texts=(("E_total", "E1-E2"),))))
    assert only_mistake(cells, tmp_path / "book.xlsx") == (["E_total"], "W6")


def test_another_network_than_those_known_is_not_understood(tmp_path: Path) -> None:
    made = make(Layout(texts=(("a_h1", "h1/(1+ABS(h1))^3"), ("a_h2", "h2/(1+ABS(h2))^3"))))
    report = check(book(made.cells, tmp_path / "book.xlsx"))
    assert (report.status, report.mistakes) == ("not understood", [])
    assert "J6: a_h1 computes h1/(1 + ABS(h1))^3" in report.message


def test_what_reads_a_column_of_numbers_that_says_nothing_is_not_checked(tmp_path: Path) -> None:
    made = plain()
    made.cells["Sheet1", 5, 32] = "from class"
    for step in range(8):
        made.cells["Sheet1", 6 + step, 32] = 0.1 + step
        made.cells[made.where[0, "g5", step]] = made.text(0, step, f"(a_o1-t1)*AF{6 + step}*a_h1")
    (block,) = check(book(made.cells, tmp_path / "book.xlsx")).blocks
    assert [each.title for each in block.columns if each.status == "not checked"] == ["dE/dw5", "from class"]
    assert block.notes == [
        "dE/dw5 is not checked from row 6 on: it reads AF6, whose title says no quantity that is known."
    ]
    assert not block.mistakes


GERMAN_TITLES = {  # each a word for t, i, w, E, h, o, a_h, a_o, dE/dw and E_total
    "words": "Ziel |Eingabe |Gewicht |Fehler |Netz h|Netz o|Ausgabe h|Ausgabe o|Gradient Gewicht |Gesamtfehler",
    "short": "Soll|Eingang|Gew. |Fehler|net_h|net_o|out_h|out_o|Ableitung Gewicht |Fehler gesamt",
    "sums": "Zielwert |Eingabe |w|Fehler |Summe h|Summe o|Aktivierung h|Aktivierung o|Gradient w|Verlust",
    "capitals": "Sollwert |Eingang |Gew. |Fehler |Summe H|Summe O|Ausgang Hidden |Ausgang O|dE/dGewicht|Summe Fehler",
}
KINDS = ("t", "i", "w", "E", "h", "o", "a_h", "a_o", "dE/dw", "E_total")


def in_german(name: str, words: str) -> str:
    found = re.fullmatch(r"(.*?)(\d*)", name)
    assert found
    return dict(zip(KINDS, words.split("|"), strict=True)).get(found[1], found[1]) + found[2]


@pytest.mark.parametrize("words", GERMAN_TITLES.values(), ids=GERMAN_TITLES)
@pytest.mark.parametrize("network", ["2-2-2", "2-3-2", "3-2-1"])
def test_german_titles_of_other_networks(network: str, words: str, tmp_path: Path) -> None:
    table = any_table(random.Random(3), network, deltas=False)
    table.titles = {name: in_german(name, words) for name in table.names}
    report = check(table.save(tmp_path / "book.xlsx"))
    assert (report.status, report.unchecked, report.blocks[0].network) == ("right", 0, network)


@pytest.mark.parametrize("words", GERMAN_TITLES.values(), ids=GERMAN_TITLES)
def test_german_titles_on_three_sheets(words: str, tmp_path: Path) -> None:
    """The weights of a row are updated by the gradients of the row before on another sheet."""
    sheets = {
        "Gewichte": [*GIVEN, *WEIGHTS],
        "Vorwärts": [*learners.UNITS, *learners.ERRORS],
        "Rückwärts": learners.SLOPES,
    }
    there = {name: (sheet, at) for sheet, names in sheets.items() for at, name in enumerate(names, 1)}
    start = dict(zip([*GIVEN, *WEIGHTS], [*Layout().given, *Layout().start], strict=True))
    cells: Cells = {}
    for name, (sheet, column) in there.items():
        cells[sheet, 1, column] = in_german(name.replace("g", "dE/dw"), words)
        for row in range(2, 10):

            def cell(found: re.Match, row: int = row) -> str:
                page, at = there[found[1]]
                return f"'{page}'!{get_column_letter(at)}{row - bool(found[2])}"

            text = re.sub(
                r"\b(E_total|a_[ho]\d|[whotigE]\d)('?)", cell, formulas().get(name, "").replace("RATE", "0.5")
            )
            cells[sheet, row, column] = start[name] if name in start and (row == 2 or name in GIVEN) else f"={text}"
    report = check(book(cells, tmp_path / "book.xlsx"))
    assert (report.status, report.unchecked) == ("right", 0)


Places = tuple[tuple[int, int], tuple[int, int]]  # of a weight's label and its number


def above(at: int) -> Places:
    return (1, 1 + at), (2, 1 + at)


def below(at: int) -> Places:
    return (60 + at, 1), (60 + at, 2)


def cards(weight: Callable[[int], Places], path: Path, change: str = "") -> Path:
    """XOR as two by two cards, each a list of one sample's quantities; the weights are listed in one place."""
    network, rows = Network((2, 2, 1)), dict[str, int]()
    made = formulas_of.derivation(network)
    names = [*network.input_names, *network.target_names, *(each.name for each in made)]
    rows |= {name: at for at, name in enumerate(names, 1)}
    cells: Cells = {}
    for at, name in enumerate(network.weight_names):
        label, number = weight(at)
        cells |= {("S", *label): name, ("S", *number): 0.1 + 0.1 * at}
    for sample, given in enumerate([(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)]):
        top, left = 4 + sample // 2 * (len(names) + 3), 1 + sample % 2 * 4
        cells["S", top, left] = f"Sample {sample + 1}"

        def cell(name: str, top: int = top, left: int = left) -> str:
            if name in network.weight_names:
                row, column = weight(network.weight_names.index(name))[1]
                return f"${get_column_letter(column)}${row}"
            return f"{get_column_letter(left + 1)}{top + rows[name]}"

        texts = {each.name: f"={native(each.expression, cell)}" for each in made}
        if sample == 2 and change:
            texts[change] += "*2"
        for name, at in rows.items():
            content = given[at - 1] if at < 4 else texts[name]
            cells |= {("S", top + at, left): name, ("S", top + at, left + 1): content}
    return book(cells, path)


def test_each_card_of_a_sample_is_checked(tmp_path: Path) -> None:
    report = check(cards(above, tmp_path / "a.xlsx"))
    assert (report.status, report.unchecked, len(report.blocks)) == ("right", 0, 4)
    (mistake,) = check(cards(above, tmp_path / "a.xlsx", "a_h2")).mistakes
    assert mistake.quantities == ["a_h2"]


def test_cells_of_tables_that_are_not_understood_are_counted(tmp_path: Path) -> None:
    """Where the weights are listed below a card they seem to be that card's own."""
    report = check(cards(below, tmp_path / "a.xlsx"))
    assert not report.mistakes
    assert report.unchecked >= 20 * sum(block.not_understood is not None for block in report.blocks) > 0
