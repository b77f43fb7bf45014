"""The check where people have their files: text files of values, and those that LibreOffice converts first."""

import csv
import http.server
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest

from addin.calc import convert
from addin.calc.convert import converted
from addin.setup import office
from tests import learners
from xlsx.check import __main__ as checker
from xlsx.check.check import Report, check

Rows = list[list[str]]


@pytest.fixture(scope="module")
def rows() -> Rows:
    """A table of 5 updates with every number as Python writes it; dE/dw1 has the wrong sign in all of them."""
    numbers = learners.right_numbers(learners.Layout(rows=5), 0)
    titles = learners.EXERCISE
    table = [[repr(float(numbers[name][row])) for name in titles] for row in range(5)]
    for line in table:
        line[titles.index("g1")] = repr(float(line[titles.index("g1")]) * -1)
    return [[name.replace("g", "dE/dw") if name[0] == "g" else name for name in titles], *table]


def verdicts(report: Report) -> dict[str, str]:
    (block,) = report.blocks
    return {column.quantity: column.status for column in block.columns}


def written(path: Path, rows: Rows, separator: str, point: str, encoding: str) -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=separator).writerows(
            [[field.replace(".", point) if number else field for field in row] for number, row in enumerate(rows)]
        )
    return path


@pytest.mark.parametrize(
    ("separator", "point", "encoding"),
    [(",", ".", "utf-8"), (";", ",", "utf-8-sig"), (";", ".", "cp1252"), ("\t", ",", "utf-16"), (",", ",", "utf-8")],
)
def test_a_csv_is_read_whatever_divides_its_fields_and_numbers(
    rows: Rows, tmp_path: Path, separator: str, point: str, encoding: str
) -> None:
    report = check(written(tmp_path / "table.csv", rows, separator, point, encoding))
    found = verdicts(report)
    assert {name for name, status in found.items() if status == "wrong"} == {"dE/dw1"}
    assert found["E_total"] == "right"


def test_a_line_of_words_above_the_table_does_not_hide_its_separator(rows: Rows, tmp_path: Path) -> None:
    path = written(tmp_path / "table.csv", rows, ";", ",", "utf-8")
    path.write_text("My exercise, by me\n\n" + path.read_text())
    assert verdicts(check(path))["dE/dw1"] == "wrong"


