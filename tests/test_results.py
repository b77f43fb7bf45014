"""The results workbook of training runs: the log's figures, with charts, and no run that could put in a formula."""

import json
import sys
import zipfile
from pathlib import Path

import openpyxl
import pytest

from cnn import runs
from cnn.runs import EPOCH_KEYS, Lock, Log
from xlsx import files
from xlsx.results import epochs, find, main, summary_row, write

EPOCHS = [
    {"epoch": 1, "train_loss": 0.61, "train_accuracy": 0.81, "test_loss": 0.2, "test_accuracy": 0.94},
    {"epoch": 2, "train_loss": 0.15, "train_accuracy": 0.955, "test_loss": 0.1, "test_accuracy": 0.9701},
    {"epoch": 3, "train_loss": 0.09, "train_accuracy": 0.971, "test_loss": float("nan"), "test_accuracy": 0.975},
]
REST = {"learning_rate": 0.01, "seconds": 21.25, "images_per_second": 2823.5}
STARTED = {"pid": 1, "dataset": "mnist", "model": "reference", "device": "cpu", "parameters": 14_666}


def run_folder(folder: Path, epochs: int = 3, end: str | None = "finished", **config: object) -> Path:
    """A run as the trainer leaves it."""
    folder.mkdir(parents=True)
    log = Log(folder)
    log.write("started", **STARTED, epochs=3, batches=469, resumed_from=None)
    for line in EPOCHS[:epochs]:
        log.write("epoch", **line, **REST)
    if end:
        log.write(end, epoch=epochs)
    if config:
        (folder / "config.json").write_text(json.dumps(config))
    return folder


def rows(sheet: object, first: int = 5) -> list[tuple]:
    return list(sheet.iter_rows(first, values_only=True))


def test_each_run_has_a_sheet_with_the_figures_of_its_log(tmp_path: Path) -> None:
    folders = [run_folder(tmp_path / "one"), run_folder(tmp_path / "two", epochs=1, end="stopped")]
    assert main([*map(str, folders), "--out", str(tmp_path / "results.xlsx")]) == 0
    book = openpyxl.load_workbook(tmp_path / "results.xlsx")
    assert book.sheetnames == ["Summary", "one", "two"]
    for folder in folders:
        sheet = book[folder.name]
        assert [cell.value.replace(" ", "_") for cell in sheet[4][:8]] == list(EPOCH_KEYS)
        logged = [[line[key] for key in EPOCH_KEYS] for line in runs.read(folder).epochs]
        assert [list(row[:8]) for row in rows(sheet)][: len(logged)] == logged
        assert all(row[0] is None for row in rows(sheet)[len(logged) :])
        assert len(sheet._charts) == 3


@pytest.mark.parametrize("content", ["[", "[]", "", "\x00"])
def test_a_finished_run_with_a_damaged_config_is_damaged(tmp_path: Path, content: str) -> None:
    folder = run_folder(tmp_path / "run")
    (folder / "config.json").write_text(content)
    assert summary_row(runs.read(folder))["status"] == "damaged: config.json"


