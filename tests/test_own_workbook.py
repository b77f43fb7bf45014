"""The user's own workbook: left as it is, told of a newer layout, and today's written beside it on request."""

import shutil
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest

from addin import main_job, workbook
from addin.setup.office import environment
from xlsx import build, contract

ROOT = Path(__file__).resolve().parents[1]
FIRST = ROOT / "tests/fixtures/first"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder that holds a workbook of the first version."""
    folder = tmp_path / "José & Co's place"
    folder.mkdir()
    monkeypatch.setenv("BACKPROP_HOME", str(folder))
    shutil.copy(FIRST / build.FILE_NAME, folder)
    return folder


def test_nothing_is_said_of_a_workbook_of_todays_layout(home: Path) -> None:
    assert workbook.newer_layout(workbook.write(home / "today.xlsx")) == ""


def test_an_older_layout_is_told_and_todays_is_written_beside_it_on_request(home: Path, capsys) -> None:
    own = workbook.own()
    said = workbook.newer_layout(own)
    assert str(own) in said
    assert "python start.py new" in said
    assert workbook.main(["new"]) == 0
    beside = home / "backprop 2.xlsx"
    assert capsys.readouterr().out == f"{beside}\n"
    assert own.read_bytes() == (FIRST / build.FILE_NAME).read_bytes()
    assert (workbook.layout(own), workbook.layout(beside)) == (1, contract.LAYOUT)
    assert str(beside) in workbook.newer_layout(own)
    assert workbook.newer_layout(beside) == ""


def test_the_main_job_tells_it_and_opens_the_users_own_all_the_same(home: Path, capsys) -> None:
    assert main_job.user_workbook() == home / build.FILE_NAME
    assert "python start.py new" in capsys.readouterr().out


def test_the_mark_outlives_libreoffice_and_openpyxl(home: Path, tmp_path: Path, soffice: str) -> None:
    marked = build.build(tmp_path / "marked.xlsx", "2-1", epochs=10)
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = [soffice, profile, "--headless", "--convert-to", "xlsx", "--outdir", str(tmp_path / "saved"), str(marked)]
    subprocess.run(command, check=True, env=environment(), capture_output=True, timeout=120)
    openpyxl.load_workbook(marked).save(tmp_path / "again.xlsx")
    saved = [tmp_path / "saved/marked.xlsx", tmp_path / "again.xlsx"]
    assert [workbook.layout(path) for path in (marked, *saved)] == [2, 2, 2]


def test_new_writes_each_kind_that_is_there_and_never_over_another(home: Path, capsys) -> None:
    shutil.copy(FIRST / "backprop.xlsm", home)
    (home / "backprop 2.xlsx").write_bytes(b"mine")
    assert workbook.main(["new"]) == 0
    assert capsys.readouterr().out.splitlines() == [str(home / "backprop 3.xlsx"), str(home / "backprop 2.xlsm")]
    assert (home / "backprop 2.xlsx").read_bytes() == b"mine"
    assert (home / "backprop.xlsm").read_bytes() == (FIRST / "backprop.xlsm").read_bytes()


@pytest.mark.parametrize("content", [b"", b"no workbook"])
def test_a_file_that_is_no_workbook_is_of_the_first_layout(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "odd.xlsx").write_bytes(content)
    assert workbook.layout(tmp_path / "odd.xlsx") == 1


def test_build_writes_both_kinds_and_neither_over_another(tmp_path: Path) -> None:
    line = [
        sys.executable,
        "-m",
        "addin.workbook",
        "build",
        "--network",
        "2-1",
        "--epochs",
        "10",
        "--out",
        str(tmp_path),
    ]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.split() == [str(tmp_path / name) for name in ("backprop.xlsx", "backprop.xlsm")], done.stderr
    (tmp_path / "backprop.xlsx").unlink()
    refused = subprocess.run(line, cwd=ROOT, capture_output=True, text=True)
    assert refused.returncode == 2
    assert "backprop.xlsm may hold your edits" in refused.stderr
    assert not (tmp_path / "backprop.xlsx").exists()
