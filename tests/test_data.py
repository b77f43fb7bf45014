"""The images: the official MNIST or nothing, the digits that need no network, and what is said when neither comes."""

import contextlib
import functools
import gzip
import hashlib
import http.server
import os
import queue
import re
import shutil
import socket
import socketserver
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.datasets import KMNIST, MNIST, FashionMNIST

from cnn import data, download
from cnn.official import PACKED
from tests.needs import require
from tests.trainer import PROJECT

FILES = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
LABELS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]  # how often each digit is in MNIST's training set
TYPE_THIS = "Type --dataset digits, or --data-dir FOLDER"


@pytest.fixture(scope="module")
def official() -> Path:
    """A folder with the official MNIST files."""
    folder = os.environ.get("CNN_DATA_DIR") or require("mnist", "CNN_DATA_DIR names no folder with MNIST")
    return Path(folder).absolute()


@pytest.fixture(scope="module")
def mnist(official: Path) -> data.DataSet:
    return data.load("mnist", str(official))


@pytest.fixture
def copy(official: Path, tmp_path: Path) -> Path:
    """A folder like the official one, whose files may be spoilt: links, until a test puts something else in a place."""
    raw = tmp_path / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in FILES:
        (raw / f"{name}.gz").symlink_to(official / "MNIST" / "raw" / f"{name}.gz")
    return tmp_path / "data"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, and no CNN_DATA_DIR: MNIST would have to be downloaded."""
    monkeypatch.setenv("BACKPROP_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CNN_DATA_DIR", raising=False)
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path / "home"


# --- MNIST -------------------------------------------------------------------------------------------------------


def test_mnist_has_its_60000_and_10000_images(mnist: data.DataSet) -> None:
    assert (mnist.name, mnist.train.images.shape, mnist.test.images.shape) == (
        "mnist",
        (60_000, 1, 28, 28),
        (10_000, 1, 28, 28),
    )
    assert torch.bincount(mnist.train.labels).tolist() == LABELS


def test_mnist_is_normalised_to_mean_0_and_deviation_1(mnist: data.DataSet) -> None:
    assert mnist.train.images.mean() == pytest.approx(0, abs=1e-3)
    assert mnist.train.images.std() == pytest.approx(1, abs=1e-3)


def test_mnists_pixels_and_labels_are_those_of_the_file(mnist: data.DataSet, official: Path) -> None:
    raw = official / "MNIST" / "raw"
    images = gzip.decompress((raw / "t10k-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((raw / "t10k-labels-idx1-ubyte.gz").read_bytes())
    assert struct.unpack(">4i", images[:16]) == (2051, 10_000, 28, 28)
    pixels = np.frombuffer(images[16:], np.uint8)[777 * 784 : 778 * 784] / 255
    np.testing.assert_allclose(mnist.test.images[777].flatten(), (pixels - 0.1307) / 0.3081, atol=1e-6)
    assert mnist.test.labels[777] == labels[8 + 777]


def test_the_folder_that_is_named_is_only_read(official: Path, tmp_path: Path) -> None:
    shutil.copytree(official, tmp_path / "data")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*")}
    data.load("mnist", str(tmp_path / "data"))
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*")} == before


def test_the_variable_names_the_folder_where_no_option_does(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNN_DATA_DIR", str(copy))
    assert data.load("mnist").folder == copy
    with pytest.raises(data.DataError, match="elsewhere"):
        data.load("mnist", str(copy / "elsewhere"))


def test_unpacked_files_do_as_well(official: Path, copy: Path) -> None:
    for name in FILES:
        packed = copy / "MNIST" / "raw" / f"{name}.gz"
        packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
        packed.unlink()
    assert len(data.load("mnist", str(copy)).train) == 60_000


FLAWS: dict[str, Callable[[bytes], bytes]] = {
    "is empty": lambda content: b"",
    "is a web page": lambda content: b"\n<!doctype html><title>Please log in</title>",
    "is cut short or altered (4,000 bytes)": lambda content: content[:4000],
    "is cut short or altered (4,542 bytes)": lambda content: content[:-1] + b"x",
}


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_spoilt_file_is_named_with_its_flaw_and_what_to_do(copy: Path, flaw: str) -> None:
    file = copy / "MNIST" / "raw" / "t10k-labels-idx1-ubyte.gz"
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(FLAWS[flaw](content))
    with pytest.raises(data.DataError) as caught:
        data.load("mnist", str(copy))
    assert str(caught.value) == (
        f"{file} is not the official file: it {flaw}. "
        "Put the official t10k-labels-idx1-ubyte.gz there in its place, or type --dataset digits."
    )


def test_a_spoilt_unpacked_file_is_found_too(copy: Path) -> None:
    file = copy / "MNIST" / "raw" / "t10k-labels-idx1-ubyte"
    content = bytearray(gzip.decompress(file.with_suffix(".gz").read_bytes()))
    content[1000] ^= 1
    file.write_bytes(content)
    file.with_suffix(".gz").unlink()
    with pytest.raises(data.DataError, match="t10k-labels-idx1-ubyte is not the official file"):
        data.load("mnist", str(copy))


def test_a_missing_file_is_named_with_what_to_type(copy: Path) -> None:
    (copy / "MNIST" / "raw" / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(data.DataError, match=f"train-labels-idx1-ubyte.gz is missing. {TYPE_THIS}"):
        data.load("mnist", str(copy))


def kaggles(name: str) -> Path:
    """The archive on Kaggle has every file twice: dotted, and in a folder of its own name."""
    return Path(name, name) if "labels" in name else Path(name.replace("-idx", ".idx"))


def repacked(content: bytes) -> bytes:
    return gzip.compress(content, 1, mtime=0)


LAYOUTS = {  # of a folder that is given, and the folder in it that the option names
    "torchvision's": (lambda name: Path("MNIST/raw", name), "."),
    "the folder MNIST": (lambda name: Path("MNIST/raw", name), "MNIST"),
    "the folder raw": (lambda name: Path("MNIST/raw", name), "MNIST/raw"),
    "files alone": (Path, "."),
    "Kaggle's": (kaggles, "."),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_files_are_found_in_any_usual_layout_and_under_either_name(
    official: Path, tmp_path: Path, layout: str
) -> None:
    place, named = LAYOUTS[layout]
    for name in FILES:
        target = tmp_path / "data" / place(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(gzip.decompress((official / "MNIST" / "raw" / f"{name}.gz").read_bytes()))
    assert len(data.load("mnist", str(tmp_path / "data" / named)).test) == 10_000


def test_files_that_are_right_inside_and_packed_otherwise_are_taken(official: Path, copy: Path) -> None:
    for name in FILES[1:]:
        file = copy / "MNIST" / "raw" / f"{name}.gz"
        content = gzip.decompress(file.read_bytes())
        file.unlink()
        file.write_bytes(repacked(content))
    assert len(data.load("mnist", str(copy)).train) == 60_000


def test_another_sets_file_is_called_by_its_name(copy: Path) -> None:
    with pytest.raises(data.DataError, match=r"train-images-idx3-ubyte\.gz is not the official file: it is MNIST's"):
        data.load("fashionmnist", str(copy / "MNIST" / "raw"))


def test_reading_needs_no_temporary_folder(official: Path) -> None:
    program = f"from cnn import official; print(len(official.look('mnist', {str(official)!r}).test[1]))"
    variables = {**os.environ, "TMPDIR": "/nowhere", "PYTHONPATH": str(PROJECT)}
    done = subprocess.run([sys.executable, "-c", program], env=variables, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("10000\n", "")


# --- its relatives -----------------------------------------------------------------------------------------------


def idx(values: np.ndarray) -> bytes:
    """The content of a packed file of MNIST's format."""
    head = struct.pack(f">{1 + values.ndim}i", 0x800 + values.ndim, *values.shape)
    return gzip.compress(head + values.astype(np.uint8).tobytes())


