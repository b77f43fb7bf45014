"""Workbooks that only a spreadsheet program reads (.ods, .xls) as .xlsx, by the LibreOffice of this machine.

One process for all of them, with a profile of its own, in which nothing of a file runs and nothing out of it is
followed: no macro, no link, no DDE, no WEBSERVICE. It is ended with its children when it takes too long.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from addin.setup import office

SUFFIXES = {".ods", ".xls"}
SECONDS, SECONDS_EACH = 60, 5  # for the start, and for each file
FILTER = "xlsx:Calc MS Excel 2007 XML"
NOWHERE = {"Name": "127.0.0.1", "Port": "9"}  # the discard port
SETTINGS = {  # what a profile says, by its path
    "Office.Common/Security/Scripting": {
        "DisableMacrosExecution": "true",
        "MacroSecurityLevel": "3",
        "DisableActiveContent": "true",
        "BlockUntrustedRefererLinks": "true",
    },
    "Office.Calc/Content/Update": {"Link": "2"},  # never
    "Office.Calc/Formula/Load": {"ODFRecalcMode": "1", "OOXMLRecalcMode": "1"},  # never
    "Inet/Settings": {  # pictures are fetched whatever else is said: by way of a proxy that nobody is
        "ooInetProxyType": "2",  # manual
        "ooInetNoProxy": "",
        **{f"ooInet{kind}Proxy{what}": text for kind in ("HTTP", "HTTPS", "FTP") for what, text in NOWHERE.items()},
    },
}
PROFILE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">{items}</oor:items>
"""
ITEM = '<item oor:path="/org.openoffice.{path}"><prop oor:name="{name}"><value>{value}</value></prop></item>'


@contextmanager
def converted(paths: list[Path]) -> Iterator[dict[Path, Path]]:
    """Those files that there is an .xlsx of, for as long as this lasts; none where there is no LibreOffice to ask."""
    wanted = [path for path in paths if path.suffix.lower() in SUFFIXES and path.is_file()]
    found = office.find() if wanted else None
    if not found or office.is_sandboxed(found.soffice):  # which sees no temporary folder
        yield {}
        return
    with TemporaryDirectory() as folder:
        yield convert(found, wanted, Path(folder))


def convert(found: office.Office, paths: list[Path], folder: Path) -> dict[Path, Path]:
    """The .xlsx of each file that LibreOffice reads, in `folder`; the files themselves are not opened there."""
    write_profile(folder / "profile")
    copies = {path: f"{number}{path.suffix.lower()}" for number, path in enumerate(paths)}
    for path, name in copies.items():
        with suppress(OSError):
            shutil.copyfile(path, folder / name)
    run(found, [*copies.values()], folder)
    made = {path: folder / "made" / Path(name).with_suffix(".xlsx") for path, name in copies.items()}
    return {path: new for path, new in made.items() if new.exists()}


def write_profile(folder: Path) -> None:
    items = [
        ITEM.format(path=path, name=name, value=value)
        for path, values in SETTINGS.items()
        for name, value in values.items()
    ]
    (folder / "user").mkdir(parents=True)
    (folder / "user/registrymodifications.xcu").write_text(PROFILE.format(items="\n".join(items)), "utf-8")


def run(found: office.Office, names: list[str], folder: Path) -> None:
    """LibreOffice on these files of the folder, until it ends or its time is over."""
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    process = subprocess.Popen(
        [str(found.soffice), profile, "--headless", "--norestore", "--convert-to", FILTER, "--outdir", "made", *names],
        cwd=folder,
        env=office.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(SECONDS + SECONDS_EACH * len(names))
    except subprocess.TimeoutExpired:
        pass
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process with all that it started, if it is still there."""
    if os.name == "nt":
        subprocess.run(["taskkill", "/T", "/F", "/PID", str(process.pid)], capture_output=True)
    else:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
