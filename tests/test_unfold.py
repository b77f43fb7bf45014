"""A network as plain formulas: its numbers against PyTorch; what the file holds, and what is refused."""

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openpyxl
import pytest
import torch
from openxml_audit import OpenXmlValidator
from torch import nn

from addin import unfold
from addin.excel import unfolded as unfolded_macros
from cnn import models, plain
from tests import engines, unfolded
from xlsx.files import LONGEST_FORMULA
from xlsx.unfold import workbook
from xlsx.unfold.arithmetic import forward
from xlsx.unfold.steps import UnknownLayer, fold
from xlsx.unfold.trained import Layer

MODELS = list(models.MODELS)
EXCEL_2010 = {  # the functions that the formulas may use: all of them are older than that
    *("ABS", "ADDRESS", "AND", "AVERAGE", "COLUMN", "COUNT", "COUNTA", "COUNTIF", "EXP", "IF", "INDEX", "INT"),
    *("ISBLANK", "ISERROR", "ISNUMBER", "LARGE", "LN", "MATCH", "MAX", "MIN", "MOD", "N", "NA", "REPT", "ROUND"),
    *("ROW", "ROWS"),
    *("SQRT", "SUM", "SUMPRODUCT", "SUMSQ", "SUMXMY2", "TEXT"),
    *("IFERROR", "ISTEXT", "LEFT", "BACKPROP_VERSION", "CNN_PREDICT"),  # Python's, where it is
}


def formulas(path: Path) -> Iterator[str]:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/sheet"):
                yield from re.findall(r"<f>([^<]*)</f>", archive.read(name).decode())


@pytest.mark.parametrize("model", MODELS)
def test_the_stored_numbers_are_pytorch_s_in_float64(model: str) -> None:
    known = unfolded.trained(model)
    steps = fold(known.layers)
    found = np.stack([forward(steps, known.normal(image))[-1].ravel() for image in known.images])
    assert abs(found - unfolded.float64(unfolded.made_up(model), known)).max() < 1e-9
    assert sum(step.parameters for step in steps) == known.parameters == models.parameter_count(models.build(model))