def test_a_run_with_validation_says_so_in_heads_and_charts(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", epochs=0)
    for line in EPOCHS[:2]:
        Log(folder).write(
            "epoch", **{key.replace("test_", "validation_"): value for key, value in line.items()}, **REST
        )
    write(find([folder]), tmp_path / "results.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "results.xlsx")["run"]
    assert [cell.value for cell in sheet[4][3:5]] == ["validation loss", "validation accuracy"]
    assert [row[4] for row in rows(sheet)][:2] == [0.94, 0.9701]
    names = [series.tx.v for chart in sheet._charts for series in chart.series]
    assert names == ["train accuracy", "validation accuracy", "train loss", "validation loss", "learning rate"]


def test_a_loss_that_is_not_finite_is_a_blank_cell(tmp_path: Path) -> None:
    write(find([run_folder(tmp_path / "run")]), tmp_path / "results.xlsx")
    assert openpyxl.load_workbook(tmp_path / "results.xlsx")["run"]["D7"].value is None


def test_the_summary_has_each_runs_last_epoch_and_its_whole_time(tmp_path: Path) -> None:
    folders = [run_folder(tmp_path / "one"), run_folder(tmp_path / "two", epochs=2, end="stopped")]
    write(find(folders), tmp_path / "results.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "results.xlsx")["Summary"]
    titles = [cell.value for cell in sheet[4]]
    one, two = (dict(zip(titles, row, strict=True)) for row in rows(sheet))
    assert (one["run"], one["epoch"], one["test accuracy"], one["seconds"]) == ("one", 3, 0.975, 63.75)
    assert (two["run"], two["epoch"], two["test accuracy"], two["seconds"]) == ("two", 2, 0.9701, 42.5)
    assert (one["parameters"], one["dataset"]) == (14_666, "mnist")
    assert two["status"] == "stopped after epoch 2 (mnist)"
    assert sheet["A5"].hyperlink.location == "'one'!A1"


def test_a_live_run_and_one_before_its_first_epoch_can_be_shown(tmp_path: Path) -> None:
    live, lock = run_folder(tmp_path / "live", epochs=0, end=None), Lock(tmp_path / "live")
    assert lock.acquire()
    try:
        write(find([live]), tmp_path / "results.xlsx")
    finally:
        lock.release()
    book = openpyxl.load_workbook(tmp_path / "results.xlsx")
    assert book["live"]["A2"].value == "epoch 1 of 3 (mnist)"
    assert book["Summary"]["B5"].value is None


def test_the_settings_stand_on_the_runs_sheet(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", batch_size=128, device="cpu", data_dir=None, versions={"torch": "2.15.0"})
    write(find([folder]), tmp_path / "results.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "results.xlsx")["run"]
    settings = {row[9]: row[10] for row in rows(sheet) if row[9] is not None}
    assert settings == {
        "Settings": None,
        "batch size": 128,
        "device": "cpu",
        "data dir": None,
        "versions torch": "2.15.0",
    }


def test_without_a_config_the_log_says_what_it_knows(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run")
    (folder / "config.json").write_text("{ half a file")
    write(find([folder]), tmp_path / "results.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "results.xlsx")["run"]
    assert {row[9]: row[10] for row in rows(sheet)}["parameters"] == 14_666


@pytest.mark.skipif(sys.platform == "win32", reason="Windows allows no such folder names")
def test_a_name_like_a_formula_and_wild_texts_land_as_text(tmp_path: Path) -> None:
    name = "=cmd|' &C calc'!A0 [x]: a name far too long for a sheet"
    folder = run_folder(tmp_path / name, note="=1+1", bell="a\x07b\x00\ud800c", essay="x" * 40_000, url="http://a.b")
    write(find([folder]), tmp_path / "results.xlsx")
    book = openpyxl.load_workbook(tmp_path / "results.xlsx")
    assert book.sheetnames == ["Summary", "=cmd|- &C calc-!A0 -x-- a name"]
    sheet = book.worksheets[1]
    assert sheet["A1"].value == book["Summary"]["A5"].value == name
    settings = {row[9]: row[10] for row in rows(sheet)}
    assert settings["note"] == "=1+1"
    assert settings["bell"] == "abc"
    assert len(settings["essay"]) == files.LONGEST_TEXT
    assert settings["essay"].endswith(" … (cut)")
    cells = [cell for each in book for row in each.iter_rows() for cell in row]
    assert [cell.coordinate for cell in cells if cell.data_type == "f"] == []
    assert [cell.coordinate for cell in cells if cell.hyperlink and cell.hyperlink.target] == []


def test_no_text_becomes_a_formula_a_link_or_a_number(tmp_path: Path) -> None:
    with files.written(tmp_path / "texts.xlsx", "Texts") as workbook:
        sheet = workbook.add_worksheet()
        for row, text in enumerate(("=1+1", "{=1+1}", "http://a.b", "0.5")):
            sheet.write(row, 0, text)
    cells = [row[0] for row in openpyxl.load_workbook(tmp_path / "texts.xlsx").active.iter_rows()]
    assert [(cell.data_type, cell.hyperlink) for cell in cells] == [("s", None)] * 4


def test_runs_of_the_same_name_get_sheets_of_their_own(tmp_path: Path) -> None:
    folders = [run_folder(tmp_path / place / name) for place in ("a", "b") for name in ("Summary", "x" * 40)]
    write(find(folders), tmp_path / "results.xlsx")
    names = openpyxl.load_workbook(tmp_path / "results.xlsx").sheetnames
    assert names == ["Summary", "Summary (2)", "x" * 31, "Summary (3)", "x" * 27 + " (2)"]


def test_the_open_xml_rules_find_nothing_in_a_results_workbook(tmp_path: Path) -> None:
    from openxml_audit import OpenXmlValidator

    path = write(
        find([run_folder(tmp_path / "one", batch_size=8), run_folder(tmp_path / "two", 0)]), tmp_path / "r.xlsx"
    )
    assert OpenXmlValidator().validate(path).errors == []


def test_the_charts_reach_from_the_first_to_the_last_epoch(tmp_path: Path) -> None:
    write(find([run_folder(tmp_path / "run")]), tmp_path / "results.xlsx")
    with zipfile.ZipFile(tmp_path / "results.xlsx") as archive:
        charts = [archive.read(name).decode() for name in archive.namelist() if "charts/chart" in name]
    assert len(charts) == 3
    for chart, columns in zip(charts, ("CE", "BD", "F"), strict=True):
        assert all(f"run!${column}$5:${column}$7" in chart for column in columns)


def test_a_folder_without_a_run_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main([str(tmp_path), "--out", str(tmp_path / "results.xlsx")]) == 1
    assert f"results: {tmp_path} holds no run: there is no log.jsonl in it" in capsys.readouterr().err
    assert not (tmp_path / "results.xlsx").exists()


def test_a_file_that_is_open_elsewhere_is_one_line_and_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_use(source: object, target: object) -> None:
        raise PermissionError(13, "The process cannot access the file", str(target))

    folder = run_folder(tmp_path / "run")
    path = folder / "results.xlsx"
    path.write_text("open in Excel")
    kept = sorted(folder.iterdir())
    monkeypatch.setattr("os.replace", in_use)
    assert main([str(folder)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"results: {path} cannot be written (The process cannot access the file). Close it")
    assert path.read_text() == "open in Excel"
    assert sorted(folder.iterdir()) == kept


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "file").write_text("not a folder")
    assert main([str(run_folder(tmp_path / "run")), "--out", str(tmp_path / "file" / "results.xlsx")]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_epochs_are_a_table_with_the_logs_columns(tmp_path: Path) -> None:
    table = epochs(runs.read(run_folder(tmp_path / "run")))
    assert list(table.columns) == list(EPOCH_KEYS)
    assert table["test_accuracy"].tolist() == [0.94, 0.9701, 0.975]
    assert table["test_loss"].tolist() == [0.2, 0.1, None]


def test_a_workbook_that_is_there_keeps_its_name(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    folder, out = run_folder(tmp_path / "run"), tmp_path / "mine.xlsx"
    out.write_bytes(b"mine")
    assert main([str(folder), "--out", str(out)]) == 0
    assert out.read_bytes() == b"mine"
    assert capsys.readouterr().out.startswith(f"{tmp_path / 'mine 2.xlsx'} (there was a mine.xlsx already")
    assert main([str(folder), "--out", str(tmp_path / "notes.txt")]) == 2
    assert main([]) == 2
