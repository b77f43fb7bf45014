"""python start.py runs: the list of runs, and two of them side by side."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from addin import overview
from addin.excel import command as excel_command
from cnn import runs
from cnn.runs import __main__ as command
from cnn.runs import series
from cnn.runs.settings import check_settings

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three runs: one finished, one validated with another learning rate, one that has only begun."""
    monkeypatch.setenv("BACKPROP_HOME", str(tmp_path))
    for number, part in enumerate(("test", "validation", None)):
        folder = tmp_path / "runs" / f"2026-01-0{number + 1}T00-00-00-tiny"
        folder.mkdir(parents=True)
        config = {"model": "tiny", "learning_rate": 0.01 * (number + 1), "seed": 3, "versions": {"torch": str(number)}}
        (folder / "config.json").write_text(json.dumps(config))
        log = runs.Log(folder)
        log.write("started", pid=1, dataset="mnist", model="tiny", epochs=2, batches=9, resumed_from=None)
        for epoch in (1, 2) if part else ():
            figures = dict(
                zip(runs.epoch_keys(part), (epoch, 0.1, 0.9, 0.1, 0.9 + epoch / 100, 0.01, 7.0, 1e4), strict=True)
            )
            log.write("epoch", **figures)
        if part == "test":
            log.write("finished", epoch=2, test_accuracy=0.92)
    return tmp_path


def printed(*words: str) -> list[str]:
    command = [sys.executable, "-m", "cnn.runs", *words]
    done = subprocess.run(command, cwd=PROJECT, env=os.environ, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_all_runs_are_listed_newest_first_with_their_last_accuracy(home: Path) -> None:
    head, begun, validated, finished = printed()
    assert head.split() == ["run", "model", "dataset", "epochs", "accuracy", "state"]
    assert begun.split()[:5] == ["2026-01-03T00-00-00-tiny", "tiny", "mnist", "0", "of"]
    assert "92.00 % validation" in validated
    assert "ended without a word after epoch 2" in validated
    assert "92.00 % test" in finished
    assert finished.endswith("finished: 2 epochs, test accuracy 92.00 % (mnist)")


def test_runs_are_compared_by_what_differs(home: Path) -> None:
    lines = printed("compare", "2026-01-01T00-00-00-tiny", str(home / "runs" / "2026-01-02T00-00-00-tiny"))
    found = {line.split("  ")[0]: line.split("  ", 1)[1].split() for line in lines[1:]}
    assert found == {
        "learning_rate": ["0.01", "0.02"],
        "epochs done": ["2", "2"],
        "accuracy": ["92.00", "%", "test", "92.00", "%", "validation"],
        "seconds": ["14", "14"],
    }


def test_a_run_that_is_not_there_is_said(home: Path, capsys: pytest.CaptureFixture) -> None:
    assert command.main(["compare", "2026-01-01T00-00-00-tiny", "nowhere"]) == 2
    assert capsys.readouterr().err == "runs: There is no run nowhere. python start.py runs lists them.\n"
    assert command.main(["compare", "2026-01-01T00-00-00-tiny"]) == 2
    assert command.main(["list", str(home / "runs" / "2026-01-03T00-00-00-tiny")]) == 0


def test_a_damaged_run_is_listed_too_and_no_name_reaches_the_terminal_raw(home: Path) -> None:
    folder = home / "runs" / "2026-01-09T\x9b31m"  # a terminal's control character that Windows too has in names
    folder.mkdir()
    (folder / "config.json").write_text("[")
    assert printed()[1].split()[0] == "2026-01-09T?31m"


@pytest.mark.parametrize("content", ["[", "[]", "", "\x00"])
def test_a_finished_run_with_a_damaged_config_is_said_to_be_damaged_wherever_it_is_shown(
    home: Path, content: str
) -> None:
    folder = home / "runs" / "2026-01-01T00-00-00-tiny"
    (folder / "config.json").write_text(content)
    assert printed()[3].endswith("  damaged: config.json")
    assert json.loads("".join(printed("--json")))[2]["status"] == "damaged: config.json"
    assert overview.row_of(folder)[-1] == "damaged: config.json"


def test_a_ticked_run_that_is_gone_meanwhile_is_named(home: Path) -> None:
    ticked = ["2026-01-01T00-00-00-tiny", "2026-01-08T00-00-00-tiny"]
    assert overview.compared(ticked[:1]).status == "1 run compared"
    assert overview.compared(ticked).status == "1 run compared; 2026-01-08T00-00-00-tiny is gone"
    assert overview.compared([]).status == "Type x beside the runs to compare."


def test_excel_says_how_many_runs_there_are_once_they_stand_there(home: Path) -> None:
    ticked = "\t".join(sorted(path.name for path in (home / "runs").iterdir()))
    for name in overview.COMMANDS:
        lines = excel_command.reply({"command": name, "ticked": ticked}).splitlines()
        assert [line.startswith("row=runs_status\t") for line in lines] == [False] * (len(lines) - 1) + [True]
        assert len(lines) > 4


def test_the_runs_of_a_series_are_listed_with_its_name(home: Path) -> None:
    folder = home / "runs" / "2026-01-10T00-00-00-tiny-series"
    for seed in (0, 1, 10):
        (folder / f"seed-{seed}").mkdir(parents=True)
        runs.Log(folder / f"seed-{seed}").write("started", dataset="mnist", epochs=2, batches=9)
    series.write(runs.Series(folder, {f"seed-{seed}": check_settings({"seed": seed}) for seed in (0, 1, 10)}))
    listed = [line.split()[0] for line in printed()[1:4]]
    assert listed == [f"{folder.name}/seed-{seed}" for seed in (10, 1, 0)]
    assert [line.split()[0] for line in printed("list", folder.name)[1:]] == listed
    assert printed(folder.name) == printed("list", folder.name)
    assert printed("compare", folder.name)[0].split() == listed
    assert series.read(folder).standing.status == "0 of 3 runs finished; not under way. Resume trains what is missing"
