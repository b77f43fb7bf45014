"""LibreOffice on this machine: where it is, whether it will do, the extension in it, a workbook opened with it.

Standard library only. What speaks against an office is a text for a person: what is wrong and what to do next.
"""

import glob
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from addin import FOREIGN, IDENTIFIER

OLDEST = (25, 2)
GET_IT = "LibreOffice 25.2 or newer is on https://www.libreoffice.org/download/"
FLATPAK, SNAP = "org.libreoffice.LibreOffice", "/snap/"
PLACES = {  # where installers put it, newest name first; Flatpak and Snap last
    "linux": (
        "/usr/lib/libreoffice/program/soffice",
        "/usr/lib64/libreoffice/program/soffice",
        "/opt/libreoffice*/program/soffice",
        "/usr/local/lib/libreoffice/program/soffice",
        "/snap/bin/libreoffice",
        f"/var/lib/flatpak/exports/bin/{FLATPAK}",
        f"~/.local/share/flatpak/exports/bin/{FLATPAK}",
    ),
    "darwin": (
        "/Applications/LibreOffice*.app/Contents/MacOS/soffice",
        "~/Applications/LibreOffice*.app/Contents/MacOS/soffice",
    ),
    "win32": (
        r"%ProgramFiles%\LibreOffice*\program\soffice.exe",
        r"%ProgramW6432%\LibreOffice*\program\soffice.exe",
        r"%ProgramFiles(x86)%\LibreOffice*\program\soffice.exe",
        r"%LocalAppData%\Programs\LibreOffice*\program\soffice.exe",
    ),
}
PROFILES = {
    "linux": "~/.config/libreoffice/4",
    "darwin": "~/Library/Application Support/LibreOffice/4",
    "win32": r"%APPDATA%\LibreOffice\4",
}
UNOPKG_SAYS = {  # what unopkg prints: what to do
    r"as root": "LibreOffice does not install extensions for root by itself: choose Tools > Extensions > Add in its "
    "window and take backprop.oxt, beside the workbook, or run python start.py as the user who works with it.",
    r"already running|office is running|lock": "LibreOffice is open: close all its windows and start this again.",
    r"ependenc": f"This LibreOffice is too old for the extension. {GET_IT}",
}


class OfficeError(Exception):
    """LibreOffice would not do it; the message says what to do next."""


@dataclass(frozen=True)
class Office:
    """One installed LibreOffice: version is (25, 2), or () where nothing tells it; problem is empty when it will do."""

    soffice: Path
    version: tuple[int, ...]
    problem: str


def find() -> Office | None:
    """The first LibreOffice that will do, else the first there is, else None."""
    offices = [Office(path, version(path), problem(path)) for path in candidates()]
    return next((office for office in offices if not office.problem), offices[0] if offices else None)


def candidates() -> Iterator[Path]:
    """Every soffice on the PATH and in the usual places, each once."""
    on_path = [found for name in ("soffice", "libreoffice") if (found := shutil.which(name))]
    patterns = [os.path.expanduser(os.path.expandvars(place)) for place in PLACES.get(sys.platform, PLACES["linux"])]
    placed = [path for pattern in patterns for path in sorted(glob.glob(pattern), reverse=True)]
    yield from dict.fromkeys(
        Path(path) if is_sandboxed(Path(path)) else Path(path).resolve() for path in on_path + placed
    )


