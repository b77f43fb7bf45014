"""How long workbooks take to open in Calc, beside an earlier state of the project: `python -m benchmarks.opening OLD`.

OLD is a folder with that state (git worktree add OLD COMMIT). Each opens its own workbooks with its own extension, in a
window, in turn: the ratio is of one machine in one run. Timed until the workbook says that it agrees with Python.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from addin.calc.extension import PROJECT
from benchmarks.record import record
from tests.calc.office import Office, virtual_screen, wait_for

NETWORKS, TIMES, BAR = ("2-2-2", "8-8-8-4"), 15, 1.1
PARTS = """
import json, sys
from pathlib import Path
from addin import __version__
from addin.calc.extension import package
from xlsx.build import build
folder = Path(sys.argv[1])
package(folder / "backprop.oxt")
for network in sys.argv[2:]:
    build(folder / f"{network}.xlsx", network)
print(__version__)
"""


class State:
    """A state of the project, its workbooks and an office with its extension."""

    def __init__(self, project: Path, folder: Path, display: str):
        folder.mkdir()
        made = [sys.executable, "-c", PARTS, str(folder), *NETWORKS]
        version = subprocess.run(made, cwd=project, check=True, capture_output=True, text=True).stdout.strip()
        environment = {"interpreter": sys.executable, "project": str(project), "version": version}
        (folder / "environment.json").write_text(json.dumps(environment))
        self.folder, self.office = folder, Office(folder, folder, display=display)
        self.office.install(str(folder / "backprop.oxt"))
        self.office.restart()

    def seconds_to_open(self, network: str) -> float:
        start = time.perf_counter()
        key = self.office.load(str(self.folder / f"{network}.xlsx"))
        wait_for(lambda: self.office.read(key, "workbook_agrees") == [["agrees"]])
        taken = time.perf_counter() - start
        self.office.close(key)
        return taken


def measured(states: list[State], network: str) -> list[list[float]]:
    """The seconds of each state, TIMES in turn after one that does not count."""
    rounds = [[state.seconds_to_open(network) for state in states] for _ in range(TIMES + 1)]
    return [list(each) for each in zip(*rounds[1:], strict=True)]


def row(network: str, old: list[float], new: list[float]) -> tuple[str, ...]:
    ratio = statistics.median(new) / statistics.median(old)
    times = (f"{statistics.median(each):.2f} s ({min(each):.2f} to {max(each):.2f})" for each in (old, new))
    return network, *times, f"{ratio:.2f}", f"{BAR:.1f}"


def commit_of(project: Path) -> str:
    command = ["git", "-C", str(project), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def main() -> None:
    """Measure, print, and write the section of RESULTS.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.opening", description=__doc__)
    parser.add_argument("old", type=Path, help="a folder with the earlier state")
    old = parser.parse_args().old
    with tempfile.TemporaryDirectory() as name, virtual_screen() as display:
        projects = {"old": old.resolve(), "new": PROJECT}
        states = [State(project, Path(name) / each, display) for each, project in projects.items()]
        try:
            rows = [row(network, *measured(states, network)) for network in NETWORKS]
        finally:
            for state in states:
                state.office.end()
    head = ("a workbook of", f"at {commit_of(old)}", f"at {commit_of(PROJECT)}", "ratio", "bar")
    print(record("Opening a workbook in Calc", "python -m benchmarks.opening OLD", [head, *rows]))


if __name__ == "__main__":
    main()