@pytest.fixture(params=[FashionMNIST, KMNIST])
def relative(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[type, Path]:
    """A small set made here, in torchvision's layout; its checksums are made to fit: the real one is not at hand."""
    kind, raw = request.param, tmp_path / "data" / request.param.__name__ / "raw"
    raw.mkdir(parents=True)
    made = np.random.default_rng(0)
    for name, count in zip(FILES, (12, 12, 6, 6), strict=True):
        shape = (count, 28, 28) if "images" in name else (count,)
        (raw / f"{name}.gz").write_bytes(idx(made.integers(0, 256 if "images" in name else 10, shape)))
    sums = tuple(hashlib.md5((raw / f"{name}.gz").read_bytes()).hexdigest() for name in FILES)
    monkeypatch.setitem(PACKED, kind.__name__, sums)
    return kind, tmp_path / "data"


def test_its_relatives_are_read_in_the_same_layout_and_normalised_by_their_own_training_pixels(relative: tuple) -> None:
    kind, folder = relative
    found = data.load(kind.__name__.lower(), str(folder))
    assert (found.name, len(found.train), len(found.test), found.folder) == (kind.__name__.lower(), 12, 6, folder)
    assert found.classes == tuple(kind.classes)
    assert found.train.images.mean() == pytest.approx(0, abs=1e-5)
    assert found.train.images.std(correction=0) == pytest.approx(1, abs=1e-5)
    raw = folder / kind.__name__ / "raw"
    pixels, tests = (
        np.frombuffer(gzip.decompress((raw / f"{name}.gz").read_bytes())[16:], np.uint8) / 255 for name in FILES[::2]
    )
    np.testing.assert_allclose(found.test.images.flatten(), (tests - pixels.mean()) / pixels.std(), atol=1e-5)


def test_a_spoilt_file_of_a_relative_is_named(relative: tuple) -> None:
    kind, folder = relative
    file = folder / kind.__name__ / "raw" / "t10k-labels-idx1-ubyte.gz"
    file.write_bytes(b"<html>")
    with pytest.raises(data.DataError, match=f"{re.escape(str(file))} is not the official file: it is a web page"):
        data.load(kind.__name__.lower(), str(folder))
    file.unlink()
    with pytest.raises(data.DataError, match=f"FOLDER for a folder with {kind.__name__}/raw/"):
        data.load(kind.__name__.lower(), str(folder))


@pytest.mark.parametrize("kind", [MNIST, FashionMNIST, KMNIST])
def test_the_checksums_are_torchvisions_which_has_an_address_of_every_file(kind: type) -> None:
    assert dict(zip((f"{name}.gz" for name in FILES), PACKED[kind.__name__], strict=True)) == dict(kind.resources)
    assert kind.mirrors


# --- the download ------------------------------------------------------------------------------------------------


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class LoginPage(Quiet):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>Please log in</html>" if self.command == "GET" else b"")

    do_HEAD = do_GET


@contextlib.contextmanager
def server(handler: Callable) -> Iterator[str]:
    """A web server on this machine; its address."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as serving:
        serving.daemon_threads = True
        threading.Thread(target=serving.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_address[1]}/"
        serving.shutdown()


@pytest.fixture
def nobody_listens() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/"


@pytest.fixture
def silence() -> Iterator[str]:
    """A server that takes the connection and then says nothing."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        yield f"http://127.0.0.1:{silent.getsockname()[1]}/"


def test_mnist_is_downloaded_once_from_the_server_that_answers_and_kept(
    official: Path, home: Path, silence: str, nobody_listens: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, began = [], time.monotonic()
    with server(functools.partial(Quiet, directory=str(official / "MNIST" / "raw"))) as address:
        monkeypatch.setattr(MNIST, "mirrors", [silence, address])
        assert len(data.load("auto", say=said.append).train) == 60_000
    assert time.monotonic() - began < download.PATIENCE
    assert said == [f"Downloading MNIST (11 MB) to {home / 'data'}"]
    monkeypatch.setattr(MNIST, "mirrors", [nobody_listens])
    assert data.load("mnist", say=said.append).folder == home / "data"
    assert [path.name for path in (home / "data").iterdir()] == ["MNIST"]


def test_a_login_page_in_place_of_the_files_is_not_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with server(LoginPage) as address:
        monkeypatch.setattr(MNIST, "mirrors", [address])
        with pytest.raises(data.DataError, match="what came is not MNIST") as caught:
            data.load("mnist", say=lambda line: None)
    assert TYPE_THIS in str(caught.value)
    assert list((home / "data").iterdir()) == []


def test_offline_is_known_at_once(home: Path, nobody_listens: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MNIST, "mirrors", [nobody_listens, "http://no.such.host.invalid/"])
    began = time.monotonic()
    with pytest.raises(data.DataError, match="cannot be reached") as caught:
        data.load("mnist")
    assert TYPE_THIS in str(caught.value)
    assert time.monotonic() - began < 5
    assert not home.exists()


def test_a_server_that_says_nothing_is_given_up_in_time(
    home: Path, silence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "PATIENCE", 1.0)
    monkeypatch.setattr(MNIST, "mirrors", [silence, silence])
    began = time.monotonic()
    with pytest.raises(data.DataError, match="cannot be reached"):
        data.load("mnist")
    assert 0.9 < time.monotonic() - began < 3


def test_a_name_server_that_never_answers_is_given_up_in_time(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(mirror: str, file: str, answers: queue.Queue) -> None:
        time.sleep(0.9 if mirror == "refuses late" else 30)
        answers.put((mirror, "refused"))

    monkeypatch.setattr(download, "_ask", ask)
    monkeypatch.setattr(download, "PATIENCE", 1.0)
    monkeypatch.setattr(MNIST, "mirrors", ["refuses late", "never answers"])
    began = time.monotonic()
    with pytest.raises(data.DataError, match="cannot be reached"):
        data.load("mnist")
    assert 0.9 < time.monotonic() - began < 1.7


def test_nothing_within_20_seconds_counts_as_unreachable() -> None:
    assert download.PATIENCE == 20


def test_auto_takes_digits_where_mnist_is_missing_and_says_so_in_one_line(
    home: Path, nobody_listens: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MNIST, "mirrors", [nobody_listens])
    said = []
    assert data.load("auto", say=said.append).name == "digits"
    (line,) = said
    assert "training on digits instead" in line
    assert "\n" not in line


def test_auto_takes_mnist_where_it_is_there(official: Path) -> None:
    said = []
    assert data.load("auto", str(official), said.append).name == "mnist"
    assert said == []


# --- digits ------------------------------------------------------------------------------------------------------


def test_digits_are_the_1797_scans_in_a_fixed_split() -> None:
    from sklearn.datasets import load_digits

    digits, found = data.load("digits"), load_digits()
    assert (len(digits.train), len(digits.test)) == (1437, 360)
    assert torch.cat((digits.train.labels, digits.test.labels)).tolist() == found.target.tolist()
    assert torch.bincount(digits.test.labels).min() > 30


def test_digits_are_enlarged_bilinearly() -> None:
    from sklearn.datasets import load_digits

    image = data.load("digits").test.images[-1, 0].numpy() * 0.3081 + 0.1307
    np.testing.assert_allclose(image, enlarge(load_digits().images[-1] / 16), atol=1e-6)


def enlarge(image: np.ndarray) -> np.ndarray:
    """8×8 to 28×28: every new pixel's centre lies between four old ones, by whose nearness they count."""
    centres = np.clip((np.arange(28) + 0.5) * 8 / 28 - 0.5, 0, 7)
    nearness = np.maximum(0, 1 - np.abs(centres[:, None] - np.arange(8)))
    return nearness @ image @ nearness.T


# --- batches -----------------------------------------------------------------------------------------------------


def test_batches_hold_every_image_once_and_the_last_may_be_smaller() -> None:
    images = torch.arange(10.0).reshape(10, 1, 1, 1)
    split = data.Split(images, torch.arange(10))
    order = torch.tensor([3, 1, 4, 0, 5, 9, 2, 6, 8, 7])
    batches = list(split.batches(4, order))
    assert [labels.tolist() for _, labels in batches] == [[3, 1, 4, 0], [5, 9, 2, 6], [8, 7]]
    assert torch.equal(torch.cat([pixels for pixels, _ in batches]).flatten(), order.float())
    assert [len(labels) for _, labels in split.batches(5)] == [5, 5]


@pytest.mark.parametrize(("size", "lengths"), [(3, [3, 3, 4]), (9, [10]), (10, [10]), (1, [1] * 10)])
def test_a_last_image_alone_goes_with_the_batch_before(size: int, lengths: list[int]) -> None:
    """BatchNorm needs two."""
    split = data.Split(torch.zeros(10, 1, 1, 1), torch.arange(10))
    batches = list(split.batches(size))
    assert [len(labels) for _, labels in batches] == lengths
    assert torch.cat([labels for _, labels in batches]).tolist() == list(range(10))
    assert split.batch_count(size) == len(lengths)


def test_validation_is_the_last_sixth_of_the_training_images_in_place_of_the_test_images() -> None:
    digits = data.load("digits")
    held_out = digits.validation()
    assert (held_out.part, len(held_out.train), len(held_out.test)) == ("validation", 1198, 239)
    assert torch.equal(torch.cat((held_out.train.images, held_out.test.images)), digits.train.images)
    assert 60_000 // data.HELD_OUT == 10_000
