"""LibreOffice as it is found, judged, given the extension and told to open a workbook."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from addin import launch
from addin.calc import extension
from addin.setup import office, remove
from addin.setup.office import Office, OfficeError

linux = pytest.mark.skipif(sys.platform != "linux", reason="drives LibreOffice with Linux means")
NOBODY = "setpriv --reuid=65534 --regid=65534 --clear-groups" if sys.platform == "linux" and os.geteuid() == 0 else ""


def program(folder: Path, version: str, *names: str, settings: str = "bootstraprc") -> Path:
    """A folder that looks like a LibreOffice of this version."""
    folder.mkdir(parents=True)
    for name in ("soffice", *names):
        (folder / name).touch(0o755)
    (folder / settings).parent.mkdir(exist_ok=True)
    (folder / settings).write_text(f"[Bootstrap]\nProductKey=LibreOffice {version}\n")
    return folder / "soffice"


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch, soffice: str) -> Iterator[Path]:
    """A folder for a fresh profile; LibreOffice runs there as a user who is not root, as unopkg wants it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        monkeypatch.setenv("HOME", f"{name}/config")
        monkeypatch.setenv("XDG_CONFIG_HOME", f"{name}/config")
        for part in ("config", "program"):
            (folder / part).mkdir()
        folder.chmod(0o755)
        (folder / "config").chmod(0o777)
        for tool in ("soffice", "unopkg"):
            real = Path(soffice).resolve().with_name(tool)
            script = f'#!/bin/sh\necho "$@" >>"{name}/config/{tool}.said"\nexec {NOBODY} "{real}" "$@"\n'
            (folder / "program" / tool).write_text(script)
            (folder / "program" / tool).chmod(0o755)
        yield folder


@pytest.fixture
def its_office(own: Path) -> Office:
    return Office(own / "program/soffice", (25, 2), "")


@pytest.fixture
def package(own: Path) -> Path:
    path = extension.package(own / "backprop.oxt")
    path.chmod(0o644)
    return path


def test_this_machines_libreoffice_is_found_and_will_do(soffice: str):
    found = office.find()
    assert found.soffice == Path(soffice).resolve()
    assert found.version >= (25, 2)
    assert found.problem == ""


def test_the_version_in_its_file_is_the_one_that_it_says(soffice: str):
    said = subprocess.run([soffice, "--version"], capture_output=True, text=True).stdout
    assert said.startswith("LibreOffice {}.{}".format(*office.version(Path(soffice).resolve())))


@pytest.mark.parametrize("settings", ["bootstraprc", "bootstrap.ini", "../Resources/bootstraprc"])
def test_the_version_is_read_on_every_system(tmp_path: Path, settings: str):
    assert office.version(program(tmp_path / "MacOS", "26.8", settings=settings)) == (26, 8)


def test_an_old_libreoffice_is_refused_by_its_version(tmp_path: Path):
    assert "LibreOffice 7.4" in office.problem(program(tmp_path / "program", "7.4", "pythonloader.py"))
    assert office.problem(program(tmp_path / "next", "25.2", "pythonloader.py")) == ""


@linux
def test_a_missing_python_names_its_package(tmp_path: Path):
    assert "apt install python3-uno" in office.problem(program(tmp_path / "program", "25.2"))


@linux
@pytest.mark.parametrize(
    ("path", "kind"),
    [("/var/lib/flatpak/exports/bin/org.libreoffice.LibreOffice", "Flatpak"), ("/snap/bin/libreoffice", "Snap")],
)
def test_a_sandboxed_libreoffice_is_refused_with_its_kind(path: str, kind: str):
    assert f"is a {kind}" in office.problem(Path(path))


@linux
def test_one_that_will_do_is_taken_before_one_that_will_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    old = program(tmp_path / "old", "7.4", "pythonloader.py")
    new = program(tmp_path / "opt/libreoffice25.8/program", "25.8", "pythonloader.py")
    monkeypatch.setenv("PATH", str(old.parent))
    monkeypatch.setattr(office, "PLACES", {"linux": (f"{tmp_path}/opt/libreoffice*/program/soffice",)})
    assert office.find().soffice == new
    shutil.rmtree(new.parent)
    assert "7.4" in office.find().problem
    shutil.rmtree(old.parent)
    assert office.find() is None


