"""How the sheets are printed by a real Calc: titles on every page, no heading alone at a foot, no chart in two."""

import html
import json
import re
import shutil
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pypdf
import pytest
from openpyxl.utils import range_boundaries

from cnn import runs
from cnn.runs.settings import check_settings
from tests.calc.office import COMMAND, Office, wait_for
from tests.sheets import XOR, workbook
from xlsx.build import build

BOOKS = [("2-2-2", None), ("4-5-3 bias", None), (XOR, "xor")]
TITLED = {"Network", "Picture", "Forward", "Backward", "Gradient check", "Learning rates", "Optimizers"}
TITLED |= {"Training log", "Spot the mistake", "Results", "Runs"}


@pytest.mark.parametrize(("network", "preset"), BOOKS)
def test_titles_repeat_and_no_heading_stands_alone_at_a_foot(office: Office, network: str, preset: str | None) -> None:
    path = workbook(network, 100, preset)
    key = office.load(str(path))
    several = 0
    for sheet in openpyxl.load_workbook(path):
        if sheet.title not in TITLED:
            continue
        begins, own, repeated = office.printed(key, sheet.title)
        _, _, _, last = range_boundaries(sheet.print_area.split("!")[-1].replace("$", ""))
        header = int(sheet.sheet_view.pane.ySplit) - (sheet.title != "Picture")  # there the chart is beside it
        assert repeated == [header, header], sheet.title
        assert [row for row in own if row < last] == [], "pages that the office begins are not those that were chosen"
        for row in (row for row in begins if row < last):
            several += 1
            assert not is_heading(sheet.cell(row, 1).value), (sheet.title, row)
            charts = [chart.anchor for chart in sheet._charts]
            assert [chart for chart in charts if chart._from.row < row <= chart.to.row] == [], (sheet.title, row)
    assert several > 1
    office.close(key)


def is_heading(text: object) -> bool:
    """Of a section: "2  Delta: how E changes …"."""
    return isinstance(text, str) and bool(re.match(r"\d  \w", text) or text.startswith("The list:"))


def test_charts_keep_their_descriptions_in_an_ods(office: Office, tmp_path: Path) -> None:
    key = office.load(str(workbook("2-2-2", 10)))
    before = {title: office.descriptions(key, title) for title in office.sheets(key)}
    office.save(key, str(tmp_path / "saved.ods"), filter="calc8")
    office.close(key)
    assert len([text for texts in before.values() for text in texts if len(text) > 20]) == 15
    key = office.load(str(tmp_path / "saved.ods"))
    assert {title: office.descriptions(key, title) for title in before} == before
    office.close(key)


def test_charts_are_called_by_their_descriptions_in_an_xlsx(office: Office, tmp_path: Path) -> None:
    """LibreOffice 25.2 writes no description of any chart into an .xlsx, but what it is called."""
    key = office.load(str(workbook("2-2-2", 10)))
    before = [text for title in office.sheets(key) for text in office.descriptions(key, title)]
    office.save(key, str(tmp_path / "saved.xlsx"))
    office.close(key)
    with zipfile.ZipFile(tmp_path / "saved.xlsx") as archive:
        drawings = [archive.read(name).decode() for name in archive.namelist() if "drawings/drawing" in name]
    named = [html.unescape(name) for each in drawings for name in re.findall(r'<xdr:cNvPr [^>]*name="([^"]*)"', each)]
    assert Counter(before) <= Counter(named)


MANY = 130  # rows that come later


@pytest.fixture
def long_run(office: Office) -> Iterator[Path]:
    """A run of many epochs in the user's folder."""
    folder = office.home / "runs/2026-11-01T10-00-00-long"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(check_settings({"dataset": "digits", "epochs": MANY})))
    log = runs.Log(folder)
    log.write("started", pid=1, dataset="digits", model="tuned", epochs=MANY, batches=2, resumed_from=None)
    for epoch in range(1, MANY + 1):
        log.write("epoch", epoch=epoch, **dict.fromkeys(runs.EPOCH_KEYS[1:], epoch / 1000))
    log.write("finished", epoch=MANY)
    yield folder
    shutil.rmtree(office.home / "runs")


def pages(office: Office, key: int, title: str, out: Path) -> list[list[str]]:
    """What a sheet is printed as: the lines of each page."""
    for other in office.sheets(key):
        if other != title:
            office.remove_sheet(key, other)
    office.save(key, str(out), filter="calc_pdf_Export")
    return [page.extract_text().splitlines() for page in pypdf.PdfReader(out).pages]


def holds(lines: list[str], number: object) -> bool:
    return any(str(number) in line.split() for line in lines)


def is_printed_to_the_last_row(printed: list[list[str]], heads: set[str], last: list[object]) -> None:
    """On as many pages as hold rows: each begins with the heads, and none is empty."""
    assert 2 <= len(printed) <= 6
    assert all(heads <= set(" ".join(lines).split()) for lines in printed)
    assert all(holds(printed[-1], number) for number in last)


def test_all_rows_of_a_long_run_are_printed(office: Office, long_run: Path, tmp_path: Path) -> None:
    path = build(tmp_path / "run.xlsx", epochs=10)
    note = {"command": [], "workbook": path.as_uri(), "pid": 1, "time": "2026-01-01T00:00:00+00:00"}
    (long_run / "launch.json").write_text(json.dumps(note))
    key = office.load(str(path))
    wait_for(lambda: office.read(key, f"Results.A{8 + MANY}") == [[MANY]], timeout=30)
    assert not office.undo_titles(key)
    is_printed_to_the_last_row(pages(office, key, "Results", tmp_path / "run.pdf"), {"epoch"}, [MANY, "13.00%"])
    office.close(key)


def test_all_rows_of_a_long_list_are_printed(office: Office, long_run: Path, tmp_path: Path) -> None:
    for number in range(MANY - 1):
        shutil.copytree(long_run, long_run.with_name(f"2026-11-02T10-00-00-{number}"))
    key = office.load(str(build(tmp_path / "runs.xlsx", epochs=10)))
    office.command(key, COMMAND + "runs_list")
    assert office.read(key, f"Runs.B{5 + MANY}") == [[long_run.name]]
    is_printed_to_the_last_row(pages(office, key, "Runs", tmp_path / "runs.pdf"), {"tick"}, [long_run.name])
    office.close(key)


def test_all_rows_of_a_long_log_are_printed_and_after_reset_as_many_as_at_first(office: Office, tmp_path: Path) -> None:
    key = office.load(str(build(tmp_path / "log.xlsx", epochs=10)))
    at_first = office.printed_down_to(key, "Training log")
    office.write(key, "log_steps", MANY)
    office.command(key, COMMAND + "log_run")
    assert office.printed_down_to(key, "Training log") == 9 + MANY
    for action, last in ((office.undo, at_first), (office.redo, 9 + MANY)):
        action(key)
        assert office.printed_down_to(key, "Training log") == last
    is_printed_to_the_last_row(pages(office, key, "Training log", tmp_path / "log.pdf"), {"epoch", "E_total"}, [MANY])
    office.close(key)


def test_a_print_area_of_the_users_own_stays(office: Office, tmp_path: Path) -> None:
    path = build(tmp_path / "own.xlsx", epochs=10)
    own = openpyxl.load_workbook(path)
    own["Training log"].print_area = "A1:L20"
    own.save(path)
    key = office.load(str(path))
    office.write(key, "log_steps", MANY)
    office.command(key, COMMAND + "log_run")
    assert office.printed_down_to(key, "Training log") == 20
    office.close(key)
