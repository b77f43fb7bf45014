"""config.json: every setting of a run, and what it ran on."""

from __future__ import annotations

import json
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from cnn import __version__
from cnn.runs.folder import PROJECT, is_series, named_in, write_file
from cnn.runs.settings import SettingsError, completed, option


def write_config(folder: Path, settings: dict[str, Any], facts: dict[str, Any], data_dir: Path | None) -> None:
    """Write config.json: every setting, and what the run ran on. Raises OSError."""
    config = {
        **settings,
        **facts,
        "data_dir": data_dir and str(data_dir),
        "versions": {"python": platform.python_version(), "project": __version__, **_package_versions()},
        "platform": platform.platform(),
        "revision": _revision(),
    }
    write_file(folder / "config.json", json.dumps(config, indent=2).encode())


def read_config(folder: Path) -> dict[str, Any]:
    """A run's config.json, its settings checked. Raises SettingsError."""
    path = folder / "config.json"
    try:
        config = json.loads(path.read_bytes())
        return {**config, **completed(config)}
    except FileNotFoundError:
        if is_series(folder):
            first = next(iter(named_in(folder)), "RUN")
            raise SettingsError(f"{folder} is a series of runs", f"Name one of them: {folder / first}") from None
        raise SettingsError(f"There is no {path}", "Name the folder of a run that had begun") from None
    except KeyError as error:
        raise SettingsError(
            f"{path} does not say {error}", "Put the run's own file back, or start a new run"
        ) from error
    except (ValueError, TypeError, RecursionError) as error:
        raise SettingsError(
            f"{path} is damaged ({str(error)[:200]})", "Put the run's own file back, or start a new run"
        ) from error


def compare(given: dict[str, Any], config: dict[str, Any], folder: Path) -> None:
    """Raise SettingsError where a setting differs from what the run was started with; the device may be another.

    What is auto leaves open what it became then.
    """
    for name, value in determined(given).items():
        if value != config[name] and name != "device":
            error = f"{option(name)} is {value}, but {folder.name} was started with {config[name]}"
            raise SettingsError(error, "Leave it out, or train a new run in another folder")


def determined(settings: dict[str, Any]) -> dict[str, Any]:
    """Those settings that leave nothing open; what auto became in a run cannot be compared with it."""
    return {name: value for name, value in settings.items() if value != "auto"}


def _package_versions() -> dict[str, Any]:
    return {name: metadata.version(name) for name in ("torch", "torchvision")}


def _revision() -> str | None:
    """The commit of the source, with -dirty where a source file was changed; None without git."""
    if not (PROJECT / ".git").exists():  # an unpacked archive inside somebody else's repository
        return None
    try:
        changed = _git("status", "--porcelain", "--", "*.py", "*requirements.txt")
        return _git("rev-parse", "HEAD") + ("-dirty" if changed else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(*words: str) -> str:
    command = ["git", "-C", str(PROJECT), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
