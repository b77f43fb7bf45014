"""start.py on a copy of the project, with packages of a few bytes from an index on this machine: no network."""

import ast
import contextlib
import http.server
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import start

ROOT = Path(__file__).resolve().parents[1]
TORCH = (
    "from types import SimpleNamespace\n__version__ = '2.10.0'\ncuda = SimpleNamespace(is_available=lambda: False)\n"
)
MISMATCHED = "raise RuntimeError('operator torchvision::nms does not exist')\n"
REPORT = (
    "import os, random, sys\n"
    "print(__package__, sys.argv[1:], os.environ.get('PYTHONPATH'), os.environ['BACKPROP_HOME'])\n"
)
TRAINER = "import os, sys\nprint('trainer', os.getpid(), sys.argv[1:], flush=True)\n"
posix = pytest.mark.skipif(os.name != "posix", reason="Windows has neither exec nor these signals")


def wheel(folder: Path, name: str, code: str, version: str = "2.10.0") -> Path:
    """A package of one module, as pip takes it."""
    path, info = folder / f"{name}-{version}-py3-none-any.whl", f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/__init__.py", code)
        archive.writestr(f"{name}/__main__.py", REPORT)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


class Index(http.server.ThreadingHTTPServer):
    """A package index: notes what is fetched, and can be told to keep its packages back."""

    daemon_threads = True

    def __init__(self, folder: Path):
        super().__init__(("127.0.0.1", 0), Answer)
        self.folder, self.fetched = folder, []
        self.asked, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()
        self.address = f"http://127.0.0.1:{self.server_port}/simple"
        for name, code in {"tiny": "", "torch": TORCH, "torchvision": "", "pytest": ""}.items():
            wheel(folder, name, code)
        wheel(folder, "tiny", "", "3.0.0")
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