@pytest.fixture(scope="module")
def tiny_kinds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The workbook of `tiny` with the way back, and with macros."""
    folder, known = tmp_path_factory.mktemp("kinds"), unfolded.trained("tiny")
    macros = workbook.write(known, folder / "macros.xlsm", macros=unfolded_macros.add_to)
    return [workbook.write(known, folder / "back.xlsx", back=True), macros]


def check_formulas(path: Path) -> None:
    used: set[str] = set()
    for formula in formulas(path):
        assert len(formula) <= LONGEST_FORMULA
        used |= set(re.findall(r"([A-Z][A-Z0-9._]*)\(", formula))
    assert used <= EXCEL_2010


@pytest.mark.parametrize("model", MODELS)
def test_every_formula_is_one_that_excel_2010_can_read(model: str) -> None:
    check_formulas(unfolded.written(model))


def test_so_is_every_formula_of_the_way_back(tiny_kinds: list[Path]) -> None:
    for path in tiny_kinds:
        check_formulas(path)


@pytest.mark.parametrize("model", MODELS)
def test_the_file_is_valid_and_has_no_macros(model: str) -> None:
    path = unfolded.written(model)
    assert OpenXmlValidator().validate(path).errors == []
    with zipfile.ZipFile(path) as archive:
        assert not [name for name in archive.namelist() if "vba" in name.lower()]


def test_the_other_kinds_are_valid_too(tiny_kinds: list[Path]) -> None:
    for path in tiny_kinds:
        assert OpenXmlValidator().validate(path).errors == []


def test_no_column_is_too_narrow_for_gnumeric(tiny_kinds: list[Path]) -> None:
    """One of at most 4 points it makes as wide as any: a character is 5.25 of them."""
    for path in (unfolded.written("tuned"), *tiny_kinds):
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
            widths = {
                float(width)
                for name in names
                for width in re.findall(r'<col [^>]*width="([^"]*)"', archive.read(name).decode())
            }
        assert min(widths) * 5.25 > 4


def test_every_link_leads_to_a_sheet() -> None:
    path = unfolded.written("tiny")
    with zipfile.ZipFile(path) as archive:
        sheets = [archive.read(name).decode() for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
    links = [link for sheet in sheets for link in re.findall(r'<hyperlink [^>]*location="([^"]*)"', sheet)]
    assert len(links) > 40
    assert {link.partition("!")[0].strip("'") for link in links} <= set(engines.opened(path).sheetnames)


def test_a_run_with_another_network_s_weights_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = unfolded.run_of("tuned", unfolded.made_up("compact"), tmp_path / "mixed")
    assert unfold.main([str(folder), "--out", str(tmp_path / "out.xlsx")]) == 1
    assert "does not fit the network tuned" in capsys.readouterr().err
    assert not (tmp_path / "out.xlsx").exists()


def test_a_run_that_is_not_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert unfold.main([str(tmp_path / "none")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_file_that_is_there_stays_and_the_new_one_gets_a_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.xlsx"
    mine.write_text("the user's own")
    mine.chmod(0o444)
    assert unfold.main([str(unfolded.run("tiny")), "--out", str(mine)]) == 0
    assert mine.read_text() == "the user's own"
    assert "mine 2.xlsx (there was a mine.xlsx already, which stays as it is)" in capsys.readouterr().out
    assert engines.opened(tmp_path / "mine 2.xlsx").sheetnames[0] == "Draw"


def said(run: Path, capsys: pytest.CaptureFixture[str], *options: str, code: int = 1) -> str:
    """The one line with which a run is refused, and the exit code."""
    assert unfold.main([str(run), *options]) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert "--resume" not in line
    assert "--dataset" not in line
    return line


@pytest.mark.parametrize(("name", "words"), [("a.ods", ".xlsx or"), ("a", ".xlsx or"), (".", "is a folder: name a")])
def test_a_name_that_is_no_workbook_s_is_refused(
    name: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = said(unfolded.run("tiny"), capsys, "--out", str(tmp_path / name), code=2)
    assert words.lower() in line.replace(". Name", ": name").lower()
    assert list(tmp_path.iterdir()) == []


def test_a_run_s_name_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKPROP_HOME", str(tmp_path))
    unfolded.run_of("tiny", unfolded.made_up("tiny"), tmp_path / "runs/mine")
    assert unfold.main(["mine"]) == 0
    assert (tmp_path / "runs/mine/network.xlsx").is_file()


def test_what_is_wrong_with_a_run_is_said_with_advice_that_fits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = unfolded.made_up("tiny")
    with torch.no_grad():
        next(network.parameters()).view(-1)[0] = torch.nan
    folder = unfolded.run_of("tiny", network, tmp_path / "run")
    assert "NaN" in said(folder, capsys)
    config = folder / "config.json"
    assert "There is no run" in said(config, capsys, code=2)
    settings = json.loads(config.read_bytes())
    config.write_text(json.dumps({**settings, "model": "unheard-of"}))
    assert "unheard-of" in said(folder, capsys, code=2)
    config.write_text("{")
    assert "damaged" in said(folder, capsys, code=2)
    folder = unfolded.run_of("tiny", unfolded.made_up("tiny"), tmp_path / "other")
    (folder / "config.json").write_text(json.dumps({**settings, "dataset": "mnist"}))
    assert "--data-dir" in said(folder, capsys, "--data-dir", str(tmp_path))
    (tmp_path / "series.json").write_text(json.dumps({"runs": {"other": {}}}))
    assert said(tmp_path, capsys, code=2).endswith(f"is a series of runs. Name one of them: {folder}.")


@pytest.mark.parametrize(
    ("layer", "named"),
    [
        (nn.AvgPool2d(2), "AvgPool2d"),
        (nn.Conv2d(1, 2, 3, dilation=2), "dilation"),
        (nn.Conv2d(2, 4, 3, groups=2), "groups"),
        (nn.MaxPool2d(3), "kernel_size"),
        (nn.BatchNorm2d(1, affine=False), "affine"),
    ],
)
def test_a_layer_without_formulas_is_named_and_nothing_is_written(layer: nn.Module, named: str, tmp_path: Path) -> None:
    known = unfolded.trained("tiny")
    strange = Layer.read(plain.plain(layer))
    path = tmp_path / "strange.xlsx"
    with pytest.raises(UnknownLayer, match=named):
        workbook.write(known.__class__(**{**vars(known), "layers": (strange, *known.layers)}), path)
    assert not path.exists()


def test_the_images_are_ten_of_each_class_the_wrong_ones_last() -> None:
    labels = torch.arange(10).repeat(30)
    predicted = labels.clone()
    predicted[[0, 10, 20]] = 5
    chosen = plain.choose(predicted, labels).tolist()
    assert len(chosen) == len(set(chosen)) == 100
    assert [labels[at] for at in chosen] == sorted(labels[at] for at in chosen)
    assert chosen[:10] == [30, 40, 50, 60, 70, 80, 90, 0, 10, 20]


def test_no_cell_for_a_number_takes_over_how_a_percentage_was_typed() -> None:
    """After 5 % in a cell of the format General, 3 would be 3 %."""
    book, found = openpyxl.load_workbook(unfolded.written("tiny")), set()
    for sheet in book:
        for rule in sheet.data_validations.dataValidation:
            if rule.type != "list":
                found |= {sheet[area.coord.split(":")[0]].number_format for area in rule.sqref.ranges}
    assert found
    assert "General" not in found


@pytest.mark.parametrize("model", MODELS)
def test_all_maps_of_a_layer_are_on_a_screen_of_768_pixels(model: str) -> None:
    """Calc leaves 583 of them for rows, and cuts a row's height to whole pixels."""
    book, known = openpyxl.load_workbook(unfolded.written(model)), unfolded.trained(model)
    steps = fold(known.layers)
    maps, _ = workbook.lay_out(steps, forward(steps, known.normal(known.images[0])))
    for target in maps[1:]:
        sheet = book[target.sheet]
        zoom, usual = (sheet.sheet_view.zoomScale or 100) / 100, sheet.sheet_format.defaultRowHeight
        heights = [sheet.row_dimensions[row].height or usual for row in range(1, target.bottom + 2)]
        assert sum(int(height / 0.75 * zoom) for height in heights) <= 583, target.sheet
