"""The weights of a network as a file (safetensors): written at the end of a run, read by all that use the network."""

from __future__ import annotations

import json
from pathlib import Path

import safetensors
from safetensors.torch import load, save
from torch import nn

from cnn import models, runs


def write(network: nn.Module, facts: dict[str, str]) -> bytes:
    """The network as safetensors; the same weights give the same bytes."""
    return in_order(save({name: value.cpu().contiguous() for name, value in network.state_dict().items()}, facts))


def in_order(content: bytes) -> bytes:
    """A safetensors file with its header in the order of names: the library leaves that to chance.

    The header's length in 8 bytes, itself as JSON, then the numbers (huggingface.co/docs/safetensors).
    """
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8:end]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # so that the numbers begin at a multiple of 8
    return len(header).to_bytes(8, "little") + header + content[end:]


def read(path: Path, model: str) -> nn.Module:
    """The network in this file. Raises Failure where it is missing, damaged or of another network."""
    try:
        network = models.build(model)
        network.load_state_dict(load(path.read_bytes()))
        return network
    except FileNotFoundError:
        raise runs.Failure(f"There is no {path}", without(path.parent)) from None
    except safetensors.SafetensorError as error:
        raise runs.Failure(f"{path} is cut short or damaged ({error})", "Train anew") from error
    except RuntimeError as error:
        raise runs.Failure(f"{path} does not fit the network {model}", "Put the run's own file back") from error


def without(folder: Path) -> str:
    """What to do about a run whose weights are not there."""
    if runs.read(folder).is_finished:
        return "The run is finished, so it had them: put the file back, or train anew"
    return "A run has it once it is finished: --resume goes on with one that is not"
