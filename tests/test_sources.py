"""The sources are as pyproject.toml wants them: ruff's rules, mypy's types, the floors and no circles."""

import graphlib
import importlib.util
import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from addin.calc.extension import IN_THE_OFFICE
from addin.setup import packages

ROOT = Path(__file__).resolve().parents[1]
CONSTRAINTS = (ROOT / "constraints.txt").read_text("utf-8")
CHECKS = {
    "style": ("ruff", ["-m", "ruff", "check", "."]),
    "format": ("ruff", ["-m", "ruff", "format", "--check", "."]),
    "types": ("mypy", ["-m", "mypy"]),
    "floors": ("importlinter", ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]),
}


@pytest.mark.parametrize("check", CHECKS)
def test_the_sources_are_as_pyproject_wants_them(check: str) -> None:
    package, words = CHECKS[check]
    if not importlib.util.find_spec(package):
        pytest.skip(f"{package} is not installed")
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_is_part_of_a_circle() -> None:
    """Also none through a package's own `__init__`, which the contract on circles does not look at."""
    grimp = pytest.importorskip("grimp", reason="grimp is not installed")
    graph = grimp.build_graph("pyfuncs", "cnn", "xlsx", "addin")
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    graphlib.TopologicalSorter(imports).prepare()  # raises CycleError, which names the circle


@pytest.mark.parametrize("stage", packages.LABELS)
def test_every_requirement_has_the_version_last_tested_and_allows_it(stage: str) -> None:
    tested = {name.lower(): version for name, version in re.findall(r"^([\w-]+)==(.+)$", CONSTRAINTS, re.MULTILINE)}
    for requirement in map(Requirement, packages.requirements(stage)):
        assert tested[requirement.name.lower()] in requirement.specifier, requirement


def test_ruff_holds_what_runs_in_the_office_to_the_offices_python() -> None:
    targets = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["ruff"]["per-file-target-version"]
    old = [pattern for pattern, version in targets.items() if version == "py39"]
    for path in (*IN_THE_OFFICE, "addin/calc/component.py"):
        assert any(fnmatch(path, one) for pattern in old for one in spelled_out(pattern)), path


def spelled_out(pattern: str) -> list[str]:
    """A pattern for each of the names in its braces."""
    before, *names, after = re.split(r"[{,}]", pattern) if "{" in pattern else (pattern, "", "")
    return [before + name + after for name in names]
