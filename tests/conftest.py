"""Fixtures that several features share, and the order of the tests.

What needs neither an office, nor a Windows, nor a training, and is not long, comes first; `--quick` ends there. With
pytest-xdist the files run beside each other, and a folder whose tests share a program in one process: windows wait for
each other, and Wine has one registry.
"""

import os
import shutil
import signal
from pathlib import Path

import pytest
from hypothesis import settings

from addin.setup import office
from tests.needs import require

# PyTorch loads parts of itself in the middle of a test, so no example has a deadline. Where skips are failures the
# examples are the same every time: a landing depends on its code, not on luck.
settings.register_profile("ours", deadline=None, derandomize="BACKPROP_REQUIRE" in os.environ)
settings.load_profile("ours")

# A shell has what it starts with & ignore Ctrl-C, and nohup a closed terminal, and so what the tests start: trainers
# that must hear both.
for name, handler in {"SIGINT": signal.default_int_handler, "SIGHUP": signal.SIG_DFL}.items():
    if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) is signal.SIG_IGN:
        signal.signal(getattr(signal, name), handler)


PROGRAMS = {"soffice", "wine"}  # fixtures of the tests that need an office or a Windows
ALONE = ("tests/calc/", "tests/windows/")  # folders whose tests are for one process
LONG = {"test_check_random.py", "test_start.py"}  # a hundred workbooks; environments, which pip makes
TRAINING = {  # files whose tests train, or start or load what a training made
    "test_advice.py",
    "test_benchmarks.py",
    "test_checkpoint.py",
    "test_claim.py",
    "test_classify.py",
    "test_digits.py",
    "test_events.py",
    "test_excel_predict.py",
    "test_export.py",
    "test_go_on.py",
    "test_launch.py",
    "test_main_job.py",
    "test_old_runs.py",
    "test_outcome.py",
    "test_output.py",
    "test_ranks.py",
    "test_rate_finder.py",
    "test_recipe.py",
    "test_search.py",
    "test_series.py",
    "test_stop.py",
    "test_train.py",
    "test_trained.py",
    "test_training.py",
    "test_typed.py",
    "test_unfold.py",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--quick`."""
    parser.addoption("--quick", action="store_true", help="only what is quick: no office, Windows, training or pip")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the quick tests first, or leave the others out."""
    slow = [item for item in items if is_slow(item)]
    if config.option.quick:
        config.hook.pytest_deselected(items=slow)
    quick = [item for item in items if item not in slow]
    items[:] = quick if config.option.quick else [*quick, *slow]


def is_slow(item: pytest.Item) -> bool:
    """Whether a test starts, or looks for, LibreOffice or Wine, needs a training, or is long."""
    return item.path.name in TRAINING | LONG or not PROGRAMS.isdisjoint(getattr(item, "fixturenames", ()))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Which tests are for one process. Its own `--dist loadgroup` does nothing with pytest 9.2, and says nothing."""
    from xdist.scheduler import LoadScopeScheduling  # not there under Wine

    class Folders(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::")[0]
            return next((folder for folder in ALONE if file.startswith(folder)), file)

    return Folders(config, log)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty user's folder, of one who has no MNIST, as a trainer of `tests.trainer` has it."""
    monkeypatch.setenv("BACKPROP_HOME", str(tmp_path / "home"))
    for name in ("CNN_DATA_DIR", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "home"


@pytest.fixture(scope="session")
def soffice() -> str:
    """The path of LibreOffice's program; from here on it is started as start.py would start it."""
    os.environ.update(office.environment())
    return shutil.which("soffice") or require("calc", "LibreOffice is not installed")