class Answer(http.server.BaseHTTPRequestHandler):
    """/simple/NAME/ is the page of a package; /simple/NAME/FILE is its file."""

    def do_GET(self) -> None:
        name, _, file = self.path.removeprefix("/simple/").partition("/")
        if file:
            self.server.fetched.append(name)
            self.server.asked.set()
            self.server.go_on.wait(60)
        wheels = sorted(self.server.folder.glob(file or f"{name}-*.whl"))
        page = "".join(f'<a href="{path.name}">{path.name}</a>' for path in wheels).encode()
        self.send_response(200 if wheels else 404)
        self.send_header("Content-Type", "application/octet-stream" if file else "text/html")
        self.end_headers()
        with contextlib.suppress(OSError):  # a killed pip does not listen any more
            self.wfile.write(wheels[0].read_bytes() if wheels and file else page)

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Project:
    """A copy of the project whose requirements are tiny packages."""

    def __init__(self, folder: Path, index: str):
        self.folder, self.venv = folder, folder / ".venv"
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
        pip = {"PIP_INDEX_URL": index, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1", "PIP_RETRIES": "1"}
        self.environment = {**clean, **pip, "BACKPROP_HOME": str(folder / "home")}

    def command(self, *words: str) -> list[str]:
        return [sys.executable, str(self.folder / "start.py"), *words]

    def start(self, *words: str) -> subprocess.CompletedProcess:
        """Run start.py to its end."""
        options = {"env": self.environment, "stdin": subprocess.DEVNULL, "capture_output": True, "timeout": 120}
        return subprocess.run(self.command(*words), text=True, **options)

    def begin(self, *words: str) -> subprocess.Popen:
        """Start start.py in a session of its own."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            self.command(*words), env=self.environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        )

    def has(self, module: str) -> bool:
        """Whether the environment imports a module."""
        python = self.venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        return subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode == 0

    def patch(self, code: str) -> None:
        """Run this code before start.py (and not before pip): a lack that cannot be had for real."""
        lines = ["import sys", "if any(word.endswith('start.py') for word in sys.orig_argv):", f"    {code}"]
        (self.folder / "sitecustomize.py").write_text("\n".join(lines))
        self.environment["PYTHONPATH"] = str(self.folder)


def copy_project(folder: Path, index: str) -> Project:
    for package in ("addin", "cnn"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "start.py", folder)
    (folder / "addin/trained.py").write_text(TRAINER + "sys.exit(7)\n")
    (folder / "xlsx").mkdir()
    (folder / "addin/check.py").write_text("import os, random, sys\nprint(os.getcwd(), sys.argv[1:])\nsys.exit(1)\n")
    (folder / "requirements.txt").write_text("tiny\ntorch>=2.10  # large\ntorchvision\n")
    (folder / "constraints.txt").write_text("tiny==2.10.0\ntorch==2.10.0\ntorchvision==2.10.0\npytest==2.10.0\n")
    (folder / "tests").mkdir()
    (folder / "tests/requirements.txt").write_text("pytest\n")
    return Project(folder, index)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    (tmp_path / "index").mkdir()
    server = Index(tmp_path / "index")
    yield server
    server.go_on.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def clone(tmp_path: Path, index: Index) -> Project:
    """A fresh clone."""
    (tmp_path / "a b").mkdir()
    return copy_project(tmp_path / "a b", index.address)


@pytest.fixture(scope="module")
def empty_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with nothing but pip, to copy: making one takes seconds."""
    path = tmp_path_factory.mktemp("empty") / ".venv"
    subprocess.run([sys.executable, "-m", "venv", path], check=True)
    return path


@pytest.fixture
def project(clone: Project, empty_environment: Path) -> Project:
    """A clone whose first start was interrupted right after it had made the environment."""
    shutil.copytree(empty_environment, clone.venv, symlinks=True)
    return clone


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project that is set up; its index is gone since."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "index").mkdir()
    server = Index(folder / "index")
    project = copy_project(folder, server.address)
    project.first = project.start("test")
    server.shutdown()
    server.server_close()
    return project


def test_a_fresh_clone_is_set_up_light_packages_first(clone: Project, index: Index):
    done = clone.start("setup")
    assert done.returncode == 0, done.stderr
    assert index.fetched == ["tiny", "torch", "torchvision"]
    assert all(clone.has(module) for module in ("tiny", "torch", "torchvision"))


def test_without_torch_only_the_light_packages_come(project: Project, index: Index):
    assert project.start("setup", "--no-torch").returncode == 0
    assert index.fetched == ["tiny"]


def test_a_second_start_takes_under_two_seconds(finished: Project):
    begin = time.monotonic()
    assert finished.start("setup").returncode == 0
    assert time.monotonic() - begin < 2


def test_new_requirements_are_installed_by_the_next_start(project: Project, index: Index):
    project.start("setup", "--no-torch")
    wheel(index.folder, "further", "")
    (project.folder / "requirements.txt").write_text("tiny\nfurther\ntorch\n")
    assert project.start("setup", "--no-torch").returncode == 0
    assert project.has("further")


def version_of_tiny(project: Project) -> str:
    info = next(project.venv.glob("[Ll]ib*/**/site-packages/tiny-*.dist-info"))
    return info.name.split("-")[1].removesuffix(".dist")


def test_a_fresh_set_up_takes_the_versions_last_tested(project: Project):
    assert project.start("setup", "--no-torch").returncode == 0
    assert version_of_tiny(project) == "2.10.0"


def test_where_those_cannot_be_had_others_are_taken_after_a_plain_line(project: Project):
    (project.folder / "constraints.txt").write_text("tiny==2.11.0\n")
    done = project.start("setup", "--no-torch")
    assert done.returncode == 0, done.stderr
    told = "Light packages: some versions of constraints.txt cannot be had; taking others that fit."
    assert done.stdout.splitlines().count(told) == 1
    assert version_of_tiny(project) == "3.0.0"


def test_newly_tested_versions_leave_an_environment_that_works_as_it_is(project: Project, index: Index):
    assert project.start("setup").returncode == 0
    wheel(index.folder, "torch", TORCH, "2.11.0")
    (project.folder / "constraints.txt").write_text("tiny==3.0.0\ntorch==2.11.0\n")
    (project.folder / "requirements.txt").write_text("tiny>=2\ntorch>=2.9\ntorchvision\n")
    assert project.start("setup").returncode == 0
    assert index.fetched == ["tiny", "torch", "torchvision"]


@posix
def test_a_start_killed_in_the_middle_of_pip_is_finished_by_the_next(project: Project, index: Index):
    index.go_on.clear()
    process = project.begin("setup")
    assert index.asked.wait(60)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not list(project.venv.glob("installed-*"))
    index.go_on.set()
    assert project.start("setup").returncode == 0
    assert project.has("tiny")
    assert project.has("torch")


def test_a_package_that_a_killed_pip_left_half_is_installed_anew(project: Project):
    project.start("setup", "--no-torch")
    package = next(project.venv.glob("[Ll]ib*/**/site-packages/tiny"))
    (package / "__init__.py").unlink()
    next(package.parent.glob("tiny-*.dist-info/INSTALLER")).unlink()
    (project.venv / "installed-light").unlink()
    (project.venv / "tmp").mkdir()
    assert project.start("setup", "--no-torch").returncode == 0
    assert (package / "__init__.py").exists()


def test_an_environment_that_was_half_made_is_made_anew(clone: Project):
    (clone.venv / "bin").mkdir(parents=True)
    (clone.venv / "unfinished").touch()
    (clone.venv / "bin/python").write_text("half a file")
    assert clone.start("setup", "--no-torch").returncode == 0
    assert clone.has("tiny")


@posix
def test_sigterm_takes_pip_along(project: Project, index: Index):
    index.go_on.clear()
    process = project.begin("setup")
    assert index.asked.wait(60)
    process.terminate()
    process.communicate(timeout=10)
    assert process.returncode == 143
    others = subprocess.run(["ps", "-s", str(process.pid), "-o", "pid="], capture_output=True, text=True)
    assert not others.stdout.split()


def test_two_starts_at_once_install_once(project: Project, index: Index):
    index.go_on.clear()
    first = project.begin("setup", "--no-torch")
    assert index.asked.wait(60)
    second = project.begin("setup", "--no-torch")
    assert "waiting for it to end" in second.stdout.readline()
    index.go_on.set()
    first.communicate(timeout=60)
    second.communicate(timeout=60)
    assert (first.returncode, second.returncode) == (0, 0)
    assert index.fetched == ["tiny"]


def test_train_passes_arguments_and_exit_code_on(finished: Project):
    done = finished.start("train", "--epochs", "2", "--out", "a b", "--no-torch", "--help")
    assert done.returncode == 7
    assert done.stdout.endswith("['train', '--epochs', '2', '--out', 'a b', '--no-torch', '--help']\n")


def test_what_was_imported_is_kept_compiled_though_the_variable_forbids_it(finished: Project, monkeypatch):
    monkeypatch.setitem(finished.environment, "PYTHONDONTWRITEBYTECODE", "1")
    shutil.rmtree(finished.folder / "addin/__pycache__", ignore_errors=True)
    finished.start("train")
    assert list((finished.folder / "addin/__pycache__").glob("__init__*.pyc"))


def test_check_gets_the_users_words_and_runs_in_the_users_folder(finished: Project, monkeypatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    done = finished.start("check", "mine.xlsx", "--help")
    assert (done.returncode, done.stdout) == (1, f"{tmp_path} ['mine.xlsx', '--help']\n")


def test_a_module_may_print_a_name_for_which_the_output_lacks_letters(finished: Project, monkeypatch):
    """As Windows' code pages do, where the output goes into a file."""
    monkeypatch.setitem(finished.environment, "PYTHONIOENCODING", "cp1252")
    done = finished.start("check", "Żł")
    assert done.returncode == 1, done.stderr
    assert r"\u017b" in done.stdout


@posix
def test_train_becomes_the_trainer_so_that_signals_reach_it(finished: Project, tmp_path: Path):
    project = Project(shutil.copytree(finished.folder, tmp_path / "copy", symlinks=True), "")
    hear = "import signal, time\nprint(signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT]), flush=True)\n"
    (project.folder / "addin/trained.py").write_text(f"{TRAINER}{hear}time.sleep(60)\n")
    process = project.begin("train")
    assert process.stdout.readline().split()[1] == str(process.pid)
    assert "SIGINT" in process.stdout.readline()  # waited until the trainer heard it
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=10)
    assert said.rstrip().endswith("KeyboardInterrupt")


def test_the_test_command_lists_every_skip_with_its_reason(finished: Project):
    ours = start.COMMANDS["test"][1][1:]
    assert ours[0] == "-ra"
    assert f"pytest {ours} " in finished.first.stdout
    assert f"pytest {[*ours, '-k', 'sheet']} " in finished.start("test", "-k", "sheet", "--no-torch").stdout


@pytest.mark.parametrize("command", ["test", "check", "train"])
def test_no_module_of_the_users_is_taken_for_anothers(finished: Project, monkeypatch, tmp_path: Path, command: str):
    for name in ("random", "tempfile", "cnn", "pytest"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('mine')")
    expected = finished.start(command)
    for name, text in (("PYTHONPATH", str(tmp_path)), ("PYTHONSAFEPATH", "1")):
        monkeypatch.setitem(finished.environment, name, text)
    done = finished.start(command)
    assert (done.returncode, done.stdout.split()[2:]) == (expected.returncode, expected.stdout.split()[2:]), done.stderr


def test_libreoffice_and_tests_see_no_pythonpath_and_the_users_own_folders(
    finished: Project, monkeypatch, tmp_path: Path
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(finished.environment, "PYTHONPATH", str(tmp_path))
    monkeypatch.setitem(finished.environment, "BACKPROP_HOME", "my folder")
    assert finished.start("test").stdout.endswith(f"None {tmp_path / 'my folder'}\n")


def test_a_mismatched_pair_is_named_and_installed_anew_once(project: Project, index: Index):
    wheel(index.folder, "torchvision", MISMATCHED)
    done = project.start("setup")
    assert done.returncode == 1
    assert "do not match" in done.stdout
    assert "Delete the folder .venv" in done.stderr
    assert index.fetched.count("torchvision") == 2
    assert not (project.venv / "installed-torch").exists()


def own_index(project: Project, index: Index, address: str) -> subprocess.CompletedProcess:
    """Install the pair with PyTorch's own index at `address`, and `index` as the registry of pip's configuration."""
    settings = project.folder / "pip.conf"
    settings.write_text(f"[global]\nindex-url = {index.address}\n")
    del project.environment["PIP_INDEX_URL"]
    project.environment["PIP_CONFIG_FILE"] = str(settings)
    project.environment["PIP_CONSTRAINT"] = os.devnull  # the machine's own would refuse the tiny packages' versions
    code = (
        "from addin.setup import torch_pair\n"
        f"torch_pair.INDEX = {address!r}\n"
        "torch_pair.wanted_builds = lambda *_: 'simple'\n"
        "torch_pair.install()\n"
    )
    options = {"cwd": project.folder, "env": project.environment, "capture_output": True, "text": True}
    return subprocess.run([sys.executable, "-c", code], timeout=120, **options)


def test_the_pair_comes_from_pytorchs_index_where_that_answers(project: Project, index: Index):
    done = own_index(project, index, index.address.removesuffix("simple"))
    assert "simple builds): done" in done.stdout, done.stderr
    assert (project.venv / "installed-torch").exists()


def test_the_pair_comes_from_the_registry_where_pytorchs_index_has_none(project: Project, index: Index):
    (index.folder / "torch").mkdir()
    other = Index(index.folder / "torch")
    (other.folder / "torchvision-2.10.0-py3-none-any.whl").unlink()
    done = own_index(project, index, other.address.removesuffix("simple"))
    other.shutdown()
    other.server_close()
    assert "Trying the package registry instead" in done.stdout, done.stderr
    assert (project.venv / "installed-torch").exists()


def test_an_old_python_is_told_what_is_needed():
    ast.parse((ROOT / "start.py").read_text("utf-8"), feature_version=(3, 7))
    code = (
        "import runpy, sys; sys.version_info = (3, 8, 18, 'final', 0); runpy.run_path('start.py', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    assert done.stderr.startswith("Python 3.11 or newer is needed, this is 3.8.18 (")


def test_a_python_too_new_is_told_which_ones_work(project: Project, index: Index):
    (index.folder / "torch-2.10.0-py3-none-any.whl").unlink()
    done = project.start("setup")
    assert done.returncode == 1
    assert "has no build for this Python" in done.stderr
    assert "3.11 to 3.14 work" in done.stderr
    assert project.has("tiny")


def test_without_a_network_it_says_so(project: Project, index: Index):
    index.shutdown()
    index.server_close()
    done = project.start("setup")
    assert done.returncode == 1
    assert "is there a network?" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("free", "needed"), [(5e8, "1 GB"), (2e9, "3 GB")])
def test_a_full_disk_is_named_before_anything_is_fetched(project: Project, free: float, needed: str):
    system = "import platform; platform.system = lambda: 'Darwin'"  # where the pair comes without CUDA
    project.patch(f"{system}; import shutil; shutil.disk_usage = lambda _: type('U', (), {{'free': {free}}})")
    done = project.start("setup")
    assert done.returncode == 1
    assert f"needs {needed} of disk space" in done.stderr
    assert f"{free / 1e9:.1f} GB are free" in done.stderr


def test_a_python_without_venv_is_told_what_to_install(clone: Project):
    clone.patch(
        "import importlib.util as u; f = u.find_spec; u.find_spec = lambda n: None if n == 'ensurepip' else f(n)"
    )
    done = clone.start("setup")
    assert done.returncode == 1
    assert "-venv" in done.stderr


def test_a_folder_whose_name_no_environment_takes_is_named(tmp_path: Path):
    done = copy_project(tmp_path / f"a{os.pathsep}b", "").start("setup")
    assert done.returncode == 1
    assert f"has a {os.pathsep} in its name" in done.stderr
    assert f"move the project to a folder without {os.pathsep} and start again" in done.stderr


@posix
def test_a_folder_that_cannot_be_written_is_named():
    python, user = sys.executable, {}
    if os.geteuid() == 0:  # who may write everywhere, and whose Python may be in a folder that is closed to others
        python, user = shutil.which("python3", path="/usr/bin:/usr/local/bin") or python, {"user": 65534}
    with tempfile.TemporaryDirectory() as folder:
        project = copy_project(Path(folder), "")
        os.chmod(folder, 0o555)
        done = subprocess.run([python, f"{folder}/start.py", "setup"], capture_output=True, text=True, **user)
        os.chmod(folder, 0o755)
    assert done.returncode == 1
    assert f"{project.folder} cannot be written (Permission denied)" in done.stderr


@pytest.mark.parametrize("words", [["trian"], ["setup", "--no-tourch"], ["--epochs", "3"]])
def test_a_typing_error_is_answered_before_anything_is_installed(clone: Project, words: list[str]):
    done = clone.start(*words)
    assert done.returncode == 2
    assert words[-1] in done.stderr or words[0] in done.stderr
    assert not clone.venv.exists()


@pytest.mark.parametrize("command", start.OPTIONS)
def test_an_option_that_a_command_has_not_is_refused_and_nothing_is_done(command: str, capsys):
    """`remove --dry-run` must not remove."""
    assert start.main([command, "--dry-run"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"{command} takes ")
    assert said.endswith("not: --dry-run\n")
