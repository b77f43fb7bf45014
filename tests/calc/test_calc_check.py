"""Backprop > Check this workbook in a real Calc: what it marks, what it leaves alone, and that all of it goes again."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from openpyxl.utils import get_column_letter

from tests import learners
from tests.calc.marks import kept, marked
from tests.calc.office import COMMAND, Office, wait_for
from xlsx.contract import CHECK, CHECK_FORMULA, CHECK_NOTE, CHECK_SHEET, MESSAGES

WRONG = learners.Layout(rows=5, texts=(("g1", learners.formulas()["g1"].replace("w7", "w8")),))
FIRST, LAST = "X6", "X10"  # of dE/dw1, all wrong
WRONG_CELLS = {("Sheet1", f"X{row}") for row in range(6, 11)}


@pytest.fixture
def book(window: Office, tmp_path: Path) -> Iterator[int]:
    """A learner's workbook with a mistake, a note of the learner's, a conditional format, and a sheet of our name."""
    key = window.load(str(learners.make(WRONG).save(tmp_path / "it's mine.xlsx")))
    window.decorate(key, "Sheet1", FIRST, "X7")
    window.add_sheet(key, CHECK_SHEET)
    window.write(key, f"{CHECK_SHEET}.A1", "not yours")
    yield key
    window.close(key)


def check(window: Office, key: int, sheets: int = 3) -> None:
    window.command(key, COMMAND + CHECK["Check this workbook"])
    wait_for(lambda: len(window.sheets(key)) == sheets, timeout=60)


def again(window: Office, key: int) -> None:
    """Check once more."""
    titles = window.undo_titles(key)
    window.command(key, COMMAND + CHECK["Check this workbook"])
    wait_for(lambda: window.undo_titles(key) != titles)


def notes(looks: dict) -> set[str]:
    """The cells with our notes."""
    ours = [note for note in looks["Sheet1"]["notes"] if note[2].startswith(CHECK_NOTE)]
    return {f"{get_column_letter(column + 1)}{row + 1}" for row, column, _ in ours}


def test_wrong_cells_are_marked_and_what_is_the_users_stays(window: Office, book: int) -> None:
    before, about = window.looks(book), window.about(book)
    check(window, book)
    after = window.looks(book)
    report = f"{CHECK_SHEET} (2)"
    assert set(after) == {"Sheet1", CHECK_SHEET, report}
    kept(before, after)
    assert marked(after) == WRONG_CELLS
    assert notes(after) == {"X7"}, "the first cell, which would get the other, has the user's"
    assert window.conditions(book, "Sheet1.X6:X10") == [CHECK_FORMULA, "TRUE()", *[CHECK_FORMULA] * 3]
    assert window.about(book)[:2] == about[:2]
    texts = [row[1] for row in window.read(book, window.used(book, report))]
    assert texts[1] == MESSAGES["covered cells"].format(cells="Sheet1.X7")
    assert [text for text in texts if text.startswith("MISTAKE in") and "dE/dw1 takes w8" in text], texts
    links = [row[0] for row in window.formulas(book, window.used(book, report)) if row[0]]
    assert links == [f'=HYPERLINK("#\'Sheet1\'!{FIRST}";"Sheet1!{FIRST}")']


def test_check_clear_and_another_check_are_one_step_each_of_undo_and_of_redo(window: Office, book: int) -> None:
    titles = window.undo_titles(book)
    check(window, book)
    window.command(book, COMMAND + CHECK["Clear marks"])
    window.undo(book)
    window.write(book, "Sheet1.X8", window.formulas(book, "Sheet1.X8")[0][0].replace("P8", "O8"))  # w7, as it should
    again(window, book)
    seen = [window.looks(book)]
    assert window.undo_titles(book) == ["Check this workbook", "Input", "Check this workbook", *titles]
    for _ in range(3):
        window.undo(book)
        seen.append(window.looks(book))
    right = WRONG_CELLS - {("Sheet1", "X8")}
    assert [marked(look) for look in seen] == [right, WRONG_CELLS, WRONG_CELLS, set()]
    assert window.conditions(book, "Sheet1.X6:X8") == ["", "TRUE()", ""]
    for look in reversed(seen[:-1]):
        window.redo(book)
        assert window.looks(book) == look
    assert window.conditions(book, "Sheet1.X6:X8") == [CHECK_FORMULA, "TRUE()", ""]
    window.command(book, COMMAND + CHECK["Clear marks"])
    cleared = window.looks(book)
    assert marked(cleared) == set()
    assert window.conditions(book, "Sheet1.X6:X8") == ["", "TRUE()", ""]
    window.undo(book)
    assert window.looks(book) == seen[0]
    window.redo(book)
    assert window.looks(book) == cleared


@pytest.mark.parametrize(("suffix", "kind"), [("xlsx", "Calc MS Excel 2007 XML"), ("ods", "calc8")])
def test_clear_takes_all_away_after_saving_closing_and_reopening(
    window: Office, tmp_path: Path, suffix: str, kind: str
) -> None:
    first = window.load(str(learners.make(WRONG).save(tmp_path / "plain.xlsx")))
    window.decorate(first, "Sheet1", "A6", "X7")
    window.save(first, str(tmp_path / f"before.{suffix}"), filter=kind)
    check(window, first, sheets=2)
    assert any(text.startswith(CHECK_NOTE) for _, _, text in window.looks(first)["Sheet1"]["notes"])
    window.save(first, str(tmp_path / f"after.{suffix}"), filter=kind)
    window.close(first)
    plain, marked = (window.load(str(tmp_path / f"{name}.{suffix}")) for name in ("before", "after"))
    assert window.looks(plain) != window.looks(marked)
    window.command(marked, COMMAND + CHECK["Clear marks"])
    assert window.looks(marked) == window.looks(plain)
    for key in (plain, marked):
        window.close(key)


def test_a_second_check_takes_the_place_of_the_first(window: Office, book: int) -> None:
    check(window, book)
    after = window.looks(book)
    again(window, book)
    assert window.looks(book) == after


def test_a_protected_sheet_is_not_marked_and_the_report_says_so(window: Office, book: int) -> None:
    before = window.looks(book)["Sheet1"]
    window.protect(book, "Sheet1")
    check(window, book)
    assert window.looks(book)["Sheet1"] == before
    texts = [row[1] for row in window.read(book, window.used(book, f"{CHECK_SHEET} (2)"))]
    assert 'The sheet "Sheet1" is protected: nothing is marked there.' in texts
    window.unprotect(book, "Sheet1")


def test_what_was_protected_after_the_check_stays_and_clear_says_so(window: Office, book: int) -> None:
    before = window.looks(book)
    check(window, book)
    window.protect(book, "Sheet1")
    window.command_with_box(book, COMMAND + CHECK["Clear marks"])
    assert marked(window.looks(book)) == WRONG_CELLS
    window.unprotect(book, "Sheet1")
    window.command(book, COMMAND + CHECK["Clear marks"])
    assert window.looks(book) == before


ENDS = {"right": (learners.Layout(rows=4), "right (1 block)"), "wrong": (WRONG, "1 mistake in 1 block")}


@pytest.mark.parametrize("layout", ENDS)
def test_a_bar_says_that_it_ended_and_what_came_out_and_leads_to_the_report(
    window: Office, tmp_path: Path, layout: str
) -> None:
    made, outcome = ENDS[layout]
    key = window.load(str(learners.make(made).save(tmp_path / "bar.xlsx")))
    window.look_at(key, "Sheet1")
    check(window, key, sheets=2)
    said = MESSAGES["checked"].format(found=f"bar.xlsx: {outcome}", sheet=CHECK_SHEET)
    wait_for(lambda: window.menu(key, said), timeout=20)
    assert window.in_front(key) == "Sheet1", "its user may be typing"
    window.click(*wait_for(lambda: window.menu(key, "Show the report"), timeout=20))
    wait_for(lambda: window.in_front(key) == CHECK_SHEET, timeout=20)
    window.undo(key)
    window.click(*wait_for(lambda: window.menu(key, "Show the report"), timeout=20))
    wait_for(lambda: not window.menu(key, said), timeout=20)
    check(window, key, sheets=2)
    wait_for(lambda: window.menu(key, said), timeout=20)
    window.command(key, COMMAND + CHECK["Clear marks"])
    wait_for(lambda: not window.menu(key, said), timeout=20)
    window.close(key)


def test_cells_edited_meanwhile_are_not_marked(window: Office, book: int) -> None:
    window.command_and_write(book, COMMAND + CHECK["Check this workbook"], f"Sheet1.{LAST}", 0.5)
    wait_for(lambda: len(window.sheets(book)) == 3, timeout=60)
    assert marked(window.looks(book)) == WRONG_CELLS - {("Sheet1", LAST)}
    texts = [row[1] for row in window.read(book, window.used(book, f"{CHECK_SHEET} (2)"))]
    assert "Cells that have changed since the check began are not marked: 1." in texts


def test_an_unsaved_document_that_is_not_understood_says_so_in_a_box(window: Office) -> None:
    key = window.load("")
    window.look_at(key, "Sheet1")
    window.command(key, COMMAND + CHECK["Check this workbook"])
    window.answer_box()
    assert window.sheets(key) == ["Sheet1"]
    assert window.about(key)[1:] == ["", False]
    window.close(key)


def test_marks_on_several_sheets_change_with_undo_and_redo(window: Office, tmp_path: Path) -> None:
    layout = replace(WRONG, arrange="sheets", rates=(0.1, 0.5, 1.0))
    key = window.load(str(learners.make(layout).save(tmp_path / "sheets.xlsx")))
    check(window, key, sheets=4)
    first = window.looks(key)
    (cells,) = {each[0].rpartition(".")[2] for look in first.values() for each in look["conditions"]}
    column = f"LR 0.5.{cells}"
    right = [[text.replace("P", "O") for text in row] for row in window.formulas(key, column)]
    window.write(key, column, right)
    again(window, key)
    second = window.looks(key)
    assert [name for name, look in second.items() if look["conditions"]] == ["LR 0.1", "LR 1.0"]
    for _ in range(2):
        for _ in range(1 + len(right)):
            window.undo(key)
        assert window.looks(key) == first
        for _ in range(1 + len(right)):
            window.redo(key)
        assert window.looks(key) == second
    window.close(key)
