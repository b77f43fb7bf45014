"""The check's standing proofs: kinds of mistakes and harmless changes in tables of any network, and what is left when
formulas, digits or titles are taken away. The benchmark does the same with more of each."""

from __future__ import annotations

import random
import re
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from benchmarks.check import ABLATIONS
from tests import learners
from tests.descents import ALSO_WRONG, HARMLESS, WRONG, Table, any_table, pasted
from tests.learners import Layout, formulas, make, right_numbers
from xlsx.build import build
from xlsx.check.__main__ import main
from xlsx.check.check import Report, check
from xlsx.check.report import as_json, text

ROUNDS = 3
MISTAKES = WRONG | ALSO_WRONG
SHARE = {"no formulas": 1.0, "no formulas, eight decimals": 1.0, "no formulas, six decimals": 0.9}


def wrong(report: Report) -> set[str]:
    return {each.quantity for block in report.blocks for each in block.columns if each.status == "wrong"}


@pytest.mark.parametrize("kind", MISTAKES)
def test_the_columns_called_wrong_are_exactly_those_that_were_changed(kind: str, tmp_path: Path) -> None:
    chance, count = random.Random(f"proof {kind}"), 0
    while count < ROUNDS:
        if (found := MISTAKES[kind](any_table(chance), chance)) is not None:
            table, names = found
            assert wrong(check(table.save(tmp_path / "book.xlsx"))) == names
            count += 1


@pytest.mark.parametrize("kind", HARMLESS)
def test_a_harmless_change_is_right(kind: str, tmp_path: Path) -> None:
    chance = random.Random(f"proof {kind}")
    for _ in range(ROUNDS):
        table = HARMLESS[kind](any_table(chance, deltas=True if "deltas" in kind else None), chance)
        report = check(table.save(tmp_path / "book.xlsx"))
        assert (report.status, wrong(report)) == ("right", set())


@pytest.mark.parametrize("kind", ABLATIONS)
def test_without_formulas_digits_or_titles_nobody_is_blamed(kind: str, tmp_path: Path) -> None:
    chance, right, rounds = random.Random(f"ablation {kind}"), 0, 10
    for _ in range(rounds):
        table = ABLATIONS[kind](any_table(chance, "2-2-2", deltas=False), chance)
        report = check(table.save(tmp_path / "book.xlsx"))
        assert wrong(report) == set()
        right += report.status == "right"
    assert right >= SHARE.get(kind, 0.7) * rounds


@pytest.mark.parametrize("decimals", [6, 7, 8])
def test_what_is_calculated_from_rounded_numbers_is_not_blamed(decimals: int, tmp_path: Path) -> None:
    """Weights drift away by the roundings of all rows above; a pasted 0 has lost its decimals."""
    for count in range(12):
        chance = random.Random(f"drift {decimals} {count}")
        table = pasted(any_table(chance), chance, decimals, chance.choice([0.2, 0.4, 0.7]))
        report = check(table.save(tmp_path / "book.xlsx"))
        assert (report.status, wrong(report)) == ("right", set()), count


def test_a_wrong_formula_whose_numbers_agree_is_a_note(tmp_path: Path) -> None:
    made = make(Layout())
    for step in range(8):
        made.cells[made.where[0, "i2", step]] = made.cells[made.where[0, "i1", step]]
        made.cells[made.where[0, "g1", step]] = made.text(0, step, formulas()["g1"].replace("i1", "i2"))
    report = check(made.save(tmp_path / "book.xlsx"))
    assert (report.status, wrong(report)) == ("right", set())
    (note,) = report.blocks[0].notes
    assert note == "dE/dw1 has the formula of dE/dw2. With these numbers it makes no difference."


def test_weights_that_never_change_are_wrong_by_their_numbers_alone(tmp_path: Path) -> None:
    table = any_table(random.Random(5), "2-2-2", deltas=False)
    numbers = table.numbers()
    table.cells |= {
        (name, row): float(numbers[name][0]) for name in table.names if name in numbers for row in range(table.rows)
    }
    report = check(table.save(tmp_path / "book.xlsx"))
    assert wrong(report) == set(table.learned())
    assert {each.kind for each in report.mistakes} == {"no update"}


