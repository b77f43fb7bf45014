"""Trials that processes share through one journal: what is told is what the runs' logs say; a kill costs one trial."""

import csv
import io
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="python start.py setup without --no-torch")
pytest.importorskip("optuna")

from cnn import runs, search, study
from cnn.runs.settings import SettingsError
from tests.trainer import PROJECT, variables, wait_until

pytestmark = pytest.mark.usefixtures("home")
SMALL = ("--dataset", "digits", "--models", "tiny", "--batch-size", "128", "--device", "cpu", "--epochs", "2")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "home" / "studies" / "small"


def run(*options: object) -> int:
    return search.main([str(option) for option in ("small", *options)])


def start(home: Path, *options: object) -> subprocess.Popen:
    command = [sys.executable, "-m", "cnn.search", "small", *map(str, options)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=PROJECT, env=variables(home), **quiet)


def rows(folder: Path) -> list[dict]:
    return list(csv.DictReader(io.StringIO((folder / "trials.csv").read_text())))


def accuracy(folder: Path) -> float:
    """Of a run's last epoch, by its log, read without our own reader."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert sum(line["event"] == "started" for line in lines) == 1
    return [line["validation_accuracy"] for line in lines if line["event"] == "epoch"][-1]


def test_the_tables_are_what_the_logs_say(folder: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(*SMALL, "--trials", 3, "--finalists", 1, "--rates", 0.005, 0.05) == 0
    found = rows(folder)
    assert [row["state"] for row in found] == ["complete"] * 3
    for row in found:
        config = json.loads((folder / f"trial-{row['trial']}" / "config.json").read_text())
        assert (config["learning_rate"], config["validate"]) == (float(row["learning_rate"]), "yes")
        assert 0.005 <= config["learning_rate"] <= 0.05
        assert float(row["validation_accuracy"]) == accuracy(folder / f"trial-{row['trial']}")
    best = max(found, key=lambda row: (float(row["validation_accuracy"]), -int(row["trial"])))["trial"]
    percent = [100 * accuracy(folder / f"final-{best}" / f"seed-{seed}") for seed in (1, 2, 3)]
    last = capsys.readouterr().out.splitlines()[-1]
    assert f"{statistics.mean(percent):.3f} %" in last
    assert f"{statistics.stdev(percent):.3f}" in last
    logs = {path: path.read_bytes() for path in folder.rglob("log.jsonl")}
    assert run() == 0  # all is done: nothing is trained, and what it was asked for is known
    assert {path: path.read_bytes() for path in folder.rglob("log.jsonl")} == logs
    assert run("--epochs", 3) == 2
    assert "epochs is 3, but small was begun with 2" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_processes_share_the_trials_and_a_kill_costs_one(folder: Path, tmp_path: Path) -> None:
    asked = (*SMALL, "--trials", 5, "--finalists", 1)
    killed = start(tmp_path / "home", *SMALL[:-1], 500, "--trials", 5, "--finalists", 1)
    wait_until(lambda: runs.is_alive(folder / "trial-0") and runs.read(folder / "trial-0").epochs)
    killed.kill()
    killed.communicate()
    journal = folder / "study.journal"
    text = journal.read_text().replace('"epochs":500', '"epochs":2')  # its trial was long, so that it could be killed
    journal.write_text(text + '{"op_code":4,"worker_id":"of the one that was kil')
    others = [start(tmp_path / "home", *asked) for _ in range(2)]
    assert [(each.communicate()[1], each.returncode) for each in others] == [("", 0)] * 2
    found = rows(folder)
    assert [row["state"] for row in found].count("complete") == len(found) - 1 >= 5
    assert found[0]["state"] == "fail"
    for row in found[1:]:
        assert float(row["validation_accuracy"]) == accuracy(folder / f"trial-{row['trial']}")
    assert all(json.loads(line) for line in journal.read_text().splitlines())
    assert len([*folder.glob("final-*/seed-*/weights.safetensors")]) == 3


def test_a_trial_that_falls_behind_is_stopped_and_one_that_diverges_counts(folder: Path) -> None:
    joined = study.join(folder, {})
    for _ in range(6):
        good = joined.ask()
        for epoch in (1, 2, 3):
            good.report(0.9, epoch)
        joined.tell(good, 0.9)
    bad = joined.ask()
    with search.reporting(bad, 3, folder, 0) as told:
        told({"epoch": 1, "validation_accuracy": 0.1})
        with pytest.raises(search.FellBehind):
            told({"epoch": 2, "validation_accuracy": 0.1})
        told({"epoch": 3, "validation_accuracy": 0.1})  # the last epoch ends it anyway


def test_runs_that_diverge_end_no_search_and_are_no_result(folder: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(*SMALL, "--trials", 2, "--finalists", 1, "--rates", 1e30, 1e31) == 1
    said = capsys.readouterr()
    assert [each.split(":")[0] for each in said.out.splitlines() if "(" in each] == [
        "trial 0 (1 of 2)",
        "trial 1 (2 of 2)",
    ]
    assert "no trial was completed" in said.out
    assert said.err.count("search: ") == 2
    assert [row["state"] for row in rows(folder)] == ["diverged"] * 2


def test_a_damaged_journal_is_named_with_its_line(folder: Path) -> None:
    study.join(folder, {})
    journal = folder / "study.journal"
    first, *others = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([first, b"\x00\x00\n", *others]))
    with pytest.raises(SettingsError, match=r"Line 2 of .*study\.journal is damaged"):
        study.join(folder, {})


WRONG = {
    "--rates is 0.2 0.1": ("--rates", 0.2, 0.1),
    "--rates is '0'": ("--rates", 0, 0.1),
    "--trials is 0": ("--trials", 0),
    "invalid choice: 'huge'": ("--models", "huge"),
}


@pytest.mark.parametrize("said", WRONG)
def test_what_cannot_be_meant_is_refused_before_there_is_a_study(said: str, folder: Path, capsys) -> None:
    assert run(*WRONG[said]) == 2
    assert said in capsys.readouterr().err
    assert not folder.exists()


def test_another_setting_than_the_studys_is_called_as_it_was_typed(folder: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(*SMALL, "--trials", 1, "--finalists", 1) == 0
    assert run("--label-smoothing", 0.2) == 2
    assert capsys.readouterr().err.startswith("search: --label-smoothing is 0.2, but small was begun with")


def test_torchruns_processes_are_no_way_to_share_a_search(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert run(*SMALL) == 2
    error = (
        "search: torchrun started 2 processes, which train one run together, and a search is none. Leave torchrun out."
    )
    assert capsys.readouterr().err.strip() == error
    assert not folder.exists()
