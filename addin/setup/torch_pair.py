"""PyTorch and torchvision: where the pair that fits this machine comes from, and whether it works.

The registry's Windows torch is for the CPU only, and its Linux torch brings 5 GB of CUDA with it. PyTorch's own index
has the others: tried first where they fit, given up within seconds where it does not answer.
"""

import os
import platform
import re
import shutil
import subprocess
import threading
import urllib.request

from addin.setup import packages
from addin.setup.packages import SetupError
from cnn import NO_RUNTIME, NO_RUNTIME_SIGNS

INDEX = "https://download.pytorch.org/whl/"
CUDA = ((13.0, "cu130"), (12.8, "cu128"), (0.0, "cu126"))  # the oldest CUDA version of the driver, and its builds
PROBE_SECONDS = 4
FULL_GB, SMALL_GB = 8, 3
IMPORT = "import torch, torchvision; print(torch.__version__, 'cuda' if torch.cuda.is_available() else 'cpu')"


def install() -> None:
    """Install the pair and see it work. Raises SetupError."""
    with packages.sole_installer():
        if packages.is_installed("torch"):
            return
        index = own_index()
        packages.need_disk(gigabytes(index))
        if not (index and _from_own_index(index)):
            _from_registry()
        packages.mark("torch")


def own_index() -> str:
    """The address at PyTorch's index of builds that fit better than the registry's; empty where there is none."""
    if os.environ.keys() & {"PIP_INDEX_URL", "PIP_NO_INDEX"}:  # the user's own index is to be used as it is
        return ""
    name = wanted_builds(platform.system(), cuda_of_driver())
    address = f"{INDEX}{name}"
    return address if name and answers(f"{address}/torch/") else ""


def wanted_builds(system: str, cuda: float) -> str:
    """The index's name for the builds wanted on a system with this CUDA (0 without a GPU): cu…, cpu, or none."""
    if system == "Windows" and cuda:
        return next(name for oldest, name in CUDA if cuda >= oldest)
    return "cpu" if system == "Linux" and not cuda else ""


def cuda_of_driver() -> float:
    """The CUDA version that the NVIDIA driver supports, 0 where no GPU answers."""
    if not (program := shutil.which("nvidia-smi")):
        return 0.0
    try:
        said = subprocess.run([program], capture_output=True, text=True, errors="replace", timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return 0.0
    version = re.search(r"CUDA Version:\s*(\d+\.\d+)", said.stdout)
    return 0.0 if said.returncode else float(version[1]) if version else 12.6


def answers(address: str) -> bool:
    """Whether a web address answers within a few seconds, however long its name takes to resolve."""
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(_opens(address)), daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS)
    return bool(found and found[0])


def _opens(address: str) -> bool:
    try:
        request = urllib.request.Request(address, method="HEAD")
        with urllib.request.urlopen(request, timeout=PROBE_SECONDS) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def gigabytes(index: str) -> int:
    """The disk that the pair takes while it is installed: much only where CUDA comes with it."""
    with_cuda = index.rsplit("/", 1)[-1].startswith("cu") if index else platform.system() == "Linux"
    return FULL_GB if with_cuda else SMALL_GB


def _from_own_index(index: str) -> bool:
    """Try PyTorch's index; False where that fails, so that the registry is next."""
    label = f"{packages.LABELS['torch']} ({index.rsplit('/', 1)[-1]} builds)"
    try:
        packages.fetch("torch", label, "--index-url", index)
    except SetupError as error:
        print(f"{error}\nTrying the package registry instead.", flush=True)
        packages.need_disk(gigabytes(""))
        return False
    return not check()


def _from_registry() -> None:
    packages.fetch("torch", packages.LABELS["torch"])
    if not (fault := check()):
        return
    print(f"{fault}\nInstalling both again from the package registry.", flush=True)
    packages.pip(["uninstall", "--yes", *packages.PAIR], "The old pair")
    packages.fetch("torch", packages.LABELS["torch"])
    if fault := check():
        raise SetupError(f"{fault}\nDelete the folder .venv and start again.")


def check() -> str:
    """Import the pair in .venv; an empty text when it works, else what is wrong.

    Raises SetupError where it is Windows that lacks something, which no other pair would mend.
    """
    print(f"{packages.LABELS['torch']}: trying them out", flush=True)
    said = subprocess.run([packages.python(), "-c", IMPORT], capture_output=True, text=True, errors="replace")
    if said.returncode == 0:
        return ""
    last = (said.stderr.strip().splitlines() or ["no message"])[-1]
    if re.search(NO_RUNTIME_SIGNS, said.stderr):
        raise SetupError(f"{NO_RUNTIME[0]} ({last}). {NO_RUNTIME[1]}.")
    if "torchvision::nms" in said.stderr:
        return f"torch and torchvision do not match (a CPU-only torch, a torchvision for CUDA): {last}"
    return f"torch and torchvision are installed but do not load: {last}"
