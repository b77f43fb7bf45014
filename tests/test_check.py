"""A learner's workbook is judged rightly: what is wrong is found, named and located; what is right is never blamed."""

import json
import os
import random
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests import learners
from tests.learners import HARMLESS, WRONG, Layout, any_layout, formulas, make
from xlsx import formulas as xlsx_formulas
from xlsx.build import build
from xlsx.check.__main__ import main
from xlsx.check.check import Report, check
from xlsx.expressions import native
from xlsx.mistakes import MISTAKES, TypicalMistake

PROJECT = Path(__file__).resolve().parents[1]
ROUNDS = 10  # of each kind of change, wrong and harmless; the benchmark does more
D1 = learners.D1


def column(name: str) -> str:
    """A quantity's name in the report."""
    return name.replace("g", "dE/dw") if name[0] == "g" else name


def blamed(report: Report) -> list[tuple[int, str]]:
    """The columns that are called wrong, as (block, quantity)."""
    return [
        (number, each.quantity)
        for number, block in enumerate(report.blocks)
        for each in block.columns
        if each.status == "wrong"
    ]


def changed(name: str, formula: str, layout: Layout | None = None, first: int = 0) -> learners.Made:
    """A workbook in which one column has another formula."""
    made = make(layout or Layout())
    for step in range(first, made.layout.rows):
        made.cells[made.where[0, name, step]] = made.text(0, step, formula)
    return made


@pytest.mark.parametrize("up", [learners.WEIGHTS, learners.WEIGHTS[1:], learners.WEIGHTS[4:]])
def test_weights_that_go_up_the_gradient_are_wrong_also_where_all_do(up: list[str], tmp_path: Path) -> None:
    made = make(Layout())
    for name in up:
        for step in range(1, made.layout.rows):
            made.cells[made.where[0, name, step]] = made.text(0, step, formulas()[name].replace("-", "+"))
    report = check(made.save(tmp_path / "book.xlsx"))
    assert blamed(report) == [(0, name) for name in up]
    assert [mistake.cause for mistake in report.mistakes] == ["update sign"]


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_column_is_found_and_no_other_is_blamed(kind: str, tmp_path: Path) -> None:
    chance, found, count = random.Random(f"wrong {kind}"), 0, 0
    while count < ROUNDS:
        one = WRONG[kind](any_layout(chance), chance)
        if one is not None:
            made, block, name = one
            wrong = blamed(check(made.save(tmp_path / "book.xlsx")))
            assert set(wrong) <= {(block, column(name))}
            count, found = count + 1, found + bool(wrong)
    assert found >= 0.95 * count


@pytest.mark.parametrize("kind", HARMLESS)
def test_a_right_workbook_is_right(kind: str, tmp_path: Path) -> None:
    chance = random.Random(f"harmless {kind}")
    for _ in range(ROUNDS):
        made = HARMLESS[kind](any_layout(chance), chance)
        report = check(made.save(tmp_path / "book.xlsx"))
        assert (report.status, blamed(report), len(report.blocks)) == ("right", [], len(made.layout.rates)), made.layout


def test_our_own_workbook_is_right_but_for_the_mistake_to_spot(tmp_path: Path) -> None:
    report = check(build(tmp_path / "backprop.xlsx", epochs=10))
    assert report.status == "right", report.message
    assert not any(block.not_understood for block in report.blocks)
    assert {block.sheet for block in report.blocks if block.mistakes} == {"Spot the mistake"}
    rules = [block.conventions for block in report.blocks if block.sheet == "Optimizers"]
    assert rules == [[], ["momentum 0.9"], ["Adam (0.9, 0.999, 1e-08)"]]
    assert "learning rate" not in {mistake.kind for mistake in report.mistakes}
    right = [block for block in report.blocks if not block.mistakes]
    assert sum(block.sheet == "Learning rates" for block in right) == 7
    assert max(each.difference or 0 for block in right for each in block.columns) < 1e-14


