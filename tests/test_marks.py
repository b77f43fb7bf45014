"""What a check shows in a spreadsheet: one answer for Calc and for Excel, whatever kind of file its copy is."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest

from addin import marks
from addin.excel import command, project
from tests import learners
from xlsx.check.check import check
from xlsx.check.files import place
from xlsx.contract import CHECK_NOTE

WRONG = learners.Layout(rows=5, texts=(("g1", learners.formulas()["g1"].replace("w7", "w8")),))
TWO = learners.Layout(rows=6, rates=(0.5, 0.1), arrange="beside", texts=(("E1", "t1-a_o1"), ("w5", "w5'+RATE*g5'")))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What Excel saves of a workbook with mistakes for Python to read."""
    return learners.make(WRONG).save(tmp_path / "answer-1.copy")


def asked(copy: Path, name: str) -> list[list[str]]:
    """The fields of what Excel's macros are answered."""
    request = {"command": "check", "copy": str(copy), "name": name, "workbook": "", "folder": ""}
    return [line.split("\t") for line in command.reply(request).split("\n") if line]


@pytest.mark.parametrize("layout", [WRONG, TWO])
def test_the_marks_are_the_cells_of_the_mistakes_and_each_column_begins_with_a_note(
    layout: learners.Layout, tmp_path: Path
) -> None:
    path = learners.make(layout).save(tmp_path / "wrong.xlsx")
    found, mistakes = marks.shown(path, "wrong.xlsx"), check(path).mistakes
    cells = {(sheet, place(row, column)) for mistake in mistakes for sheet, row, column in mistake.places}
    book = openpyxl.load_workbook(path)
    marked = [
        (sheet, cell.coordinate)
        for sheet, area in found.marks
        for row in (book[sheet][area] if ":" in area else ((book[sheet][area],),))
        for cell in row
    ]
    assert len(marked) == len(set(marked)) > 4
    assert set(marked) == cells
    assert {note.cell for note in found.notes} <= {cell for _, cell in marked}
    assert {mistake.cell for mistake in mistakes} <= {note.cell for note in found.notes}
    assert all(note.text.startswith(CHECK_NOTE) for note in found.notes)
    told = [row.cell for row in found.rows if row.text.startswith("MISTAKE")]
    assert told == [mistake.cell for mistake in mistakes]


def test_excel_is_answered_what_calc_is_answered(copy: Path, tmp_path: Path) -> None:
    path = shutil.copy(copy, tmp_path / "it's mine.xlsx")
    words = [sys.executable, "-m", "addin.marks", str(path), "it's mine.xlsx"]
    done = subprocess.run(words, cwd=project.PROJECT, capture_output=True, text=True, check=True)
    for_calc = marks.Shown(**json.loads(done.stdout))
    for_excel = [[field.replace("\v", "\n") for field in line] for line in asked(copy, "it's mine.xlsx")]
    assert for_excel == [list(line) for line in marks.lines(for_calc)]
    assert {line[0] for line in for_excel} == {"mark", "note", "row"}
    assert not copy.exists()


@pytest.mark.parametrize("name", ["Book1", "table.csv", "it's mine.xlsx"])
def test_a_copy_is_read_as_what_it_is_and_is_gone_afterwards(copy: Path, name: str) -> None:
    fields = asked(copy, name)
    assert ["mark", "Sheet1", "X6:X10"] in fields
    assert not copy.exists()


def test_a_table_of_values_has_the_sheet_that_excel_calls_like_its_file(tmp_path: Path) -> None:
    numbers = learners.right_numbers(learners.Layout(rows=5), 0)
    numbers["g1"] = numbers["g1"] * -1
    rows = [["dE/d" + name.replace("g", "w") if name[0] == "g" else name for name in learners.EXERCISE]]
    rows += [[repr(float(numbers[name][row])) for name in learners.EXERCISE] for row in range(5)]
    copy = tmp_path / "answer-2.copy"
    copy.write_text("\n".join(map(",".join, rows)))
    name = "the table that I made for the exercise.csv"
    assert ["mark", name[:31], "X2:X6"] in asked(copy, name)


def test_a_check_that_does_not_end_is_ended_and_told(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "SECONDS", 0.01)
    ((kind, text),) = asked(copy, "mine.xlsx")
    assert (kind, "timed out" in text, copy.exists()) == ("tell", True, False)


def test_what_cannot_be_read_is_told_and_never_raised(tmp_path: Path) -> None:
    copy = tmp_path / "answer-3.copy"
    ((kind, text),) = asked(copy, "gone.xlsx")
    assert kind == "tell"
    assert "The check could not be made" in text
    copy.write_bytes(b"PK nonsense")
    ((kind, text),) = asked(copy, "broken.xlsx")
    assert (kind, "broken.xlsx" in text, copy.exists()) == ("tell", True, False)


def test_a_copy_in_the_old_format_is_converted_first(soffice: str, copy: Path, tmp_path: Path) -> None:
    shutil.copy(copy, tmp_path / "old.xlsx")
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    words = [
        soffice,
        profile,
        "--headless",
        "--convert-to",
        "xls",
        "--outdir",
        str(tmp_path),
        str(tmp_path / "old.xlsx"),
    ]
    subprocess.run(words, check=True, capture_output=True, timeout=120)
    (tmp_path / "old.xls").replace(copy)
    assert ["mark", "Sheet1", "X6:X10"] in asked(copy, "old.xls")
