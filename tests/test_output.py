"""Where the commands write what they are asked for: into a folder that is made, whole, and over no file of a user."""

import importlib
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="python start.py setup without --no-torch")

from PIL import Image

from cnn import runs
from tests import unfolded
from xlsx.build import build

WRITE = {  # a command's module, its words before the file, and how the file is called
    "results": ("xlsx.results", ["{run}", "--out"], "out.xlsx"),
    "classify": ("cnn.classify", ["{run}", "{picture}", "--out"], "out.csv"),
    "export": ("cnn.export", ["{run}"], "out.pt2"),
    "unfold": ("addin.unfold", ["{run}", "--out"], "out.xlsx"),
    "check": ("xlsx.check.__main__", ["{workbook}", "--annotate"], "out.xlsx"),
    "extension": ("addin.calc.extension", [], "out.oxt"),
}


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the commands read."""
    folder = tmp_path_factory.mktemp("given")
    run = unfolded.run_of("tiny", unfolded.made_up("tiny"), folder / "run")
    runs.Log(run).write("started", dataset="digits", epochs=1, batches=9)
    Image.new("L", (28, 28), 255).save(folder / "white.png")
    workbook = build(folder / "exercise.xlsx", "2-2-2", epochs=10)
    return {"run": str(run), "picture": str(folder / "white.png"), "workbook": str(workbook)}


def call(name: str, given: dict[str, str], out: Path) -> int:
    module, words, _ = WRITE[name]
    return importlib.import_module(module).main([*(word.format(**given) for word in words), str(out)])


@pytest.mark.parametrize("name", WRITE)
def test_a_folder_that_is_not_there_is_made(name: str, given: dict[str, str], tmp_path: Path) -> None:
    out = tmp_path / "new" / "one more" / WRITE[name][2]
    call(name, given, out)
    assert out.is_file()
    assert [path.name for path in out.parent.iterdir()] == [out.name]


@pytest.mark.parametrize("name", WRITE)
def test_a_file_in_the_place_of_the_folder_is_said_in_a_line(
    name: str, given: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "file").write_text("mine")
    assert call(name, given, tmp_path / "file" / WRITE[name][2]) in (1, 2)
    assert str(tmp_path / "file") in capsys.readouterr().err.splitlines()[-1]
    assert (tmp_path / "file").read_text() == "mine"