NAMED = {
    "another unit's derivative": (
        "g3",
        formulas()["g3"].replace("a_h2*(1-a_h2)", "a_h1*(1-a_h1)"),
        "takes a_h1 (J6) where a_h2 (L6)",
    ),
    "swapped index": ("g1", formulas()["g1"].replace("w7", "w6"), "takes w6 (N6) where w7 (O6) belongs"),
    "no parentheses": (
        "g1",
        formulas()["g1"].replace("(" + D1, D1, 1).replace("*w7)", "*w7"),
        "lacks the parentheses around",
    ),
    "no derivative": ("g5", "(a_o1-t1)*a_h1", "lacks the factor a_o1·(1 − a_o1)"),
    "no 1 −": ("g5", "(a_o1-t1)*a_o1*a_o1*a_h1", "1 −"),
    "wrong sign": ("g5", "(t1-a_o1)*a_o1*(1-a_o1)*a_h1", "wrong sign"),
    "no half": ("E1", "(t1-a_o1)^2", "lacks the factor 0.5"),
    "no square": ("E1", "0.5*(t1-a_o1)", "squared"),
    "no second output": ("g1", f"{D1}*w5*a_h1*(1-a_h1)*i1", "lacks the part"),
    "activation": ("a_h1", "1/1+EXP(-h1)", "parentheses"),
    "sign in exp": ("a_h1", "1/(1+EXP(h1))", "sign"),
    "another formula": ("h2", formulas()["h1"], "has the formula of h1"),
}


# What the check says of each mistake of the sheet Spot the mistake: the columns, the first cell, words.
SPOTTED = {
    "a_h1 for a_h2": [(["dE/dw3", "dE/dw4"], "Z6", "takes a_h1 (J6) where a_h2 (L6) belongs")],
    "missing parentheses": [(["dE/dw1", "dE/dw2", "dE/dw3", "dE/dw4"], "X6", "lacks the parentheses around")],
    "w6 and w7 swapped": [
        (["dE/dw1", "dE/dw2"], "X6", "takes w6 (N6) where w7 (O6) belongs"),
        (["dE/dw3", "dE/dw4"], "Z6", "takes w7 (O6) where w6 (N6) belongs"),
    ],
    "h(1 − h)": [
        (["dE/dw1", "dE/dw2"], "X6", "takes h1 (I6) where a_h1 (J6) belongs"),
        (["dE/dw3", "dE/dw4"], "Z6", "takes h2 (K6) where a_h2 (L6) belongs"),
    ],
    "w3 updated with dE/dw1": [
        (["w3"], "G7", "takes dE/dw1 (X6) where dE/dw3 (Z6) belongs"),
        (["w4"], "H7", "takes dE/dw2 (Y6) where dE/dw4 (AA6) belongs"),
    ],
    "unanchored learning rate": [(learners.WEIGHTS, "E7", "taken from F6, which holds w2 (0.2), not a learning rate")],
    "empty learning rate": [(learners.WEIGHTS, "E7", "taken from F4, which is empty and counts as 0")],
}


def with_mistake(mistake: TypicalMistake) -> learners.Made:
    """A learner's workbook with a mistake of the sheet's own list, as its derivatives say it."""
    delta = {each.name: each.expression for each in xlsx_formulas.deltas(learners.NETWORK)}
    steps = {each.name: each.expression for each in xlsx_formulas.errors(learners.NETWORK)}

    def name(text: str) -> str:
        if text in delta or text in steps:
            return f"({native((delta | steps)[text], name)})"
        return re.sub(r"^dE/dw(\d)$", r"g\1'", text)

    made = make(Layout())
    rates = {"unanchored learning rate": "$F$6", "empty learning rate": "$F$4"}  # as workbooks have them
    made.rate_cells[0] = rates.get(mistake.name, made.rate_cells[0])
    for weight, wrong in mistake.change(learners.NETWORK).items():
        used = f"g{weight[1]}'" if mistake.name in rates else native(wrong, name)
        for step in range(8):
            if mistake.each_sample:
                made.cells[made.where[0, f"g{weight[1]}", step]] = made.text(0, step, used)
            elif step:
                made.cells[made.where[0, weight, step]] = made.text(0, step, f"{weight}'-RATE*{used}")
    return made


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_each_mistake_of_the_sheet_spot_the_mistake_is_named_at_its_column(
    mistake: TypicalMistake, tmp_path: Path
) -> None:
    found = check(with_mistake(mistake).save(tmp_path / "book.xlsx")).mistakes
    expected = SPOTTED[mistake.name]
    assert [(each.quantities, each.cell) for each in found] == [(names, cell) for names, cell, _ in expected]
    for each, (_, _, words) in zip(found, expected, strict=True):
        assert words in each.text


