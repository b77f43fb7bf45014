"""Builds a Windows Python for Wine from packages of Debian and PyPI alone, and keeps it between runs.

What Wine or the wheels lack is in shims/, each with its reason.
"""

import os
import re
import shutil
import sys
import sysconfig
import zipfile
from pathlib import Path

from tests import downloads
from tests.downloads import done

HERE = Path(__file__).parent
SHIMS = HERE / "shims"
GCC, DUMP = "x86_64-w64-mingw32-gcc", "x86_64-w64-mingw32-objdump"
PACKAGES = {  # what is needed, and Debian's package that has it
    "wine": "wine",
    "wineserver": "wine64",
    GCC: "gcc-mingw-w64-x86-64",
}
LIBRARY = (3, 11)  # of the DLL, and so of the standard library that goes with it
FOR_WINDOWS = ("--platform=win_amd64", "--python-version=311", "--only-binary=:all:")
NOT_ON_WINDOWS = ("site-packages", "dist-packages", "lib-dynload", "test", "config-*", "__pycache__")
OFF = "winedbg.exe,mscoree,mshtml=d"  # without winedbg a program that crashes ends; with it, it hangs for minutes
BUILTIN = b"Wine builtin DLL"  # by this mark Wine knows its own


def lack() -> str:
    """What this machine lacks for a Windows Python, in words; '' for nothing."""
    lacking = sorted({package for program, package in PACKAGES.items() if not shutil.which(program)})
    if lacking:
        return f"Windows programs need Wine; on Debian 12: apt-get install {' '.join(lacking)}"
    if sys.version_info[:2] != LIBRARY:
        return "the Windows Python takes its standard library from a Python 3.11, and this is another"
    return ""


def folder() -> Path:
    """Where this recipe's Python is."""
    return downloads.cache("windows", [Path(__file__), *sorted(SHIMS.iterdir()), *sorted(HERE.glob("*.txt"))])


def environment(folder: Path) -> dict[str, str]:
    """What Wine must be told."""
    return {
        "LC_ALL": "C.UTF-8",  # or a file's name is ASCII alone
        "WINEPREFIX": str(folder / "prefix"),
        "WINEDEBUG": "-all",
        "WINEDLLOVERRIDES": f"{OFF};ucrtbase=n",
    }


def build(folder: Path) -> None:
    """Make a prefix with a Python and its packages, whatever an interrupted build has left."""
    for name in ("prefix", "wheels", "made"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir()
    wines_own = {**os.environ, **environment(folder), "WINEDLLOVERRIDES": OFF}
    done(["wine", "wineboot", "--init"], env=wines_own)
    python = folder / "prefix/drive_c/Python311"
    official_python(download("python.txt", folder), python)
    standard_library(python)
    packages(download("requirements.txt", folder), python)
    shims(folder / "made", python, folder / "prefix/drive_c/windows/system32")


def official_python(wheels: list[Path], python: Path) -> None:
    """Python's own DLL and extension modules, as its makers compiled them; panda3d's wheel carries them."""
    (python / "DLLs").mkdir(parents=True)
    with zipfile.ZipFile(wheels[0]) as archive:
        for name in archive.namelist():
            folder, _, file = name.rpartition("/")
            if folder == "deploy_libs" and not file.startswith("api-ms-"):
                beside = file.lower().startswith(("python", "vcruntime"))
                (python / ("" if beside else "DLLs") / file).write_bytes(archive.read(name))


def standard_library(python: Path) -> None:
    """The running Python's: but for what is compiled it is the same on every system."""
    base = {"installed_base": sys.base_prefix, "base": sys.base_prefix}
    library = sysconfig.get_path("stdlib", vars=base)
    shutil.copytree(library, python / "Lib", ignore=shutil.ignore_patterns(*NOT_ON_WINDOWS))


def packages(wheels: list[Path], python: Path) -> None:
    """The packages that the tests need, put where pip puts them on Windows."""
    site = python / "Lib/site-packages"
    options = ("--no-compile", "--no-index", "--root-user-action=ignore", f"--target={site}", *FOR_WINDOWS)
    done([*downloads.pip("install"), "--no-deps", *options, *wheels])
    for dll in site.glob("xlwings*.dll"):  # pip knows no other place for them here; on Windows, beside python.exe
        dll.rename(python / dll.name)


def download(requirements: str, folder: Path) -> list[Path]:
    return downloads.wheels(HERE / requirements, folder / "wheels" / requirements, *FOR_WINDOWS)


def shims(made: Path, python: Path, system: Path) -> None:
    """Put in what Wine or the wheels lack."""
    launchers = python / "Lib/venv/scripts/nt"
    launchers.mkdir(exist_ok=True)
    compile_c("python.c", python / "python.exe", "-municode")
    for name in ("python.exe", "pythonw.exe"):
        compile_c("venvlauncher.c", launchers / name, "-municode")
    compile_c("bcryptprimitives.c", system / "bcryptprimitives.dll", "-shared")
    runtime(made, system)
    passed_on = definitions(made / "python3.def", "python3.dll", "python311", exports(python / "python311.dll"))
    compile_c("python3.c", python / "python3.dll", "-shared", passed_on)


def runtime(made: Path, system: Path) -> None:
    """The C runtime with what Wine's own lacks, before that one under another name, without the mark of a builtin."""
    wines = system / "ucrtwine.dll"
    wines.write_bytes((system / "ucrtbase.dll").read_bytes().replace(BUILTIN, bytes(len(BUILTIN))))
    compile_c("ucrtbase.c", made / "ours.dll", "-shared")
    passed_on = definitions(
        made / "ucrtbase.def", "ucrtbase.dll", wines.stem, exports(wines) - exports(made / "ours.dll")
    )
    compile_c("ucrtbase.c", system / "ucrtbase.dll", "-shared", passed_on)


def compile_c(source: str, target: Path, *options: object) -> None:
    done([GCC, "-O1", "-Wall", "-s", "-static-libgcc", "-o", target, SHIMS / source, *options])


def exports(dll: Path) -> set[str]:
    """The names that a DLL offers."""
    table = done([DUMP, "-p", dll]).partition("[Ordinal/Name Pointer] Table")[2]
    return set(re.findall(r"^\s*\[\s*\d+\] (\w+)$", table, re.MULTILINE))


def definitions(path: Path, library: str, target: str, names: set[str]) -> Path:
    """A linker's file by which a library passes these names on to another."""
    lines = [f' "{name}" = "{target}.{name}"' for name in sorted(names)]
    path.write_text("\n".join([f'LIBRARY "{library}"', "EXPORTS", *lines, ""]))
    return path