def test_a_file_of_inputs_and_targets_has_no_table_of_the_exercise(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (("x1", "x2", "y"), (0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)):
        book.active.append(row)
    book.save(tmp_path / "book.xlsx")
    report = check(tmp_path / "book.xlsx")
    assert (report.status, report.blocks) == ("not understood", [])
    assert report.message.startswith("No table of the exercise was found.")


def two_mistakes() -> Table:
    """dE/dw5 without its slope, and h2 with i1 for i2."""
    table = any_table(random.Random(3), "2-2-2", deltas=False)
    table.texts["dE/dw5"] = "({a_o1}-{t1})*{a_h1}"
    table.texts["h2"] = "{w3}*{i1}+{w4}*{i1}"
    return table


def test_two_mistakes_at_once_are_both_told(tmp_path: Path) -> None:
    report = check(two_mistakes().save(tmp_path / "book.xlsx"))
    assert [each.quantities for each in report.mistakes] == [["h2"], ["dE/dw5"]]
    assert "i1" in report.mistakes[0].text
    assert "lacks the factor a_o1·(1 − a_o1)" in report.mistakes[1].text


def test_two_mistakes_in_one_column_are_both_told_by_their_rows(tmp_path: Path) -> None:
    """A wrong formula in the first rows and one number typed over further down."""
    made = make(Layout())
    for step in range(4):
        made.cells[made.where[0, "g5", step]] = made.text(0, step, "(a_o1-t1)*a_h1")
    made.cells[made.where[0, "g5", 6]] = 0.5
    found = check(made.save(tmp_path / "book.xlsx")).mistakes
    assert [each.cells for each in found] == [["AB6", "AB7", "AB8", "AB9"], ["AB12"]]
    assert [each.kind for each in found] == ["missing factor", "fixed number"]


def test_the_rows_of_a_mistake_are_those_that_have_it(tmp_path: Path) -> None:
    made, numbers = make(Layout(rows=12)), right_numbers(Layout(rows=12), 0)
    for step in range(5, 12):
        made.cells[made.where[0, "E1", step]] = float(numbers["E1"][4])
    (mistake,) = check(made.save(tmp_path / "book.xlsx")).mistakes
    assert mistake.cells == [made.ref(0, "E1", step) for step in range(5, 12)]
    assert mistake.kind == "frozen rows"


def test_a_table_pasted_too_coarsely_is_too_rounded_to_judge(tmp_path: Path) -> None:
    made, numbers = make(Layout(rate="literal")), right_numbers(Layout(), 0)
    for (_, name, step), place in made.where.items():
        if re.fullmatch(r"g\d|w\d", name):
            made.cells[place] = round(float(numbers[name][step]), 1)
    report = check(made.save(tmp_path / "book.xlsx"))
    assert report.unchecked > 0
    assert "not checked" in text(report)
    assert as_json(report)["unchecked"] == report.unchecked


def test_what_could_not_be_read_is_counted_and_never_right(tmp_path: Path) -> None:
    made = make(Layout())
    for step in range(8):
        made.cells[made.where[0, "g5", step]] = made.text(0, step, "LAMBDA(x,x)(a_o1-t1)*a_o1*(1-a_o1)*a_h1")
    report = check(made.save(tmp_path / "book.xlsx"))
    (column,) = [each for each in report.blocks[0].columns if each.quantity == "dE/dw5"]
    assert (column.status, column.unchecked) == ("not checked", 8)
    assert wrong(report) == set()


def test_let_is_worked_out(tmp_path: Path) -> None:
    texts = {"a_h1": "LET(z,-h1,1/(1+EXP(z)))", "a_h2": "LET(z,h2,1/(1+EXP(z)))"}
    report = check(make(Layout(texts=tuple(texts.items()))).save(tmp_path / "book.xlsx"))
    assert [(each.quantities, each.kind) for each in report.mistakes] == [(["a_h2"], "sign")]


def test_a_learning_rate_is_the_cell_that_the_formulas_read(tmp_path: Path) -> None:
    """The third of a list of rates is used, whose label stands before the first."""
    made = make(Layout())
    made.cells |= {("Sheet1", 4, 2): 0.1, ("Sheet1", 4, 3): 0.2, ("Sheet1", 4, 4): 0.5}
    for (_, name, step), place in made.where.items():
        if name[0] == "w" and step:
            made.cells[place] = str(made.cells[place]).replace("$B$4", "$D$4")
    report = check(made.save(tmp_path / "book.xlsx"))
    assert (report.status, report.blocks[0].rate_used) == ("right", 0.5)
    assert (report.blocks[0].rate_written, report.blocks[0].rate_place) == (0.5, "D4")


def test_a_difference_is_shown_with_as_many_digits_as_it_needs(tmp_path: Path) -> None:
    made = make(Layout())
    made.cells[made.where[0, "t1", 3]] = 0.0100000001
    (mistake,) = check(made.save(tmp_path / "book.xlsx")).mistakes
    assert mistake.text == "A9 holds 0.0100000001, every other row 0.01."


@pytest.fixture(scope="module")
def exercise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("exercise") / "exercise.xlsx", epochs=10, exercise=True)


