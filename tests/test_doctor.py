"""`python start.py doctor`: what is there, what is missing, and what to do about each lack."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from addin.setup import doctor, office, packages, torch_pair

ROOT = Path(__file__).resolve().parents[1]
SUBJECTS = ("Python", "torch", "LibreOffice", "Excel", "Extension", "Data", "Disk")


@pytest.fixture
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh clone's environment, and an empty home."""
    monkeypatch.setattr(packages, "VENV", tmp_path / ".venv")
    monkeypatch.setenv("BACKPROP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("CNN_DATA_DIR", raising=False)
    return tmp_path


def test_it_lists_every_subject_on_this_machine_and_changes_nothing(tmp_path: Path):
    environment = {**os.environ, "BACKPROP_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, ROOT / "start.py", "doctor"], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
    assert all(f" {subject} " in done.stdout for subject in SUBJECTS)
    assert not list(tmp_path.iterdir())


def test_it_names_a_folder_for_which_the_output_lacks_letters(tmp_path: Path):
    """As Windows' code pages do, where the output goes into a file."""
    environment = {**os.environ, "BACKPROP_HOME": str(tmp_path / "Żółć"), "PYTHONIOENCODING": "cp1252"}
    words = [sys.executable, ROOT / "start.py", "doctor"]
    done = subprocess.run(words, env=environment, capture_output=True, encoding="cp1252")
    assert r"\u017b" in done.stdout, done.stderr
    assert done.returncode == 0


def test_a_module_of_the_users_is_not_taken_for_pythons(tmp_path: Path):
    (tmp_path / "random.py").write_text("raise SystemExit('mine')")
    environment = {**os.environ, "BACKPROP_HOME": str(tmp_path / "home"), "PYTHONPATH": str(tmp_path)}
    words = [sys.executable, ROOT / "start.py", "doctor"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_before_anything_is_installed_it_says_what_installs_it(nothing_installed: Path, capsys):
    assert doctor.main() == 0
    said = capsys.readouterr().out
    assert "python start.py installs them" in said
    assert "python start.py setup installs it" in said
    assert "the first training downloads it" in said
    assert "The main job can run" in said


@pytest.mark.parametrize("home", [f"{os.devnull}/home", "{}/a file/home"] if os.name != "nt" else ["{}/a file/home"])
def test_a_home_that_cannot_be_written_stops_the_main_job(nothing_installed: Path, monkeypatch, capsys, home: str):
    (nothing_installed / "a file").touch()
    monkeypatch.setenv("BACKPROP_HOME", home.format(nothing_installed))
    assert doctor.main() == 1
    assert "set BACKPROP_HOME to a folder of your own" in capsys.readouterr().out


def test_a_folder_in_which_no_environment_can_be_made_stops_the_main_job(nothing_installed: Path, monkeypatch, capsys):
    monkeypatch.setattr(packages, "VENV", nothing_installed / f"a{os.pathsep}b" / ".venv")
    assert doctor.main() == 1
    assert f"move the project to a folder without {os.pathsep}" in capsys.readouterr().out


def test_a_full_disk_stops_the_main_job_but_a_lack_for_torch_does_not(nothing_installed: Path, monkeypatch):
    monkeypatch.setattr(torch_pair, "gigabytes", lambda _: 8)
    for free, vital, advice in ((5e8, True, "1 GB"), (5e9, False, "8 GB"), (9e9, False, "")):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: shutil._ntuple_diskusage(0, 0, free))
        finding = doctor.check_disk()
        assert (finding.vital, finding.advice[:4]) == (vital, advice)


def test_without_libreoffice_it_names_the_download(nothing_installed: Path, monkeypatch):
    monkeypatch.setattr(office, "find", lambda: None)
    assert "libreoffice.org" in doctor.check_office().advice
    assert not doctor.check_office().vital


def test_a_libreoffice_that_will_not_do_says_why(nothing_installed: Path, monkeypatch):
    old = office.Office(Path("/opt/soffice"), (7, 4), "LibreOffice 7.4 is too old")
    monkeypatch.setattr(office, "find", lambda: old)
    assert doctor.check_office() == doctor.Finding(f"7.4 ({old.soffice})", "LibreOffice 7.4 is too old")


@pytest.mark.parametrize(("device", "advice"), [("cpu", "does not see it"), ("cuda", "")])
def test_a_torch_that_does_not_see_the_gpu_is_noticed(nothing_installed: Path, monkeypatch, device: str, advice: str):
    monkeypatch.setattr(packages, "is_installed", lambda stage: True)
    monkeypatch.setattr(torch_pair, "cuda_of_driver", lambda: 12.8)
    monkeypatch.setattr(doctor, "torch_device", lambda: device)
    assert advice in doctor.check_torch().advice
    assert bool(advice) == bool(doctor.check_torch().advice)


def test_the_device_is_what_torch_says_where_a_gpu_answers(monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr(torch_pair, "cuda_of_driver", lambda: 12.8)
    monkeypatch.setattr(packages, "python", lambda: sys.executable)
    assert doctor.torch_device() in ("cpu", "cuda", "mps")


def test_mnist_is_found_where_cnn_data_dir_says(nothing_installed: Path, monkeypatch):
    monkeypatch.setenv("CNN_DATA_DIR", str(nothing_installed))
    raw = nothing_installed / "MNIST/raw"
    raw.mkdir(parents=True)
    for name in doctor.MNIST:
        assert "no MNIST" in doctor.check_data().found
        (raw / f"{name}-idx-ubyte.gz").touch()
    assert doctor.check_data() == doctor.Finding(f"MNIST in {nothing_installed}")
