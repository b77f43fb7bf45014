"""Set up and start Backprop: one command, nothing before it but Python.

    python start.py                 the workbook, opened in LibreOffice Calc; without a display, the same work headless
    python start.py setup           install everything, start nothing
    python start.py doctor          what is installed, what is missing, what to do about it
    python start.py remove          take extension, add-in and settings away again; your own folder stays
    python start.py test            install what the tests need, run all that this machine can; --quick: the first part

Each of these takes options of its own, which --help after it lists, and names files from the folder you are in:

    python start.py build           write a workbook for another network, another start, or the exercise to fill in
    python start.py new             write a workbook of today's layout beside your own, which stays as it is
    python start.py check FILE...   say what is right and what is wrong in a learner's own workbook, or a folder of them
    python start.py train           train the image network
    python start.py search STUDY    try settings on held-out images, on as many machines as there are
    python start.py runs            list training runs, or compare two
    python start.py models          print the image networks, layer by layer
    python start.py evaluate RUN    measure a run's network anew
    python start.py classify RUN FILE...  say what a run's network takes pictures of your own for
    python start.py export RUN FILE  write a run's network for other programs, as ONNX or torch.export's
    python start.py results RUN...  write a workbook of training runs
    python start.py unfold RUN      write a run's network as plain formulas, a workbook to draw digits into
    python start.py extension FILE  package LibreOffice's extension

--no-torch leaves PyTorch (up to 8 GB) out of the first, the second and `test`.
"""
# This file parses on Python 3.6, so that an old one says what is needed instead of showing a syntax error.

import os
import signal
import subprocess
import sys

ROOT = os.path.dirname(os.path.abspath(__file__))
OLDEST = (3, 11)
FOLDERS = {"BACKPROP_HOME", "CNN_DATA_DIR"}
LIGHT, WITH_TORCH = ("light",), ("light", "torch")
SIDE_BY_SIDE = ["--numprocesses", "auto", "--maxprocesses", "4", "--dist", "loadfile", "--no-loadscope-reorder"]
COMMANDS = {  # command: the packages it needs, and the module that does the work with the arguments before the user's
    "run": (LIGHT, ["addin.main_job"]),
    "setup": (WITH_TORCH, []),
    "doctor": ((), ["addin.setup.doctor"]),
    "remove": ((), ["addin.setup.remove"]),
    "test": ((*WITH_TORCH, "tests"), ["pytest", "-ra", *SIDE_BY_SIDE]),
    "build": (LIGHT, ["addin.workbook", "build"]),
    "new": (LIGHT, ["addin.workbook", "new"]),
    "check": (LIGHT, ["addin.check"]),
    "train": (WITH_TORCH, ["addin.trained", "train"]),
    "search": (WITH_TORCH, ["cnn.search"]),
    "runs": (LIGHT, ["cnn.runs"]),
    "models": (WITH_TORCH, ["cnn.models"]),
    "evaluate": (WITH_TORCH, ["cnn.evaluate"]),
    "classify": (WITH_TORCH, ["addin.trained", "classify"]),
    "export": (WITH_TORCH, ["cnn.export"]),
    "results": (LIGHT, ["xlsx.results"]),
    "unfold": (WITH_TORCH, ["addin.unfold"]),
    "extension": (LIGHT, ["addin.calc.extension"]),
}
# The others' arguments go on as they are, and they run in the user's folder.
AT_HOME = {"run", "setup", "doctor", "remove", "test"}
WRONG_USE = 2  # the exit code for words that are not known
OPTIONS = {"run": {"--no-torch"}, "setup": {"--no-torch"}, "doctor": set(), "remove": set()}


def main(words: "list[str]") -> int:
    """Run the command in `words`; returns the exit code."""
    if sys.version_info < OLDEST:
        return refuse(too_old())
    command, *arguments = words if words and not words[0].startswith("-") else ["run", *words]
    if {"-h", "--help"} & set(words) and command in AT_HOME:
        print(__doc__)
        return 0
    if command not in COMMANDS:
        return refuse(f'There is no command "{command}". What there is: python start.py --help', WRONG_USE)
    unknown = [word for word in arguments if word not in OPTIONS.get(command, arguments)]
    if unknown:
        said = "--no-torch and nothing else" if OPTIONS[command] else "no options"
        return refuse(f"{command} takes {said}, not: {' '.join(unknown)}", WRONG_USE)
    sys.path.insert(0, ROOT)
    find_no_foreign_module()
    print_any_name()
    return set_up_and_run(command, arguments) if COMMANDS[command][0] else run_here(command)


