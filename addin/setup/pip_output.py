"""What pip says, made a progress line for a person, and its failures made advice."""

import platform
import queue
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

HEARTBEAT = 20  # seconds between two lines where there is no terminal
KNOWN_PYTHONS = "3.11 to 3.14"
NO_BUILD = (
    r"No matching distribution|Requires-Python|requires a different Python|metadata-generation-failed|"
    r"subprocess-exited-with-error|Failed building wheel|ResolutionImpossible"
)
FAILURES = {  # what pip printed: what it means and what to do; the first that fits is told
    r"No space left on device|not enough space on the disk": "The disk is full: free up some space (8 GB for "
    "everything, 1 GB with --no-torch) and start again.",
    r"NewConnectionError|NameResolutionError|ConnectTimeout|ProxyError|SSLError|Read timed out|getaddrinfo|"
    r"name resolution|ProtocolError|Connection (refused|reset|broken|aborted)|Network is unreachable": "The package "
    "index does not answer: is there a network? Behind a proxy, set HTTPS_PROXY; with a mirror, PIP_INDEX_URL. "
    "Then start again: what has been downloaded is kept.",
    NO_BUILD: "A package has no build for this Python, {python}. "
    f"Python {KNOWN_PYTHONS} work, 64-bit, on Linux (glibc), Windows (x86-64) and macOS (Apple silicon): start this "
    "with one of them after deleting the folder .venv.",
    r"Permission denied|Access is denied": "A file in .venv cannot be written: close what uses it, or move the project "
    "to a folder of your own, and start again.",
    r"No module named pip": "The folder .venv has no pip: delete it and start again.",
}


def follow(process: subprocess.Popen[bytes], label: str, log: Path) -> str:
    """Show a progress line until pip has ended; returns all that it said, which is also in `log`."""
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_read, args=(process, lines), daemon=True).start()
    progress, said = Progress(label), []
    with log.open("w", encoding="utf-8") as file:
        while (line := _next(lines)) is not None:
            file.write(line)
            said.append(line)
            progress.show(line.strip())
    process.wait()
    progress.end("done" if process.returncode == 0 else "failed")
    return "".join(said)


def _read(process: subprocess.Popen[bytes], lines: queue.Queue[str | None]) -> None:
    assert process.stdout, "it is a pipe"
    for line in process.stdout:
        lines.put(line.decode(errors="replace"))
    lines.put(None)


def _next(lines: queue.Queue[str | None]) -> str | None:
    """pip's next line; an empty text after a second without one; None at the end."""
    try:
        return lines.get(timeout=1)
    except queue.Empty:
        return ""


class Progress:
    """One line that is written over on a terminal; elsewhere a line now and then."""

    def __init__(self, label: str):
        self.label, self.doing, self.start = label, "", time.monotonic()
        self.on_terminal = sys.stdout.isatty()
        self.last = self.start
        print(f"{label}: installing", end="" if self.on_terminal else "\n", flush=True)

    def show(self, line: str) -> None:
        """Take a line of pip's in, and show how far it is."""
        if re.match(r"(Downloading|Using cached|Building|Preparing|Collecting) ", line):
            self.doing = line
        elif line.startswith("Installing collected packages"):
            self.doing = f"unpacking {line.count(',') + 1} packages"
        now = time.monotonic()
        if now - self.last >= (0.2 if self.on_terminal else HEARTBEAT):
            self.last = now
            self._print(f"{now - self.start:.0f} s, {self.doing}")

    def end(self, word: str) -> None:
        """The last state of the line stays."""
        self._print(f"{word}, {time.monotonic() - self.start:.0f} s")
        if self.on_terminal:
            print(flush=True)

    def _print(self, text: str) -> None:
        line = f"{self.label}: {text}"
        if self.on_terminal:
            width = shutil.get_terminal_size().columns - 1
            print("\r" + line[:width].ljust(width), end="", flush=True)
        else:
            print(line, flush=True)


def lacks_versions(said: str) -> bool:
    """Whether pip failed for want of a version that is wanted, not for want of a network or of room."""
    return cause(said) == NO_BUILD


def cause(said: str) -> str:
    """The first of FAILURES that fits what pip printed; an empty text for none."""
    return next((pattern for pattern in FAILURES if re.search(pattern, said)), "")


def explain(said: str, label: str, log: Path) -> str:
    """What a failed pip means for a person, from what it printed."""
    lines = said.strip().splitlines() or [""]
    errors = [line for line in lines if line.startswith("ERROR") and not line.endswith("Exception:")] or lines[-1:]
    advice = FAILURES.get(cause(said), "Start again.").format(
        python=f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    )
    return f"{label} could not be installed. {advice} pip said: {errors[-1].strip()} (All of it: {log})"
