"""What the trainer and its commands say: of errors of the system, of wrong options, to programs and in the sheet."""

import ast
import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest

from addin import unfold
from addin.wording import in_the_sheets_words
from cnn import classify, evaluate, export, models, runs, train, weights
from cnn.runs import __main__ as listing
from cnn.runs.advice import as_failure
from cnn.runs.settings import SETTINGS, SHEET, option
from tests.trainer import DIGITS, PROJECT
from xlsx import results

pytestmark = pytest.mark.usefixtures("home")
DEEP = "[" * 200_000


# --- errors of the system ----------------------------------------------------------------------------------------

REAL = {  # a place that cannot be written, what goes wrong there and what is advised
    "gone/file": ("The file or its folder is gone: writing ", "Put it back, or name another place by --out"),
    "file/inside": ("A file is in the way where a folder should be: writing ", "Move it, or name another place"),
    "folder": ("A folder is in the way where a file should be: writing ", "Move it, or name another place"),
}


@pytest.mark.parametrize("name", REAL)
def test_advice_goes_by_what_the_system_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match=r".") as caught:
        runs.write_file(tmp_path / name, b"")
    failure = as_failure(caught.value)
    assert failure.error.startswith(f"{REAL[name][0]}{tmp_path / name} (")
    assert failure.advice.startswith(REAL[name][1])
    assert "disk is full" not in str(failure)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux's")
def test_a_full_disk_is_called_one_and_the_file_is_named() -> None:
    with pytest.raises(OSError, match=r".") as caught, runs.writing(Path("/dev/full")):
        Path("/dev/full").write_bytes(b"x")
    assert str(as_failure(caught.value)) == (
        "The disk is full: writing /dev/full (No space left on device). "
        "Make room, or name another place by --out or BACKPROP_HOME."
    )


def test_reading_is_told_from_writing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r".") as caught:
        (tmp_path / "missing").read_bytes()
    said = as_failure(caught.value)
    assert said.error == f"The file or its folder is gone: reading {tmp_path / 'missing'} (No such file or directory)"
    assert said.advice == "Put it back"


def test_words_of_a_library_stay_whole_and_a_run_that_is_not_there_has_its_advice() -> None:
    library = as_failure(OSError("cannot identify image file a; b.png"))
    assert (library.error, library.advice) == ("cannot identify image file a; b.png", "See what ails it")
    with pytest.raises(runs.NoRunError) as caught:
        runs.find(Path("a; b"))
    missing = as_failure(caught.value)
    assert (missing.error, missing.advice) == ("There is no run a; b", "python start.py runs lists them")


TOO_LITTLE = {
    MemoryError(): "Take a smaller --batch-size, or close other programs",
    RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"): "Take a smaller --batch-size, or --device cpu",
    RuntimeError("DefaultCPUAllocator: can't allocate memory"): "Take a smaller --batch-size, or close other programs",
    OSError(errno.ENOMEM, "Cannot allocate memory"): "Take a smaller --batch-size, or close other programs",
    ImportError("libtorch_cpu.so: failed to map segment from shared object"): "Close other programs",
}


@pytest.mark.parametrize("error", TOO_LITTLE, ids=str)
def test_too_little_memory_is_not_a_missing_package(error: Exception) -> None:
    failure = as_failure(error)
    assert failure.error.startswith("The memory is full")
    assert failure.advice.startswith(TOO_LITTLE[error])


def test_a_missing_visual_c_runtime_is_not_a_missing_package() -> None:
    said = str(as_failure(ImportError("DLL load failed while importing _C: The specified module could not be found.")))
    assert "vc_redist" in said
    assert "setup" not in said


def test_a_run_goes_on_on_another_device_as_advised(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    folder = tmp_path / "run"
    assert train.main([*DIGITS, "--epochs", "1", "--out", str(folder)]) == 0
    (folder / "log.jsonl").unlink()
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "device": "cuda"}))
    if train.main(["--resume", str(folder)]) == 2:
        assert "Take --device cpu" in capsys.readouterr().err
    assert train.main(["--resume", str(folder), "--device", "cpu"]) == 0
    assert runs.read(folder).is_finished


