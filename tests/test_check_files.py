"""Files as they come: hostile, broken or of another kind, each answered with a message; and marked copies."""

import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import openpyxl
import pytest
from openpyxl.chart import LineChart, Reference
from openpyxl.comments import Comment

from tests.learners import Layout, formulas, make
from tests.sheets import converted, profile
from xlsx.check.__main__ import main
from xlsx.check.check import Report, check

PROJECT = Path(__file__).resolve().parents[1]
SECONDS, MEMORY = 10, 1 << 30
HEAD = '<?xml version="1.0"?>'
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A workbook whose dE/dw3 is wrong."""
    made = make(Layout())
    for step in range(8):
        text = formulas()["g3"].replace("a_h2*(1-a_h2)", "a_h1*(1-a_h1)")
        made.cells[made.where[0, "g3", step]] = made.text(0, step, text)
    return made.save(tmp_path / "book.xlsx")


def with_part(path: Path, copy: Path, parts: dict[str, bytes]) -> Path:
    """A copy with other parts."""
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, parts.get(name, source.read(name)))
        for name in parts.keys() - set(source.namelist()):
            target.writestr(name, parts[name])
    return copy


def sheet(rows: str) -> bytes:
    return f"{HEAD}<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>".encode()


def message(path: Path) -> str:
    report = check(path)
    assert report.status == "not understood"
    return report.message


def test_what_is_no_excel_workbook_is_said(tmp_path: Path) -> None:
    files = {
        "old.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "a workbook of Excel 97-2003"),
        "locked.xlsx": (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "protected by a password",
        ),
        "table.csv": (b"t1,t2\n1,2\n", "No table of the exercise was found"),
        "page.xlsx": (b"<!DOCTYPE html><html></html>", "a web page"),
        "empty.xlsx": (b"", "is empty"),
        "broken.xlsx": (b"PK\x03\x04 and nothing more", "is damaged"),
        "binary.xlsb": (b"PK\x03\x04", "a binary workbook"),
    }
    for name, (content, words) in files.items():
        (tmp_path / name).write_bytes(content)
        assert words in message(tmp_path / name)
        assert main([str(tmp_path / name)]) == 2
    with zipfile.ZipFile(tmp_path / "other.xlsx", "w") as archive:
        archive.writestr("a.txt", "a")
    assert "a zip file, but no Excel workbook" in message(tmp_path / "other.xlsx")
    with zipfile.ZipFile(tmp_path / "sheet.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    assert "an OpenDocument file (.ods)" in message(tmp_path / "sheet.ods")


def limited(path: Path) -> tuple[str, float]:
    """What the check says of a file with 1 GiB of memory, and how long it took."""

    def limit() -> None:
        import resource  # not on Windows

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "xlsx.check", str(path)],
        cwd=PROJECT,
        env={"PYTHONIOENCODING": "utf-8", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        encoding="utf-8",
        preexec_fn=limit,
        timeout=60,
    )
    assert done.returncode in (1, 2), done.stderr
    return done.stdout, time.perf_counter() - start


def hostile(kind: str) -> dict[str, bytes]:
    """The parts that make a workbook hostile."""
    page = "xl/worksheets/sheet1.xml"
    if kind == "bomb":
        return {page: sheet(" " * 150_000_000)}
    if kind == "rows":
        row = "".join(f'<c r="{letter}{{0}}"><v>0.5</v></c>' for letter in "ABCDEFGH")
        return {page: sheet("".join(f'<row r="{n}">{row.format(n)}</row>' for n in range(1, 40_001)))}
    if kind == "cells":
        return {page: sheet("<row>" + "<c/>" * 700_000)}
    if kind == "entities":
        entities = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(9))
        doctype = f'<!DOCTYPE a [<!ENTITY e0 "ha">{entities}]>'
        return {"xl/workbook.xml": f"{HEAD}{doctype}<workbook {MAIN}>&e9;</workbook>".encode()}
    return {page: sheet("".join(f'<row><c t="inlineStr"><is><t>w{n}</t></is></c></row>' for n in range(400_000)))}


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on memory is Linux's")
@pytest.mark.parametrize("kind", ["bomb", "rows", "cells", "entities", "texts"])
def test_a_hostile_file_is_answered_within_a_gigabyte(kind: str, book: Path, tmp_path: Path) -> None:
    """A zip bomb, rows and cells beyond number, entities in entities, a column of texts."""
    said, seconds = limited(with_part(book, tmp_path / "hostile.xlsx", hostile(kind)))
    words = {"bomb": "too large", "entities": "document type"}
    slow = "reading took over"  # where the machine is busy
    assert words.get(kind, "too many cells") in said or slow in said
    print(f"{kind}: {seconds:.1f} s")  # never asserted: the bar is 10 s


def test_a_formula_shared_by_many_cells_is_read_in_each(book: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(book) as archive:
        page = archive.read("xl/worksheets/sheet1.xml").decode()
    first = re.search(r'<c r="Z6"[^>]*><f>(.*?)</f>', page)[1]
    shared = f'<f t="shared" ref="Z6:Z13" si="0">{first}</f>'
    page = re.sub(r'(<c r="Z6"[^>]*>)<f>.*?</f>', lambda found: found[1] + shared, page)
    page = re.sub(r'(<c r="Z(?:7|8|9|1\d)"[^>]*>)<f>.*?</f>', r'\1<f t="shared" si="0"/>', page)
    assert page.count('t="shared"') == 8
    copy = with_part(book, tmp_path / "shared.xlsx", {"xl/worksheets/sheet1.xml": page.encode()})
    assert [each.text for each in check(copy).mistakes] == [each.text for each in check(book).mistakes]


def test_a_formula_without_end_is_no_reason_to_fail(tmp_path: Path) -> None:
    made = make(Layout())
    for name, text in {"h1": "=" + "1+" * 4000 + "1", "h2": "=" + "(" * 3000 + "1" + ")" * 3000}.items():
        made.cells[made.where[0, name, 3]] = text
    report = check(made.save(tmp_path / "book.xlsx"))
    assert report.status in ("right", "mistakes")
    assert not report.message


def test_macros_and_links_to_other_files_are_left_alone(book: Path, tmp_path: Path) -> None:
    made = make(Layout())
    made.cells["Sheet1", 30, 1] = "=[1]Sheet1!A1"
    made.cells[made.where[0, "h1", 3]] = "=[1]Sheet1!$A$1*2"
    path = with_part(made.save(tmp_path / "b.xlsx"), tmp_path / "macros.xlsm", {"xl/vbaProject.bin": b"not read"})
    assert check(path).status == "right"


def annotated(source: Path, target: Path) -> Report:
    report = check(source)
    main([str(source), "--annotate", str(target)])
    return report


def test_a_marked_copy_has_the_cells_coloured_and_the_mistake_told(book: Path, tmp_path: Path) -> None:
    before = book.read_bytes()
    annotated(book, tmp_path / "out.xlsx")
    page = openpyxl.load_workbook(tmp_path / "out.xlsx")["Sheet1"]
    marked = [cell.coordinate for row in page for cell in row if cell.fill.fgColor.rgb == "FFFFC7CE"]
    assert marked == [f"Z{row}" for row in range(6, 14)]
    assert "takes a_h1 (J6) where a_h2 (L6) belongs" in page["Z6"].comment.text
    assert book.read_bytes() == before


def test_each_column_of_a_mistake_says_in_a_marked_copy_what_it_is(tmp_path: Path) -> None:
    texts = tuple((name, formulas()[name].replace("w7", "w6")) for name in ("g1", "g2"))
    annotated(make(Layout(texts=texts)).save(tmp_path / "book.xlsx"), tmp_path / "out.xlsx")
    page = openpyxl.load_workbook(tmp_path / "out.xlsx")["Sheet1"]
    told = {cell.coordinate: cell.comment.text for row in page for cell in row if cell.comment}
    assert list(told) == ["X6", "Y6"]
    assert told["Y6"] == "The same mistake as in X6: dE/dw1 takes w6 (N6) where w7 (O6) belongs."


def test_a_marked_copy_keeps_charts_and_comments_and_follows_the_rules(book: Path, tmp_path: Path) -> None:
    from openxml_audit import OpenXmlValidator

    whole = openpyxl.load_workbook(book)
    page, chart = whole["Sheet1"], LineChart()
    chart.add_data(Reference(page, min_col=23, min_row=5, max_row=13), titles_from_data=True)
    page.add_chart(chart, "B20")
    page["A1"].comment = Comment("mine", "a learner")
    page["Z6"].comment = Comment("why?", "a learner")
    whole.save(tmp_path / "rich.xlsx")
    annotated(tmp_path / "rich.xlsx", tmp_path / "out.xlsx")
    copy = openpyxl.load_workbook(tmp_path / "out.xlsx")["Sheet1"]
    assert len(copy._charts) == 1
    assert copy["A1"].comment.text == "mine"
    assert copy["Z6"].comment.text.startswith("why?\n\ndE/dw3 takes")
    found = [OpenXmlValidator().validate(tmp_path / name).errors for name in ("rich.xlsx", "out.xlsx")]
    assert [str(error) for error in found[1]] == [str(error) for error in found[0]]
    changed = differing(tmp_path / "rich.xlsx", tmp_path / "out.xlsx")
    assert changed == {"xl/worksheets/sheet1.xml", "xl/styles.xml", "xl/comments/comment1.xml"}


def differing(one: Path, other: Path) -> set[str]:
    with zipfile.ZipFile(one) as first, zipfile.ZipFile(other) as second:
        names = set(first.namelist()) | set(second.namelist())
        return {name for name in names if read(first, name) != read(second, name)}


def read(archive: zipfile.ZipFile, name: str) -> bytes | None:
    return archive.read(name) if name in archive.namelist() else None


def test_libreoffice_opens_a_marked_copy_and_agrees_on_what_was_never_calculated(
    soffice: str, book: Path, tmp_path: Path
) -> None:
    annotated(book, tmp_path / "out.xlsx")
    (tmp_path / "calc").mkdir()
    (opened,) = converted(soffice, profile(tmp_path / "profile"), [tmp_path / "out.xlsx"], tmp_path / "calc")
    page = openpyxl.load_workbook(opened, data_only=True)["Sheet1"]
    assert "takes a_h1 (J6)" in page["Z6"].comment.text
    assert page["Z6"].fill.fgColor.rgb == "FFFFC7CE"
    mine, theirs = check(book), check(opened)
    assert [mistake.text for mistake in mine.mistakes] == [mistake.text for mistake in theirs.mistakes]
    assert re.search("never calculated", " ".join(mine.notes))
    assert not theirs.notes
    for one, other in zip(mine.blocks[0].cost, theirs.blocks[0].cost, strict=True):
        assert one.loss == pytest.approx(other.loss, rel=1e-12)


def test_a_marked_copy_overwrites_nothing(book: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main([str(book), "--annotate", str(book)]) == 2
    assert "would overwrite" in capsys.readouterr().err
    assert main([str(book), "--annotate", str(tmp_path / "out.xlsm")]) == 2
    assert "its name must end in .xlsx" in capsys.readouterr().err
    assert main([str(book), str(book), "--annotate", str(tmp_path / "out.xlsx")]) == 2
    assert "takes one workbook at a time" in capsys.readouterr().err
