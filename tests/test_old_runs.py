"""Run folders that version 0.1.0 made are listed, evaluated and resumed by every later one.

The fixtures are digits and the network tiny, two epochs: one run was stopped after the first, the other is the same
run, finished (without the files that are not needed here).
"""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from cnn import evaluate, runs, train
from cnn.runs import __main__ as listing
from cnn.runs import config
from cnn.runs.settings import SETTINGS, Setting, SettingsError
from tests.trainer import PROJECT

FIXTURES = PROJECT / "tests/fixtures"
STOPPED, FINISHED = FIXTURES / "run-0.1.0-stopped", FIXTURES / "run-0.1.0-finished"
ADDED = Setting("much", "a setting that a later version adds", ("much", "none"), before="none")


@pytest.fixture
def stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return Path(shutil.copytree(STOPPED, tmp_path / "runs" / "2026-11-28T21-12-27-tiny"))


def test_old_runs_are_listed(capsys: pytest.CaptureFixture) -> None:
    assert listing.main(["list", str(STOPPED), str(FINISHED)]) == 0
    _, stopped, finished = capsys.readouterr().out.splitlines()
    assert stopped.endswith("64.44 % test  stopped after epoch 1 (digits)")
    assert finished.endswith("finished: 2 epochs, test accuracy 76.67 % (digits)")


def test_an_old_finished_run_is_evaluated(capsys: pytest.CaptureFixture) -> None:
    assert evaluate.main([str(FINISHED)]) == 0
    assert "(276 of 360)" in capsys.readouterr().out


def test_an_old_stopped_run_goes_on_as_its_own_version_would_have(stopped: Path) -> None:
    assert train.main(["--resume", str(stopped)]) == 0
    ours, theirs = runs.read(stopped).epochs, runs.read(FINISHED).epochs
    assert ours[0] == theirs[0]
    assert ours[1]["train_loss"] == pytest.approx(theirs[1]["train_loss"], rel=1e-3)  # another processor may round
    assert ours[1]["test_loss"] == pytest.approx(theirs[1]["test_loss"], rel=1e-3)


def test_a_setting_that_an_old_run_lacks_has_the_value_that_acted_then(
    stopped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SETTINGS, "surprise", ADDED)
    assert config.read_config(stopped)["surprise"] == "none"
    assert train.main(["--resume", str(stopped), "--surprise", "much"]) == 2
    assert train.main(["--resume", str(stopped)]) == 0
    assert runs.read(stopped).is_finished


def test_every_setting_that_came_later_says_what_acted_before() -> None:
    known = json.loads((STOPPED / "config.json").read_bytes())
    assert [name for name, setting in SETTINGS.items() if name not in known and setting.before is None] == []


def test_a_setting_that_every_version_has_is_missed(stopped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SETTINGS, "surprise", replace(ADDED, before=None))
    with pytest.raises(SettingsError, match=r"config\.json does not say 'surprise'\. Put the run's own file back"):
        config.read_config(stopped)