def find_no_foreign_module() -> None:
    """What a user's PYTHONPATH names, a random.py or another Python's numpy, is found last here, and not in .venv."""
    users = [os.path.abspath(place) for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place]
    sys.path[1:] = sorted(sys.path[1:], key=lambda place: os.path.abspath(place) in users)
    from addin import FOREIGN

    for name in FOREIGN:
        os.environ.pop(name, None)


def print_any_name() -> None:
    """Into a file or a pipe Windows writes its code page, which has not all letters: of a folder's name, say."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # None where it was closed
            stream.reconfigure(errors="backslashreplace")
    encoding, _, errors = os.environ.get("PYTHONIOENCODING", "").partition(":")
    os.environ["PYTHONIOENCODING"] = f"{encoding}:{errors or 'backslashreplace'}"  # for the Python that takes over


def too_old() -> str:
    """What to say to an old Python."""
    found = ".".join(str(number) for number in sys.version_info[:3])
    return (
        f"Python 3.11 or newer is needed, this is {found} ({sys.executable}): install a newer one from "
        "https://www.python.org/downloads/ or your system's packages, then start this with it, "
        "for example: python3.13 start.py"
    )


def refuse(message: str, exit_code: int = 1) -> int:
    """Say what is wrong; returns the exit code for it."""
    print(message, file=sys.stderr)
    return exit_code


def run_here(command: str) -> int:
    """What works without an environment runs in this Python."""
    import importlib

    main = importlib.import_module(COMMANDS[command][1][0]).main
    return int(main())


def set_up_and_run(command: str, arguments: "list[str]") -> int:
    """Install what the command needs and hand over to its module."""
    from addin.setup.packages import SetupError

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that pip does not outlive this
    stages, module = COMMANDS[command]
    try:
        for stage in stages:
            if stage != "torch" or command not in AT_HOME or "--no-torch" not in arguments:
                install(stage, go_on=command == "test")
    except SetupError as error:
        return refuse(f"\n{error}")
    except KeyboardInterrupt:
        return refuse("\nStopped. The next start goes on from here.")
    if not module:
        print("Installed. Next: python start.py")
        return 0
    return hand_over(command, [*module, *own(command, arguments)])


def install(stage: str, go_on: bool) -> None:
    """Install a stage's packages unless they are there. Raises SetupError; tests go on without torch."""
    from addin.setup import packages

    if packages.is_installed(stage):
        return
    from addin.setup import torch_pair

    try:
        if stage == "torch":
            torch_pair.install()
        else:
            packages.install(stage)
    except packages.SetupError as error:
        if not (go_on and stage == "torch"):
            raise
        print(f"\n{error}\nGoing on without torch.", flush=True)


def own(command: str, arguments: "list[str]") -> "list[str]":
    """The user's arguments that the module takes: all but ours."""
    ours = {"--no-torch"} if command == "test" else set()
    return [argument for argument in arguments if argument not in ours]


def hand_over(command: str, module: "list[str]") -> int:
    """Become `python -m module ...` in .venv, so that signals reach it and its exit code is ours."""
    from addin.setup import packages

    line = [str(packages.python()), "-m", *module]
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # every process would compile torch anew: 5 s each
    if command not in AT_HOME:  # -P: nothing there gets in the way of our packages
        line.insert(1, "-P")
        os.environ["PYTHONPATH"] = ROOT
    else:
        for name in FOLDERS & set(os.environ):
            os.environ[name] = os.path.abspath(os.path.expanduser(os.environ[name]))
        os.chdir(ROOT)
    if sys.stdout:  # None where it was closed
        sys.stdout.flush()
    if os.name == "posix":
        if command in ("train", "search"):  # which hear them: they wait for it
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
        os.execv(line[0], line)
    return run_child(line)


def run_child(line: "list[str]") -> int:
    """Windows cannot replace a process: run a child, and leave Ctrl-C, which the console sends to both, to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return subprocess.call(line)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