def version(soffice: Path) -> tuple[int, ...]:
    """(25, 2) from the file beside the program that says so, else from `soffice --version`; () where neither tells."""
    for name in ("bootstraprc", "bootstrap.ini", "../Resources/bootstraprc"):
        if (soffice.parent / name).is_file():
            return _numbers((soffice.parent / name).read_text("utf-8", "replace"), r"ProductKey=\D*(\d+)\.(\d+)")
    if is_sandboxed(soffice) or sys.platform == "win32":  # there --version opens a window
        return ()
    try:
        said = subprocess.run([soffice, "--version"], capture_output=True, text=True, errors="replace", timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return _numbers(said.stdout, r"LibreOffice\D*(\d+)\.(\d+)")


def _numbers(text: str, pattern: str) -> tuple[int, ...]:
    match = re.search(pattern, text)
    return tuple(map(int, match.groups())) if match else ()


def is_sandboxed(soffice: Path) -> bool:
    """Whether this is a Flatpak's or a Snap's starter."""
    return FLATPAK in soffice.name or SNAP in f"{soffice}" or SNAP in f"{soffice.resolve()}"


def problem(soffice: Path) -> str:
    """Why this LibreOffice will not do, and what to do; empty when it will."""
    if is_sandboxed(soffice):
        kind = "Flatpak" if FLATPAK in soffice.name else "Snap"
        return (
            f"This LibreOffice is a {kind} ({soffice}), whose sandbox does not let it start Python. "
            f"Install it another way: {GET_IT}, or from your system's packages."
        )
    if version(soffice) < OLDEST:
        found = ".".join(map(str, version(soffice))) or "of an unknown version"
        return f"LibreOffice {found} ({soffice}) is too old for functions in an .xlsx file. {GET_IT}"
    if sys.platform == "linux" and not (soffice.parent / "pythonloader.py").exists():
        return f"LibreOffice ({soffice}) has no Python. On Debian or Ubuntu: sudo apt install python3-uno"
    return ""


def profile() -> Path:
    """The folder of LibreOffice's settings and extensions; it too passes over an XDG_CONFIG_HOME that is not there."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    if sys.platform == "linux" and os.path.isdir(base):
        return Path(base, "libreoffice", "4")
    return Path(os.path.expanduser(os.path.expandvars(PROFILES.get(sys.platform, PROFILES["linux"]))))


def has_display() -> bool:
    """Whether a window can be shown: a session on Windows and macOS that is no remote shell, a display elsewhere."""
    if sys.platform in ("win32", "darwin"):
        return "SSH_CONNECTION" not in os.environ
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def is_running() -> bool:
    """Whether the user's LibreOffice is open: its profile is locked (a crash leaves that) and there is a process."""
    return (profile() / ".lock").exists() and _has_process()


def _has_process() -> bool:
    if sys.platform == "win32":
        command = ["tasklist", "/NH", "/FI", "IMAGENAME eq soffice.bin"]
        return b"soffice.bin" in subprocess.run(command, capture_output=True).stdout
    said = subprocess.run(["ps", "-A", "-o", "comm="], capture_output=True, text=True, errors="replace").stdout
    return any(Path(line.strip()).name in ("soffice.bin", "soffice") for line in said.splitlines())


def is_installed(extension: Path, record: Path) -> bool:
    """Whether the profile holds this very extension: its name is registered there, and the record has its hash."""
    return has_extension() and record.is_file() and record.read_text("utf-8") == _hash(extension)


def has_extension() -> bool:
    """Whether any version of the extension is registered in the user's profile."""
    registered = profile() / "user/uno_packages/cache/uno_packages.pmap"
    return registered.is_file() and IDENTIFIER.encode() in registered.read_bytes()


def install(office: Office, extension: Path, record: Path) -> bool:
    """Put the extension into the user's profile; False where it was there. Raises OfficeError."""
    if is_installed(extension, record):
        return False
    if is_running():
        raise OfficeError(UNOPKG_SAYS["already running|office is running|lock"])
    code, said = _run_unopkg(office, "add", "--force", "--suppress-license", str(extension))
    if code or not has_extension():
        raise OfficeError(f"The extension could not be installed. {refusal(said)}")
    record.write_text(_hash(extension), "utf-8")
    return True


def remove(office: Office) -> bool:
    """Take the extension out of the user's profile; False where there was none. Raises OfficeError."""
    if not has_extension():
        return False
    if is_running():
        raise OfficeError(UNOPKG_SAYS["already running|office is running|lock"])
    code, said = _run_unopkg(office, "remove", IDENTIFIER)
    if code or has_extension():
        raise OfficeError(f"The extension could not be removed. {refusal(said)}")
    return True


def _run_unopkg(office: Office, *words: str) -> tuple[int, str]:
    """unopkg's exit code and all that it printed."""
    done = subprocess.run(
        [unopkg(office), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment(),
    )
    return done.returncode, done.stdout.decode(errors="replace").strip()


def refusal(said: str) -> str:
    """What an unopkg that failed means, from all that it printed."""
    advice = next((text for pattern, text in UNOPKG_SAYS.items() if re.search(pattern, said)), "Start this again.")
    lines = [line for line in said.splitlines() if line.startswith("ERROR")] or said.splitlines()[-1:] or ["nothing"]
    return f"{advice} unopkg said: {lines[0]}"


def unopkg(office: Office) -> str:
    """The program that installs extensions. Raises OfficeError where it is missing."""
    for name in ("unopkg.com", "unopkg.exe", "unopkg"):  # the .com writes to the console
        if (office.soffice.parent / name).is_file():
            return str(office.soffice.parent / name)
    if found := shutil.which("unopkg"):
        return found
    raise OfficeError(f"{office.soffice.parent} has no unopkg, which installs extensions: reinstall LibreOffice.")


def environment() -> dict[str, str]:
    """The environment for LibreOffice, whose own Python must not take another's modules for its own.

    A Linux system's LibreOffice looks for them beside the first python3 on the PATH: let that be the system's.
    """
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    if sys.platform == "linux":
        kept["PATH"] = os.pathsep.join(["/usr/bin", kept.get("PATH", "")])
    return kept


def open_workbook(office: Office, workbook: Path) -> None:
    """Open a workbook in a window that outlives this process. Raises OfficeError where it ends at once."""
    flags = getattr(subprocess, "DETACHED_PROCESS", 0)
    process = subprocess.Popen(
        [str(office.soffice), "--calc", str(workbook)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
        start_new_session=True,
        creationflags=flags,
    )
    try:
        code = process.wait(timeout=3)
    except subprocess.TimeoutExpired:
        return
    if code:
        raise OfficeError(f"LibreOffice closed at once (exit code {code}). Open it yourself: {workbook}")


def _hash(extension: Path) -> str:
    return hashlib.sha256(extension.read_bytes()).hexdigest()