@pytest.mark.parametrize("kind", NAMED)
def test_a_mistake_is_named_with_its_cell_and_what_is_due(kind: str, tmp_path: Path) -> None:
    name, formula, words = NAMED[kind]
    made = changed(name, formula)
    (mistake,) = check(made.save(tmp_path / "book.xlsx")).mistakes
    assert words in mistake.text
    assert (mistake.cell, mistake.quantities) == (made.ref(0, name, 0), [column(name)])
    assert mistake.formula == made.cells[made.where[0, name, 0]]
    assert mistake.fix


def test_a_fix_that_is_offered_makes_the_workbook_right(tmp_path: Path) -> None:
    for name, formula, _ in NAMED.values():
        (mistake,) = check(changed(name, formula).save(tmp_path / "book.xlsx")).mistakes
        made = changed(name, formula)
        for step in range(made.layout.rows):
            sheet, row, at = made.where[0, name, step]
            fixed = openpyxl_translate(mistake.fix, mistake.cell, made.ref(0, name, step))
            made.cells[sheet, row, at] = fixed
        assert check(made.save(tmp_path / "book.xlsx")).status == "right", mistake


def openpyxl_translate(formula: str, origin: str, to: str) -> str:
    from openpyxl.formula.translate import Translator

    return Translator(formula, origin).translate_formula(to)


def test_an_update_with_another_gradient_is_one_cause_and_its_consequences_are_counted(tmp_path: Path) -> None:
    report = check(changed("w3", "w3'-RATE*g1'", first=1).save(tmp_path / "book.xlsx"))
    (mistake,) = report.mistakes
    assert "takes dE/dw1" in mistake.text
    assert (mistake.cell, len(mistake.cells)) == ("G7", 7)
    assert len(report.blocks[0].consequences) > 10


def test_an_empty_rate_cell_is_one_mistake(tmp_path: Path) -> None:
    made = make(Layout(rate="title"))
    made.rate_cells[0] = "$F$4"
    for step in range(1, 8):
        for name in learners.WEIGHTS:
            made.cells[made.where[0, name, step]] = made.text(0, step, formulas()[name])
    report = check(made.save(tmp_path / "book.xlsx"))
    (mistake,) = report.mistakes
    assert (mistake.kind, mistake.cell, mistake.quantities) == ("empty reference", "E7", learners.WEIGHTS)
    assert "F4" in mistake.text
    assert (report.blocks[0].rate_used, report.blocks[0].rate_written) == (0, 0.5)
    assert report.blocks[0].cost[-1].true_loss < report.blocks[0].cost[-1].loss


def test_a_rate_that_differs_from_the_written_one_is_said(tmp_path: Path) -> None:
    made = make(Layout(rate="literal"))
    made.cells["Sheet1", 4, 1] = "Learning rate = 0.8"
    report = check(made.save(tmp_path / "book.xlsx"))
    (mistake,) = report.mistakes
    assert mistake.text == "A4 says the learning rate 0.8, the numbers used 0.5."
    assert blamed(report) == []


def test_the_cost_is_that_of_the_learners_own_rule(tmp_path: Path) -> None:
    made = changed("w3", "w3'-RATE*g1'", Layout(rows=101), first=1)
    report = check(made.save(tmp_path / "book.xlsx"))
    right = learners.right_numbers(Layout(rows=101), 0)
    for cost in report.blocks[0].cost:
        assert cost.true_loss == pytest.approx(right["E_total"][cost.epochs], rel=1e-12)
        assert cost.loss != cost.true_loss
    sheet = learners_values(made)
    assert report.blocks[0].cost[-1].loss == pytest.approx(sheet["E_total"], rel=1e-12)
    assert report.blocks[0].cost[-1].weights == pytest.approx(
        max(abs(sheet[w] - right[w][100]) for w in learners.WEIGHTS)
    )