def answered(exercise: Path, path: Path, wrong_ones: int, blanks: int) -> Path:
    """An exercise filled in from its own key, as openpyxl saves it: without stored values."""
    key, book = openpyxl.load_workbook(exercise, data_only=True)["Key"], openpyxl.load_workbook(exercise)
    for at, each in enumerate(check(exercise).answers):
        row = int(re.sub(r"\D", "", each.cell))
        number = key.cell(row, 1 if each.sheet == "Forward" else 2).value
        late = at - wrong_ones
        book[each.sheet][each.cell] = number * 1.5 + 1 if late < 0 else None if late < blanks else number
    book.save(path)
    return path


def test_an_exercise_is_judged_answer_by_answer(exercise: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "class").mkdir()
    fresh = check(answered(exercise, tmp_path / "class" / "fresh.xlsx", 0, 1_000))
    assert (fresh.status, len(text(fresh).splitlines())) == ("unfinished", 3)  # a line for each sheet
    done = check(answered(exercise, tmp_path / "class" / "done.xlsx", 0, 0))
    begun = check(answered(exercise, tmp_path / "class" / "begun.xlsx", 2, 3))
    states = [each.state for each in begun.answers]
    assert states[:6] == ["not yet"] * 2 + ["blank"] * 3 + ["right"]
    assert (done.status, begun.status) == ("right", "mistakes")
    assert main([str(tmp_path / "class")]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert f"{len(states) - 5} of {len(states)} right, 2 not yet, 3 blank" in lines[1]
    assert f"{len(states)} of {len(states)} right" in lines[2]
    assert lines[-1] == "3 workbooks: 1 with mistakes, 1 right, 1 unfinished"


@pytest.mark.parametrize("preset", ["mazur", "xor"])
def test_our_own_workbook_is_right_at_any_preset(preset: str, tmp_path: Path) -> None:
    report = check(build(tmp_path / "backprop.xlsx", epochs=10, preset=preset))
    assert report.status == "right", report.message
    assert {block.sheet for block in report.blocks if block.mistakes} <= {"Spot the mistake"}


def test_the_committed_workbook_is_right() -> None:
    """All sheets, with every guard of their formulas; its titles "E at 1", "E at 10" are epochs, no learning rates."""
    report = check(Path(__file__).parents[1] / "xlsx" / "backprop.xlsx")
    assert (report.status, [each for each in report.summaries if each.mistakes]) == ("right", [])
    found = {block.sheet: [each.text for each in block.mistakes] for block in report.blocks if block.mistakes}
    assert list(found) == ["Spot the mistake"]
    assert [re.sub(r" \(?[A-Z]+8\b\)?", "", each) for each in found["Spot the mistake"]] == [
        "w3 takes where dE/dw3 belongs.",
        "w4 takes where dE/dw4 belongs.",
    ]


def test_rows_that_share_an_update_are_not_understood_and_nobody_is_blamed(tmp_path: Path) -> None:
    """Two examples by turns, the weights changed after every second row."""
    made = make(Layout())
    for step in range(8):
        made.cells[made.where[0, "i1", step]] = 0.05 + 0.5 * (step % 2)
        for name in learners.WEIGHTS if step % 2 else ():
            made.cells[made.where[0, name, step]] = f"={made.ref(0, name, step - 1)}"
    report = check(made.save(tmp_path / "book.xlsx"))
    assert (report.status, wrong(report)) == ("not understood", set())
    assert "the steps of w1 are 0·dE/dw1 in row 6 and 0.5·dE/dw1 in row 7" in report.message


@pytest.mark.parametrize("dollar", ["", "$"])
def test_a_row_that_does_not_slide_is_told_once(dollar: str, tmp_path: Path) -> None:
    """Also where the formulas were typed row by row, and for all weights that do so together."""
    made = make(Layout())
    for step in range(2, 8):
        for n in (1, 2, 3):
            gradient = re.sub(r"(\d+)$", rf"{dollar}\1", made.ref(0, f"g{n}", 0))
            made.cells[made.where[0, f"w{n}", step]] = f"={made.ref(0, f'w{n}', step - 1)}-0.5*{gradient}"
    (mistake,) = check(made.save(tmp_path / "book.xlsx")).mistakes
    assert (mistake.quantities, mistake.cells[0], len(mistake.cells)) == (["w1", "w2", "w3"], "E8", 18)
    assert mistake.text.startswith("w1 reads dE/dw1 (X6) in every row")
    assert ("$" in mistake.text) == bool(dollar)
    assert mistake.fix == "=E7-0.5*X7"


def test_a_negative_rate_is_told_as_that(tmp_path: Path) -> None:
    made = make(Layout())
    made.cells["Sheet1", 4, 2] = -0.5
    report = check(made.save(tmp_path / "book.xlsx"))
    (mistake,) = report.mistakes
    assert mistake.text == "The learning rate in B4 is negative (-0.5): the updates go up the gradient."
    assert "(-0.5 is written in B4)" in text(report)


def test_answers_are_right_to_four_figures(exercise: Path, tmp_path: Path) -> None:
    path = answered(exercise, tmp_path / "exercise.xlsx", 0, 0)
    book = openpyxl.load_workbook(path)
    answers = check(path).answers
    for each in answers:
        cell = book[each.sheet][each.cell]
        cell.value = float(f"{cell.value:.4g}")
    book.save(path)
    assert {each.state for each in check(path).answers} == {"right"}
    for each in answers:
        cell = book[each.sheet][each.cell]
        cell.value = float(f"{cell.value:.2g}") * 1.01
    book.save(path)
    assert {each.state for each in check(path).answers} == {"not yet"}


def test_columns_with_cells_too_rounded_are_not_all_right(tmp_path: Path) -> None:
    made, numbers = make(Layout(rate="literal")), right_numbers(Layout(), 0)
    for step in range(4):
        made.cells[made.where[0, "g1", step]] = round(float(numbers["g1"][step]), 3)
    told = text(check(made.save(tmp_path / "book.xlsx")))
    assert "too rounded to judge" in told
    assert "right: all columns" not in told


def test_a_loss_without_its_half_at_the_rate_one_is_no_rate_of_two(tmp_path: Path) -> None:
    table = any_table(random.Random(1), "2-2-2", deltas=False)
    table.spelling, table.rate, table.beside = "short", 1.0, False
    table.texts |= {name: table.texts[name].replace("0.5*", "", 1) for name in ("E1", "E2")}
    table.texts |= {name: f"2*({text})" for name, text in table.texts.items() if name.startswith("dE/dw")}
    report = check(table.save(tmp_path / "book.xlsx"))
    assert (report.status, report.blocks[0].rate_used) == ("right", 1.0)


def test_weights_that_a_wrong_sum_keeps_still_are_not_blamed(tmp_path: Path) -> None:
    """A wrong sign switches a ReLU off, so that nothing comes back to any weight."""
    table = any_table(random.Random(2), "2-1-1 relu", deltas=False)
    table.start, table.inputs = np.array([0.2, 0.5, 0.4]), np.array([[0.5, 0.6]])
    table.texts["h1"] = "{w1}*{i1}-{w2}*{i2}"
    assert wrong(check(table.save(tmp_path / "book.xlsx"))) == {"h1"}


def test_a_relu_that_another_sum_keeps_on_is_not_read_as_linear(tmp_path: Path) -> None:
    """h1 is negative and h2 positive: with h2 in the condition both units are as a linear network's."""
    table = any_table(random.Random(2), "2-2-1 relu linear", deltas=False)
    table.start, table.inputs = np.array([-0.2, -0.5, 0.3, 0.4, 0.4, 0.3]), np.array([[0.5, 0.6]])
    table.rate, table.texts["a_h1"] = 0.1, "IF({h2}>0,{h1},0)"
    assert wrong(check(table.save(tmp_path / "book.xlsx"))) == {"a_h1"}
