"""A real LibreOffice for a test: its own profile and pipe, driven through `driver.py` in the office's own Python."""

import contextlib
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from addin.setup.office import environment

COMMAND = "service:org.backprop.addin.Commands?"  # and the name of a command of the extension
DRIVER = Path(__file__).with_name("driver.py")
XCU = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">{items}</oor:items>
"""


def setting(path: str, name: str, value: str) -> str:
    """One entry of registrymodifications.xcu."""
    return f'<item oor:path="/org.openoffice.{path}"><prop oor:name="{name}"><value>{value}</value></prop></item>\n'


WINDOW = setting(
    "Setup/Office/Factories/org.openoffice.Setup:Factory['com.sun.star.sheet.SpreadsheetDocument']",
    "ooSetupFactoryWindowAttributes",
    "0,0,1366,768;1;0,0,1366,768;",
)
QUIET = setting("Setup/Product", "ooSetupLastVersion", "25.2")
QUIET += setting("Office.Common/Misc", "ShowTipOfTheDay", "false")
RECALCULATE_ON_LOAD = setting("Office.Calc/Formula/Load", "OOXMLRecalcMode", "0")
COMMA_LOCALE = setting("Setup/L10N", "ooSetupSystemLocale", "de-DE")


class OfficeError(Exception):
    """The office said no, or said nothing."""


def office_python(soffice: str) -> str:
    """The Python that has this office's pyuno: the bundled one, or on Linux the system's."""
    program = Path(soffice).resolve().parent
    for name in ("python", "python.exe", "../Resources/python"):
        if (program / name).is_file():
            return str(program / name)
    return shutil.which("python3", path="/usr/bin:/usr/local/bin") or sys.executable


class Office:
    """Start, drive and end one soffice. Methods of driver.Driver are called as methods of this."""

    def __init__(self, folder: Path, home: Path, settings: str = "", display: str = ""):
        self.soffice = shutil.which("soffice") or "soffice"
        self.profile, self.said = folder / "profile", folder / "said.txt"
        self.pipe = f"backprop{os.getpid()}{uuid.uuid4().hex[:8]}"
        self.home, self.display = home, display
        self.environment = {**environment(), "BACKPROP_HOME": str(home), "DISPLAY": display}
        (self.profile / "user").mkdir(parents=True)
        (self.profile / "user/registrymodifications.xcu").write_text(XCU.format(items=WINDOW + QUIET + settings))
        self._start()

    def _start(self) -> None:
        command = [
            self.soffice,
            f"-env:UserInstallation={self.profile.as_uri()}",
            f"--accept=pipe,name={self.pipe};urp;",
            "--norestore",
            "--nologo",
            "--nodefault",
            *([] if self.display else ["--headless"]),
        ]
        with self.said.open("ab") as said:
            self.process = subprocess.Popen(
                command, env=self.environment, start_new_session=True, stdout=said, stderr=said
            )
        self.driver = subprocess.Popen(
            [office_python(self.soffice), str(DRIVER), self.pipe],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self._answer(timeout=90)

    def _listen(self) -> None:
        with self.driver.stdout as lines:
            for line in lines:
                self._lines.put(line)
        self._lines.put('{"error": "the driver ended"}')

    def _answer(self, timeout: float) -> object:
        try:
            answer = json.loads(self._lines.get(timeout=timeout))
        except queue.Empty:
            self.kill()
            raise OfficeError(f"no answer in {timeout} s; a modal box?") from None
        if "error" in answer:
            raise OfficeError(answer["error"] + self._ended())
        return answer["answer"]

    def _ended(self) -> str:
        """How the office ended, and the last that it said, where it is no longer there."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = self.process.wait(1)  # it may be about to
            return f"\nthe office ended with {code} and said: {self.said.read_text(errors='replace')[-3000:]}"
        return ""

    def has_ended(self) -> bool:
        """Whether the office's process is no longer there."""
        return self.process.poll() is not None

    def __getattr__(self, method: str):
        def call(*arguments: object, timeout: float = 60, **options: object) -> object:
            self._ask(method, *arguments, **options)
            return self._answer(timeout)

        return call

    def _ask(self, method: str, *arguments: object, **options: object) -> None:
        self.driver.stdin.write(json.dumps([method, arguments, options]) + "\n")
        self.driver.stdin.flush()

    def press(self, key: int, sheet: str, caption: str) -> None:
        """Click a button with the mouse, as a person would."""
        self.look_at(key, sheet)
        self.click(*wait_for(lambda: self._resting_button(key, sheet, caption)))

    def _resting_button(self, key: int, sheet: str, caption: str) -> list[int] | None:
        """Where a button is on the screen, once it no longer moves with its window."""
        place = self.button(key, sheet, caption)
        time.sleep(0.2)
        return place if place == self.button(key, sheet, caption) else None

    def look_at(self, key: int, sheet: str) -> None:
        """Bring a sheet's window to the front, all of it on the screen, and wait until it is drawn."""
        title = self.show(key, sheet)
        window = wait_for(lambda: self._windows(f"^{re.escape(title)}"))[-1]
        wait_for(lambda: self._stays_in_front(window))

    def _stays_in_front(self, window: str) -> bool:
        """Bring a window to the front, and look a moment later: one that has only just opened may come before it."""
        self._xdotool("windowactivate", "--sync", window)
        self._xdotool("windowmove", window, "0", "0")  # each new window is put further down, in the end off the screen
        time.sleep(0.7)  # a person looks first, too
        return self._active() == window

    def _active(self) -> str:
        """The window in front, as xdotool numbers it; the window manager may have none for a moment."""
        command = ["xdotool", "getactivewindow"]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=30).stdout.strip()

    def choose(self, key: int, menu: str, entry: str) -> None:
        """Click a menu of a document's window, and an entry of it."""
        for caption in (menu, entry):
            self.click(*wait_for(lambda caption=caption: self.menu(key, caption), timeout=20))
            time.sleep(0.5)

    def follow(self, key: int, column: int, row: int) -> None:
        """Click a link in a cell of the sheet in front, as Calc wants it: with the Control key."""
        place = self.cell(key, column, row)
        self._xdotool("mousemove", *map(str, place), "keydown", "ctrl", "click", "1", "keyup", "ctrl")

    def click(self, x: int, y: int) -> None:
        """Click somewhere on the screen."""
        self._xdotool("mousemove", str(x), str(y), "click", "1")

    def answer_box(self) -> None:
        """Press Enter in the message box that is open."""
        wait_for(self.has_box)
        for _ in range(10):
            self.key("Return")
            time.sleep(1.0)  # a second Enter too soon would press the button behind the box again
            if not self.has_box():
                return
        raise AssertionError(f"a box stays open: {self.boxes()}")

    def has_box(self) -> bool:
        """Whether one of our message boxes is open."""
        return bool(self._windows("^Backprop$"))

    def boxes(self) -> list[str]:
        """The titles of the windows that hold no spreadsheet: boxes, ours and the office's own."""
        titles = (self._xdotool("getwindowname", window).strip() for window in self._windows(".+"))
        return [title for title in titles if title != "Openbox" and not title.endswith("LibreOffice Calc")]

    def command_with_box(self, key: int, url: str) -> None:
        """Run a menu command that ends with a message box, and press Enter there."""
        self.command(key, url)  # it comes back at once: whoever sends a command, the office's own thread does it
        self.answer_box()
        self.rest()

    def macro_with_box(self, key: int, name: str, *arguments: str) -> None:
        """Run a macro that ends with a message box, and press Enter there."""
        self._ask("macro", key, name, *arguments)
        self.answer_box()
        self._answer(timeout=60)

    def type(self, text: str) -> None:
        """Type into the window in front."""
        self._xdotool("type", text)

    def key(self, name: str) -> None:
        """Press a key in the window in front."""
        self._xdotool("key", name)

    def _xdotool(self, *arguments: str) -> str:
        command = ["xdotool", *arguments]
        return subprocess.run(
            command, env=self.environment, check=True, timeout=30, stdout=subprocess.PIPE, text=True
        ).stdout

    def _windows(self, title: str) -> list[str]:
        """The visible windows whose title matches, as xdotool numbers them."""
        command = ["xdotool", "search", "--onlyvisible", "--name", title]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=30).stdout.split()

    def picture(self, path: Path) -> None:
        """A picture of the screen."""
        subprocess.run(["import", "-window", "root", str(path)], env=self.environment, check=True)

    def children(self) -> list[int]:
        """The process ids of the office and of what it started, in its own session."""
        lines = subprocess.run(["ps", "-s", str(self.process.pid), "-o", "pid="], capture_output=True, text=True)
        return [int(pid) for pid in lines.stdout.split()]

    def restart(self) -> None:
        """End the office and start it again on the same profile."""
        self.end()
        self._start()

    def end(self) -> None:
        """Quit as a person would; kill after a while."""
        try:
            self.quit(timeout=20)
            self.process.wait(20)
        except (OfficeError, OSError, ValueError, subprocess.TimeoutExpired):  # it is gone already
            pass
        self.kill()

    def kill(self) -> None:
        """SIGKILL to the office and its driver; what it started may outlive it."""
        if self.driver.returncode is not None:  # it was done before, and the number may be another's by now
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.driver.kill()
        for process in (self.driver, self.process):
            process.wait()
        self._listener.join()
        with contextlib.suppress(OSError):
            self.driver.stdin.close()


@contextlib.contextmanager
def virtual_screen() -> Iterator[str]:
    """A screen of 1366 × 768 with a window manager; gives its DISPLAY."""
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1366x768x24"], pass_fds=[write], stderr=subprocess.DEVNULL
    )
    os.close(write)
    with os.fdopen(read) as numbers:
        name = f":{numbers.readline().strip()}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    manager = subprocess.Popen(["openbox"], env={**os.environ, "DISPLAY": name}, **quiet)
    time.sleep(0.5)
    try:
        yield name
    finally:
        for process in (manager, server):
            process.kill()
            process.wait()


def wait_for(condition, timeout: float = 90.0, every: float = 0.05):
    """What the condition gives as soon as it is true; AssertionError after the timeout."""
    end = time.monotonic() + timeout
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {timeout} s"
        time.sleep(every)
    return found