def test_a_csv_of_formulas_is_worked_out(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(learners.make(learners.Layout(rows=3)).save(tmp_path / "made.xlsx"))
    with (tmp_path / "formulas.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(book.active.iter_rows(values_only=True))
    report = check(tmp_path / "formulas.csv")
    assert report.status == "right"
    assert "have no stored value" in report.notes[0]


def test_a_csv_that_is_damaged_or_no_table_is_said(tmp_path: Path) -> None:
    for content in (b"", b"\0\0\0,\0\n", b"a,b\n1,2\n", b'"never closed,1\n2,3'):
        (tmp_path / "odd.csv").write_bytes(content)
        assert check(tmp_path / "odd.csv").status == "not understood"
    assert "cannot be read" in check(tmp_path / "none.csv").message


@pytest.fixture(scope="module")
def workbooks(soffice: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A workbook with a wrong dE/dw1 as LibreOffice saves it in each format."""
    folder = tmp_path_factory.mktemp("it's a class")
    wrong = learners.Layout(rows=5, texts=(("g1", learners.formulas()["g1"].replace("w7", "w8")),))
    learners.make(wrong).save(folder / "jo.xlsx")
    for suffix in ("ods", "xls"):
        profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
        command = [soffice, profile, "--headless", "--convert-to", suffix, "--outdir", str(folder), "jo.xlsx"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=100)
    return {suffix: folder / f"jo.{suffix}" for suffix in ("xlsx", "ods", "xls")}


def test_the_formats_get_the_same_verdict_under_their_own_names(workbooks: dict[str, Path]) -> None:
    expected = verdicts(check(workbooks["xlsx"]))
    assert expected["dE/dw1"] == "wrong"
    before = {path: path.read_bytes() for path in workbooks.values()}
    with converted([*workbooks.values()]) as copies:
        assert set(copies) == {workbooks["ods"], workbooks["xls"]}
        for path, copy in copies.items():
            assert verdicts(check(copy, str(path))) == expected
    assert {path: path.read_bytes() for path in workbooks.values()} == before
    assert not any(copy.exists() for copy in copies.values())


def test_the_command_checks_a_whole_folder_with_one_process(workbooks: dict[str, Path], capsys, monkeypatch) -> None:
    started = []
    monkeypatch.setattr(convert, "run", lambda *words, run=convert.run: (started.append(words), run(*words)))
    assert checker.main([str(workbooks["ods"].parent)], converted) == 1
    said = capsys.readouterr().out
    assert "3 workbooks: 3 with mistakes" in said
    assert [name for name in ("jo.ods", "jo.xls", "jo.xlsx") if name in said] == ["jo.ods", "jo.xls", "jo.xlsx"]
    assert len(started) == 1


def test_without_an_office_the_message_is_that_of_before(workbooks: dict[str, Path], capsys, monkeypatch) -> None:
    monkeypatch.setattr(office, "find", lambda: None)
    assert checker.main([str(workbooks["ods"])], converted) == 2
    assert "an OpenDocument file (.ods)" in capsys.readouterr().out


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """A local server, and the paths that were asked of it."""
    asked: list[str] = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"1")

        do_HEAD = do_OPTIONS = do_PROPFIND = do_GET

        def log_message(self, *_: object) -> None:
            pass

    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{served.server_port}", asked
    served.shutdown()
    served.server_close()


CONTENT = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" xmlns:xlink="http://www.w3.org/1999/xlink"
 xmlns:of="urn:oasis:names:tc:opendocument:xmlns:of:1.2" office:version="1.2"><office:body><office:spreadsheet>
<table:table table:name="Sheet1"><table:shapes><draw:frame draw:name="p" table:end-cell-address="Sheet1.C9">
<draw:image xlink:href="{url}/image.png" xlink:type="simple" xlink:actuate="onLoad"/></draw:frame></table:shapes>
<table:table-row>
<table:table-cell table:formula="of:=WEBSERVICE(&quot;{url}/webservice&quot;)"/>
<table:table-cell table:formula="of:='{url}/linked.ods'#$Sheet1.A1"/>
<table:table-cell table:formula="of:=DDE(&quot;soffice&quot;;&quot;{url}/dde.ods&quot;;&quot;Sheet1.A1&quot;)"/>
<table:table-cell office:value-type="float" office:value="1"/></table:table-row></table:table>
<table:table table:name="Linked"><table:table-source xlink:href="{url}/table.ods" table:table-name="Sheet1"/>
<table:table-row><table:table-cell/></table:table-row></table:table>
</office:spreadsheet></office:body></office:document-content>"""
MANIFEST = """<?xml version="1.0" encoding="UTF-8"?>
<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.2">
<manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/>
<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>"""


def test_a_file_that_calls_a_server_makes_no_request(soffice: str, server: tuple[str, list[str]], tmp_path: Path):
    url, asked = server
    with zipfile.ZipFile(tmp_path / "calls.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", CONTENT.format(url=url))
        archive.writestr("META-INF/manifest.xml", MANIFEST)
    with converted([tmp_path / "calls.ods"]) as copies:
        assert copies
    assert asked == []


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
def test_an_office_that_hangs_is_ended_with_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program, note = tmp_path / "soffice", tmp_path / "pid"
    program.write_text(f"#!/bin/sh\nsleep 1000 &\necho $! > '{note}'\nwait\n")
    program.chmod(0o755)
    monkeypatch.setattr(office, "find", lambda: office.Office(program, (25, 2), ""))
    monkeypatch.setattr(convert, "SECONDS", 1)
    monkeypatch.setattr(convert, "SECONDS_EACH", 0)
    (tmp_path / "a.ods").touch()
    with converted([tmp_path / "a.ods"]) as copies:
        assert copies == {}
    child = Path(f"/proc/{note.read_text().strip()}/stat")
    deadline = time.monotonic() + 10
    while child.exists() and child.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.05)