def learners_values(made: learners.Made) -> dict[str, float]:
    """The last row of a workbook whose w3 is updated with dE/dw1, by Python's own arithmetic."""
    texts = formulas() | {"w3": "w3'-RATE*g1'"}
    row = dict(zip(learners.GIVEN, made.layout.given, strict=True))
    row |= dict(zip(learners.WEIGHTS, made.layout.start, strict=True))
    order = [*learners.UNITS, *learners.ERRORS, *learners.SLOPES]
    for step in range(made.layout.rows):
        if step:
            before = {f"{name}'": value for name, value in row.items()} | {"RATE": made.layout.rates[0]}
            row |= {name: learners.value(texts[name], before) for name in learners.WEIGHTS}
        for name in order:
            row[name] = learners.value(texts[name], row)
    return row


def test_a_summary_column_of_another_rate_is_found(tmp_path: Path) -> None:
    made = make(Layout(rates=(0.1, 0.5, 2.0), arrange="sheets"))
    for block, rate in enumerate(made.layout.rates):
        made.cells["Summary", 2, 2 + block] = rate
        for step in range(8):
            source = made.where[2 if block == 1 else block, "E_total", step]
            made.cells["Summary", 3 + step, 2 + block] = f"='{source[0]}'!{made.ref(0, 'E_total', step)}"
    (mistake,) = check(made.save(tmp_path / "book.xlsx")).mistakes
    assert mistake.text == "Column C is headed 0.5, but it holds the losses of the learning rate 2."


CONVENTIONS = {
    "no half": {"E1": "(t1-a_o1)^2", "E2": "(t2-a_o2)^2"} | {f"g{n}": f"2*{formulas()[f'g{n}']}" for n in range(1, 9)},
    "mean of squares": {"E1": "(t1-a_o1)^2", "E2": "(t2-a_o2)^2", "E_total": "(E1+E2)/2"},
    "mean": {"E_total": "AVERAGE(E1,E2)"} | {f"g{n}": f"0.5*{formulas()[f'g{n}']}" for n in range(1, 9)},
    "other order": {"h1": "w1*i1+w3*i2", "h2": "w2*i1+w4*i2", "g2": formulas()["g3"], "g3": formulas()["g2"]},
    "minus dE": {f"g{n}": f"-1*{formulas()[f'g{n}']}" for n in range(1, 9)}
    | {f"w{n}": f"w{n}'+RATE*g{n}'" for n in range(1, 9)},
}


@pytest.mark.parametrize("kind", CONVENTIONS)
def test_another_valid_convention_is_right(kind: str, tmp_path: Path) -> None:
    report = check(make(Layout(texts=tuple(CONVENTIONS[kind].items()))).save(tmp_path / "book.xlsx"))
    assert (report.status, blamed(report)) == ("right", [])
    assert report.blocks[0].conventions


def test_numbers_that_are_typed_as_text_are_numbers(tmp_path: Path) -> None:
    made = make(Layout())
    typed = [made.where[0, name, step] for name in learners.GIVEN for step in range(made.layout.rows)]
    typed += [made.where[0, name, 0] for name in learners.WEIGHTS] + [("Sheet1", 4, 2)]
    for where in typed:
        made.cells[where] = str(made.cells[where])
    assert made.cells["Sheet1", 4, 2] == "0.5"
    report = check(made.save(tmp_path / "book.xlsx"))
    assert (report.status, report.mistakes) == ("right", [])


def test_single_cells_are_found(tmp_path: Path) -> None:
    for name, value, kind in [
        ("w3", "0,25", "text"),
        ("t1", 0.02, "changed input"),
        ("g3", None, "empty cell"),
        ("h1", "=#REF!*2", "error"),
    ]:
        made = make(Layout())
        made.cells[made.where[0, name, 0 if name == "w3" else 3]] = value
        assert kind in [mistake.kind for mistake in check(made.save(tmp_path / "book.xlsx")).mistakes]


