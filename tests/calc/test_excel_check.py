"""Check this workbook with Excel's macros, in a LibreOffice: what is marked, what is left alone, what is taken away.

(Conditional formats are written by a stand-in, for LibreOffice's VBA has none: tests/excel/stand_in_marks.bas.)
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import learners
from tests.calc.conftest import TRUSTED, close_at_rest
from tests.calc.office import Office, wait_for
from xlsx.contract import CHECK_FORMULA, CHECK_NOTE, CHECK_SHEET, MESSAGES

CHECK, CLEAR = "VBAProject.BackpropCheck.CheckThisWorkbook", "VBAProject.BackpropCheck.ClearMarks"
WRONG = learners.Layout(rows=5, texts=(("g1", learners.formulas()["g1"].replace("w7", "w8")),))
REPORT = f"{CHECK_SHEET} (2)"
FIRST, LAST = "X6", "X10"  # of dE/dw1, all wrong


@pytest.fixture(scope="module")
def macros(excel: Office, folder: Path) -> Iterator[int]:
    """The workbook whose macros are run, as those of the add-in would be."""
    key = excel.load(str(folder / "home/backprop.xlsm"), **TRUSTED)
    yield key
    close_at_rest(excel, key, key)


@pytest.fixture
def book(excel: Office, macros: int, tmp_path: Path) -> Iterator[int]:
    """A learner's workbook in front, with a mistake, a note and a format of the learner's, and a sheet of our name."""
    key = excel.load(str(learners.make(WRONG).save(tmp_path / "it's mine & yours.xlsx")))
    excel.decorate(key, "Sheet1", FIRST, "X7")
    excel.add_sheet(key, CHECK_SHEET)
    excel.write(key, f"{CHECK_SHEET}.A1", "not yours")
    excel.look_at(key, "Sheet1")
    yield key
    close_at_rest(excel, key, macros)


@pytest.fixture(autouse=True)
def nothing_is_left(excel: Office, folder: Path) -> Iterator[None]:
    yield
    assert excel.boxes() == []
    assert list((folder / "home").glob("answer-*")) == []


def check(excel: Office, macros: int, book: int) -> None:
    """Run the macro, and wait for its report."""
    excel.macro(macros, CHECK)
    wait_for(lambda: REPORT in excel.sheets(book), timeout=90)
    wait_for(lambda: excel.read(book, f"{REPORT}.B2")[0][0], timeout=10)


def reported(excel: Office, book: int) -> list[str]:
    return [row[1] for row in excel.read(book, excel.used(book, REPORT))]


def test_the_same_is_marked_and_told_as_in_calc_and_what_is_the_users_stays(excel: Office, macros: int, book: int):
    before, about = excel.looks(book), excel.about(book)
    check(excel, macros, book)
    after = excel.looks(book)
    assert set(after) == {"Sheet1", CHECK_SHEET, REPORT}
    assert after[CHECK_SHEET] == before[CHECK_SHEET]
    one, other = before["Sheet1"], after["Sheet1"]
    assert other["conditions"] == sorted([*one["conditions"], ["Sheet1.X6:X10", CHECK_FORMULA]])
    assert {**other, "conditions": []} == {**one, "conditions": []}, "the one cell that would get a note has one"
    assert excel.about(book)[:2] == about[:2]
    assert [text for text in reported(excel, book) if text.startswith("MISTAKE in") and "dE/dw1 takes w8" in text]
    links = [row[0] for row in excel.formulas(book, excel.used(book, REPORT)) if row[0]]
    assert links == [f'=HYPERLINK("#\'Sheet1\'!{FIRST}";"Sheet1!{FIRST}")']
    excel.macro(macros, CLEAR)
    assert excel.looks(book) == before


def test_the_report_comes_to_the_front_for_who_waits_and_not_for_who_works_on(
    excel: Office, macros: int, book: int
) -> None:
    for works in (False, True, False):
        if excel.in_front(book) == REPORT:
            excel.write(book, f"{REPORT}.B2", "")
        excel.macro(macros, CHECK)
        if works:
            excel.look_at(book, CHECK_SHEET)
        wait_for(lambda: REPORT in excel.sheets(book) and excel.read(book, f"{REPORT}.B2")[0][0], timeout=90)
        wait_for(lambda works=works: (excel.in_front(book) == REPORT) != works, timeout=20)
        excel.look_at(book, REPORT)


def test_a_second_check_takes_the_place_of_the_first(excel: Office, macros: int, book: int) -> None:
    check(excel, macros, book)
    after = excel.looks(book)
    excel.write(book, f"{REPORT}.B2", "")
    excel.macro(macros, CHECK)
    wait_for(lambda: REPORT in excel.sheets(book) and excel.looks(book) == after, timeout=90)


def test_notes_go_on_cells_that_have_none_and_all_goes_after_save_and_reopening(
    excel: Office, macros: int, tmp_path: Path
) -> None:
    book = excel.load(str(learners.make(WRONG).save(tmp_path / "plain.xlsx")))
    excel.save(book, str(tmp_path / "before.xlsx"))
    excel.look_at(book, "Sheet1")
    excel.macro(macros, CHECK)
    wait_for(lambda: CHECK_SHEET in excel.sheets(book), timeout=90)
    wait_for(lambda: excel.looks(book)["Sheet1"]["notes"], timeout=10)
    assert [text.startswith(CHECK_NOTE) for _, _, text in excel.looks(book)["Sheet1"]["notes"]] == [True]
    assert "\n" in excel.looks(book)["Sheet1"]["notes"][0][2]
    time.sleep(1)
    excel.save(book, str(tmp_path / "after.xlsx"))
    close_at_rest(excel, book, macros)
    plain, marked = (excel.load(str(tmp_path / f"{name}.xlsx")) for name in ("before", "after"))
    assert excel.looks(marked)["Sheet1"] != excel.looks(plain)["Sheet1"]
    excel.look_at(marked, "Sheet1")
    excel.macro(macros, CLEAR)
    assert excel.looks(marked) == excel.looks(plain)
    for key in (plain, marked):
        close_at_rest(excel, key, macros)


def test_a_protected_sheet_is_not_marked_and_the_report_says_so(excel: Office, macros: int, book: int) -> None:
    before = excel.looks(book)["Sheet1"]
    excel.protect(book, "Sheet1")
    check(excel, macros, book)
    assert excel.looks(book)["Sheet1"] == before
    assert reported(excel, book)[1] == MESSAGES["unmarked"].format(sheet="Sheet1")
    excel.unprotect(book, "Sheet1")


def test_what_was_protected_after_the_check_stays_and_clear_says_so(excel: Office, macros: int, book: int) -> None:
    before = excel.looks(book)
    check(excel, macros, book)
    marked = excel.looks(book)["Sheet1"]
    excel.protect(book, "Sheet1")
    excel.macro_with_box(macros, CLEAR)
    assert excel.looks(book)["Sheet1"] == marked
    excel.unprotect(book, "Sheet1")
    excel.macro(macros, CLEAR)
    assert excel.looks(book) == before


def test_cells_edited_meanwhile_are_not_marked(excel: Office, macros: int, book: int) -> None:
    excel.macro(macros, CHECK)
    excel.write(book, f"Sheet1.{LAST}", 0.5)
    wait_for(lambda: REPORT in excel.sheets(book), timeout=90)
    wait_for(lambda: len(reported(excel, book)) > 2, timeout=10)
    marked = sorted(each[0] for each in excel.looks(book)["Sheet1"]["conditions"] if each[1] == CHECK_FORMULA)
    assert marked == [f"Sheet1.X{row}" for row in range(6, 10)]
    assert reported(excel, book)[1] == MESSAGES["edited"].format(count=1)


def test_a_second_press_is_told_that_one_is_under_way(excel: Office, macros: int, book: int) -> None:
    excel.macro(macros, CHECK)
    excel.macro_with_box(macros, CHECK)
    wait_for(lambda: REPORT in excel.sheets(book), timeout=90)


def test_what_is_no_exercise_says_so_in_a_box(excel: Office, macros: int) -> None:
    key = excel.load("")
    excel.look_at(key, "Sheet1")
    excel.macro(macros, CHECK)
    excel.answer_box()
    assert excel.sheets(key) == ["Sheet1"]
    close_at_rest(excel, key, macros)


def test_python_that_is_not_there_is_told(excel: Office, macros: int, book: int) -> None:
    settings = "xlwings.conf.A1:B20"
    shipped = excel.read(macros, settings)
    gone = [[name, "/nowhere/python" if name == "INTERPRETER_WIN" else text] for name, text in shipped]
    excel.write(macros, settings, gone)
    excel.macro_with_box(macros, CHECK)
    excel.write(macros, settings, shipped)
    assert REPORT not in excel.sheets(book)
    for copy in Path(str(excel.home)).glob("answer-*.copy"):  # Python, which takes it away, never began
        copy.unlink()


def test_a_workbook_closed_meanwhile_is_let_go(excel: Office, macros: int, tmp_path: Path, folder: Path) -> None:
    key = excel.load(str(learners.make(WRONG).save(tmp_path / "closed.xlsx")))
    excel.look_at(key, "Sheet1")
    excel.macro(macros, CHECK)
    excel.close(key)
    wait_for(lambda: not list((folder / "home").glob("answer-*")), timeout=60)