# --- wrong use ---------------------------------------------------------------------------------------------------

COMMANDS = {"models": models.main, "evaluate": evaluate.main, "runs": listing.main}


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("options", [["--nonsense"], ["--jso"], ["nonsense"]])
def test_nonsense_and_abbreviations_are_refused_in_a_line(name: str, options: list[str], capsys) -> None:
    assert COMMANDS[name](options if options != ["nonsense"] or name != "evaluate" else ["nowhere"]) in (1, 2)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{name}: ")


OF_A_RUN = {  # what else they need
    "evaluate": (evaluate.main, []),
    "runs": (listing.main, []),
    "results": (results.main, []),
    "export": (export.main, ["net.onnx"]),
    "classify": (classify.main, ["7.png"]),
    "unfold": (unfold.main, []),
}


@pytest.mark.parametrize("name", OF_A_RUN)
def test_a_run_is_named_by_its_path_or_name_and_never_by_a_blank(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    main, others = OF_A_RUN[name]
    assert main(["", *others]) == 2
    assert "it is blank" in capsys.readouterr().err
    assert main(["~/none", *others]) == 2
    assert f"There is no run {tmp_path / 'none'}" in capsys.readouterr().err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as ended:
        COMMANDS[name](["--help"])
    said = capsys.readouterr().out
    assert ended.value.code == 0
    assert f"python start.py {name}" in said
    assert "--json" in said


# --- for programs ------------------------------------------------------------------------------------------------


def run_folder(name: str, accuracy: object = 0.9) -> Path:
    folder = runs.home() / "runs" / name
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model": "tiny"}))
    log = runs.Log(folder)
    log.write("started", pid=1, dataset="mnist", model="tiny", epochs=2, batches=9, resumed_from=None)
    log.write("epoch", epoch=1, train_loss=0.5, test_loss=0.5, test_accuracy=accuracy, learning_rate=0.1, seconds=2.0)
    log.write("stopped", epoch=1)
    return folder


def harm_config(folder: Path) -> None:
    (folder / "config.json").write_text(DEEP)


def harm_log(folder: Path) -> None:
    (folder / "log.jsonl").write_text(DEEP + "\n")


def harm_launch(folder: Path) -> None:
    (folder / "launch.json").write_text(DEEP)


def harm_accuracy(folder: Path) -> None:
    runs.Log(folder).write("epoch", epoch=2, test_accuracy="high", seconds="long")


def harm_number(folder: Path) -> None:
    with open(folder / "log.jsonl", "a") as log:
        log.write('{"event": "epoch", "epoch": 2, "test_accuracy": 1' + "0" * 400 + "}\n")


@pytest.mark.parametrize("harm", [harm_config, harm_log, harm_launch, harm_accuracy, harm_number])
@pytest.mark.parametrize("words", [["list"], ["list", "--json"], ["compare", "2026-a", "2026-b"]])
def test_one_damaged_run_never_hides_the_others(harm, words: list[str], capsys: pytest.CaptureFixture) -> None:
    run_folder("2026-a")
    harm(run_folder("2026-b"))
    assert listing.main(words) == 0
    said = capsys.readouterr().out
    assert "2026-a" in said
    assert "2026-b" in said
    assert "90.00 % test" in said or '"accuracy": 0.9' in said


def test_a_folder_without_a_run_is_none(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert listing.main([str(tmp_path)]) == 2
    error = f"runs: {tmp_path} holds no run. Name the folder of a run or of a series.\n"
    assert capsys.readouterr() == ("", error)


def test_a_series_where_a_run_is_wanted_is_named_as_one(capsys: pytest.CaptureFixture) -> None:
    folder = run_folder("2026-a/seed-0").parent
    (folder / "series.json").write_text(json.dumps({"runs": {"seed-0": {}}}))
    assert evaluate.main([str(folder)]) == 2
    error = f"evaluate: {folder} is a series of runs. Name one of them: {folder / 'seed-0'}.\n"
    assert capsys.readouterr().err == error
    (folder / "seed-0" / "log.jsonl").unlink()  # no run of it has begun
    assert evaluate.main([str(folder)]) == 2
    assert capsys.readouterr().err == error


def test_runs_and_results_answer_programs(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    folder = run_folder("2026-a")
    assert listing.main(["--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["run"], found["accuracy"], found["epochs_done"], found["event"]) == ("2026-a", 0.9, 1, "stopped")
    assert results.main([str(folder), "--out", str(tmp_path / "r.xlsx"), "--json"]) == 0
    written = json.loads(capsys.readouterr().out)
    assert written["out"] == str(tmp_path / "r.xlsx")
    assert written["runs"][0]["test_accuracy"] == 0.9


def test_a_finished_run_without_weights_is_not_to_be_resumed() -> None:
    file = run_folder("2026-a") / runs.WEIGHTS
    with pytest.raises(runs.Failure, match="--resume goes on with one that is not"):
        weights.read(file, "tiny")
    runs.Log(file.parent).write("finished", epoch=2)
    with pytest.raises(runs.Failure, match="The run is finished, so it had them: put the file back, or train anew"):
        weights.read(file, "tiny")


def test_models_answers_programs(capsys: pytest.CaptureFixture) -> None:
    assert models.main(["tiny", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["parameters"] == models.parameter_count(models.build("tiny"))
    assert sum(layer["parameters"] for layer in found["layers"]) == found["parameters"]


def test_a_damaged_file_is_told_before_pytorch_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte.gz").write_text("<html>")
    program = "import sys; from cnn import train; code = train.main(sys.argv[1:]); print(code, 'torch' in sys.modules)"
    command = [sys.executable, "-c", program, "--data-dir", str(tmp_path), "--out", str(tmp_path / "run")]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert done.stdout == "1 False\n"
    assert "is not the official file: it is a web page" in done.stderr


# --- in the sheet ------------------------------------------------------------------------------------------------

ONLY_TYPED = (
    *("--seeds", "--find-rate", "--help", "--rates", "--more", "--resume goes on with one run", "first: --resume"),
    *("{option(name)}", "Name its folder"),
)


def said_in_the_sources() -> list[str]:
    """Every text in cnn with an option in it that may end a run: what calls of …Failure and …Error are given."""
    found = []
    for path in sorted((PROJECT / "cnn").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("Failure", "Error")):
                texts = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant)]
                found += [text for text in texts if isinstance(text, str) and " --" in f" {text}"]
    return [text for text in found if not any(words in text for words in ONLY_TYPED)]


def test_no_option_of_the_command_line_is_shown_in_a_sheet() -> None:
    texts = said_in_the_sources()
    assert len(texts) > 5
    assert [text for text in texts if "--" in in_the_sheets_words(text)] == []


def test_the_sheet_says_the_cell_to_change_and_the_button_to_press() -> None:
    full = "failed: The memory is full (CUDA out of memory). Take a smaller --batch-size, or --device cpu."
    assert in_the_sheets_words(full) == (
        "failed: The memory is full (CUDA out of memory). Take a smaller batch size, or cpu as device. "
        "Then press Train CNN."
    )
    torn = "train: checkpoint.pt is damaged. Put the run's own checkpoint.pt back, or train anew without --resume."
    assert in_the_sheets_words(torn).endswith("or press Train CNN.")
    assert in_the_sheets_words("stopped after epoch 1 (digits)") == "stopped after epoch 1 (digits)"
    assert {option(name) for name in SHEET} <= {option(name) for name in SETTINGS}
