"""A run is followed from a thread whatever the office and the disk do meanwhile; the sheet is a stand-in here."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from addin import training
from addin.calc import menu
from cnn import runs
from tests.trainer import wait_until

STARTED = {"dataset": "digits", "epochs": 3, "batches": 12}


class Sheet:
    """What is shown of a run, in a document of its own."""

    def __init__(self, name: str):
        frame = SimpleNamespace(Frame=name)
        self.document = SimpleNamespace(RuntimeUID=name, CurrentController=frame)
        self.status = ""

    def clear(self) -> None:
        self.status = ""

    def show(self, shown: training.Shown) -> None:
        self.status = shown.status


class Office:
    """A menu, what it has told, and `post`, which the office's thread would do a moment later."""

    def __init__(self, post: Callable[[Callable[[], None]], None] = lambda action: action()):
        self.told: list[str] = []
        unused = SimpleNamespace()
        self.menu = menu.Menu(post, lambda _, text: self.told.append(text), *[unused] * 5)

    def follow(self, folder: Path) -> Sheet:
        sheet = Sheet(folder.name)
        self.menu._follow(sheet, str(folder))
        return sheet


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    runs.Log(tmp_path / "run").write("started", **STARTED)
    return tmp_path / "run"


def end(folder: Path) -> None:
    runs.Log(folder).write("stopped", epoch=0)


def test_a_run_is_shown_though_the_office_could_not_be_asked_at_first(folder: Path) -> None:
    failures = iter(range(3))

    def busy(action: Callable[[], None]) -> None:
        if next(failures, None) is not None:
            raise SystemError("com.sun.star.comp.stoc.Introspection")
        action()

    office = Office(busy)
    sheet = office.follow(folder)
    end(folder)
    wait_until(lambda: sheet.status.startswith("stopped"), 10)
    assert office.told == []


def test_a_run_that_cannot_be_read_is_let_go_and_the_others_are_followed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office, spoilt = Office(), tmp_path / "spoilt"
    spoilt.mkdir()
    trainers = [runs.Lock(each) for each in (folder, spoilt)]
    assert all(each.acquire() for each in trainers)  # both train
    real = menu.Followed.look

    def look(followed: menu.Followed) -> training.Shown:
        if followed.follower.run.folder == spoilt and followed.shown:
            raise OSError("Stale file handle")
        return real(followed)

    monkeypatch.setattr(menu.Followed, "look", look)
    sheet = office.follow(folder)
    office.follow(spoilt)
    wait_until(lambda: office.told, 10)
    assert office.told == [menu.SHOWN_NO_MORE.format(error="OSError: Stale file handle")]
    end(folder)
    trainers[0].release()
    wait_until(lambda: sheet.status.startswith("stopped"), 10)
    trainers[1].release()
