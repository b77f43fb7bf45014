"""The sources are as pyproject.toml wants them: ruff's rules, mypy's types, the floors and no circles."""

import graphlib
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

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