@linux
def test_the_extension_is_installed_once_and_again_when_it_has_changed(its_office: Office, package: Path, own: Path):
    record, said = own / "record", own / "config/unopkg.said"
    assert office.install(its_office, package, record) is True
    assert office.has_extension()
    assert office.install(its_office, package, record) is False
    assert len(said.read_text().splitlines()) == 1
    record.write_text("the hash of an older one")
    assert office.install(its_office, package, record) is True
    assert len(said.read_text().splitlines()) == 2


@linux
def test_an_extension_that_the_user_removed_is_installed_again(its_office: Office, package: Path, own: Path):
    office.install(its_office, package, own / "record")
    subprocess.run([own / "program/unopkg", "remove", office.IDENTIFIER], check=True)
    assert not office.has_extension()
    assert office.install(its_office, package, own / "record") is True


@linux
def test_remove_takes_extension_and_settings_away_and_leaves_the_rest(
    its_office: Office, package: Path, own: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    home = own / "home"
    monkeypatch.setenv("BACKPROP_HOME", str(home))
    monkeypatch.setattr(office, "find", lambda: its_office)
    launch.write_environment("python", "project")
    kept = [home / name for name in ("backprop.xlsx", "runs/first/log.jsonl", "my.oxt")]
    for path in kept:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    office.install(its_office, package, home / "extension.sha256")
    assert remove.main() == 0
    assert not office.has_extension()
    assert sorted(path for path in home.rglob("*") if path.is_file()) == sorted(kept)
    assert f"your folder {home}" in capsys.readouterr().out
    assert remove.main() == 0
    assert "has no extension of ours" in capsys.readouterr().out


@linux
def test_an_open_libreoffice_is_to_be_closed_first(its_office: Office, package: Path, own: Path, monkeypatch):
    command = [its_office.soffice, "--headless", "--norestore", "--nologo"]
    subprocess.run([*command, "--terminate_after_init"], check=True, timeout=60)  # a fresh profile starts it twice
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while not office.is_running() and time.monotonic() < deadline:
            time.sleep(0.1)
        with pytest.raises(OfficeError, match="close all its windows"):
            office.install(its_office, package, own / "record")
        monkeypatch.setattr(office, "has_extension", lambda: True)
        with pytest.raises(OfficeError, match="close all its windows"):
            office.remove(its_office)
    finally:
        process.terminate()
        process.wait(20)
    assert not (own / "record").exists()


@linux
@pytest.mark.skipif(not NOBODY, reason="needs root, whom unopkg refuses")
def test_root_is_told_to_install_as_the_user(soffice: str, package: Path, own: Path):
    with pytest.raises(OfficeError, match="does not install extensions for root"):
        office.install(Office(Path(soffice).resolve(), (25, 2), ""), package, own / "record")


@linux
def test_what_unopkg_says_is_passed_on(its_office: Office, own: Path):
    (own / "broken.oxt").write_bytes(b"no archive")
    with pytest.raises(OfficeError, match=r"unopkg said: ."):
        office.install(its_office, own / "broken.oxt", own / "record")
    assert not (own / "record").exists()


@linux
def test_a_workbook_is_opened_without_this_environments_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    program(tmp_path / "bin", "", "python3")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    said = tmp_path / "said"
    script = tmp_path / "soffice"
    script.write_text(f'#!/bin/sh\necho "$PYTHONPATH" "$@" "${{PATH%%:*}}" >"{said}"\n')
    script.chmod(0o755)
    office.open_workbook(Office(script, (25, 2), ""), Path("/a b/backprop.xlsx"))
    assert said.read_text() == " --calc /a b/backprop.xlsx /usr/bin\n"


@linux
def test_an_office_that_ends_at_once_is_reported(tmp_path: Path):
    script = tmp_path / "soffice"
    script.write_text("#!/bin/sh\nexit 77\n")
    script.chmod(0o755)
    with pytest.raises(OfficeError, match="exit code 77"):
        office.open_workbook(Office(script, (25, 2), ""), Path("backprop.xlsx"))


@linux
def test_the_profile_is_where_libreoffice_puts_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    assert office.profile() == tmp_path / ".config/libreoffice/4"
    (tmp_path / "settings").mkdir()
    assert office.profile() == tmp_path / "settings/libreoffice/4"


@linux
@pytest.mark.parametrize(("variable", "there"), [("DISPLAY", True), ("WAYLAND_DISPLAY", True), ("HOME", False)])
def test_a_display_is_told_by_the_environment(monkeypatch: pytest.MonkeyPatch, variable: str, there: bool):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv(variable, ":0")
    assert office.has_display() is there