def test_weights_that_stand_still_from_one_row_on_are_one_mistake(tmp_path: Path) -> None:
    made = make(Layout())
    for name in learners.WEIGHTS:
        for step in range(4, 8):
            made.cells[made.where[0, name, step]] = made.text(0, step, f"{name}'")
    (mistake,) = check(made.save(tmp_path / "book.xlsx")).mistakes
    assert (mistake.quantities, len(mistake.cells)) == (learners.WEIGHTS, 32)
    assert mistake.text == "the weights are not updated: from row 10 on each repeats the row before."


def test_pasted_rows_that_end_in_error_values_are_one_mistake(tmp_path: Path) -> None:
    made, numbers = make(Layout()), learners.right_numbers(Layout(), 0)
    for (_, name, step), place in made.where.items():
        if name not in learners.GIVEN:
            made.cells[place] = "#VALUE!" if step >= 2 else float(numbers[name][step])
    (mistake,) = check(made.save(tmp_path / "book.xlsx")).mistakes
    assert (mistake.kind, mistake.cell, len(mistake.cells)) == ("error", "E8", 27 * 6)
    assert mistake.text == "the rows break off with #VALUE! from row 8 on; numbers are due there."


def run(*words: object, cwd: Path = PROJECT) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "xlsx.check", *map(str, words)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
    )


@pytest.mark.parametrize(("name", "read"), [("Käthe.xlsx", "cp1252"), ("Żółć.xlsx", "utf-8")])
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_every_letter_is_told_whatever_the_output_takes(tmp_path: Path, name: str, read: str, options: list[str]):
    """Windows writes its code page into a file or a pipe."""
    path = make(Layout()).save(tmp_path / name)
    words = [sys.executable, "-m", "xlsx.check", str(path), *options]
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252:backslashreplace"}
    done = subprocess.run(words, cwd=PROJECT, env=environment, capture_output=True, check=True)
    assert name in done.stdout.decode(read)


def test_it_needs_numpy_and_openpyxl_alone(tmp_path: Path) -> None:
    others = {"pandas", "xlsxwriter", "torch", "sklearn", "xlwings"}
    code = (
        "import sys; from xlsx.check.__main__ import main; main(sys.argv[1:]); "
        f"print(sorted({{name.split('.')[0] for name in sys.modules}} & {others}))"
    )
    path = make(Layout()).save(tmp_path / "book.xlsx")
    done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=PROJECT, capture_output=True, encoding="utf-8")
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_the_exit_code_says_right_mistakes_or_not_understood(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    right, wrong = make(Layout()).save(tmp_path / "a.xlsx"), changed("g5", "a_o1*a_h1").save(tmp_path / "b.xlsx")
    other = replace(make(Layout()), cells={("Sheet1", 1, 1): "h1"}).save(tmp_path / "c.xlsx")
    assert [main([str(path)]) for path in (right, wrong, other)] == [0, 1, 2]
    assert "Looked for: a row of titles such as t1 t2 i1 i2" in capsys.readouterr().out
    assert main([str(tmp_path)]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[1:4]] == [["a.xlsx", "right"], ["b.xlsx", "mistakes"], ["c.xlsx", "not"]]
    assert lines[-1] == "3 workbooks: 1 right, 1 with mistakes, 1 not understood"


def test_the_report_as_json_has_every_column_and_mistake(tmp_path: Path) -> None:
    changed("g5", "a_o1*a_h1").save(tmp_path / "book.xlsx")
    done = run("book.xlsx", "--json", cwd=tmp_path)
    (block,) = json.loads(done.stdout)["blocks"]
    assert done.returncode == 1
    assert [each["cell"] for each in block["mistakes"]] == ["AB6"]
    assert {each["quantity"]: each["status"] for each in block["columns"]}["dE/dw5"] == "wrong"
    assert "w5" in block["consequences"]


def test_a_folder_without_workbooks_and_a_name_that_is_wrong_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main([str(tmp_path)]) == 2
    assert "There is no workbook in" in capsys.readouterr().err
    assert main([str(tmp_path / "none.xlsx")]) == 2
    said = capsys.readouterr().out  # the reason is the system's own words
    assert f"{tmp_path / 'none.xlsx'} cannot be read (" in said
    assert "): is the name right?" in said
