"""What some tests need from PyPI and no environment holds: pinned by hash, kept between runs on a machine."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path


def cache(name: str, recipe: Iterable[Path]) -> Path:
    """Where a thing is kept that these files determine: another place once one of them, or Python, has changed."""
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in recipe) + sys.version.encode())
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "backprop-tests", f"{name}-{digest.hexdigest()[:12]}")


def wheels(requirements: Path, folder: Path, *options: str) -> list[Path]:
    """The wheels that a file of requirements names with their hashes, in this folder. RuntimeError without them."""
    done([*pip("download"), "--require-hashes", "--no-deps", *options, f"--dest={folder}", "-r", requirements])
    return sorted(folder.glob("*.whl"))


def pip(command: str) -> list[str]:
    return [sys.executable, "-m", "pip", "--disable-pip-version-check", command, "--quiet"]


def done(command: Iterable[object], env: dict[str, str] | None = None) -> str:
    """Run a command to its end; what it said. RuntimeError, with all of it, where it fails."""
    line = list(map(str, command))
    ended = subprocess.run(
        line, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    said: str = ended.stdout.decode(errors="replace")
    if ended.returncode:
        raise RuntimeError(f"{' '.join(line)} failed:\n{said}")
    return said
