"""Parsing of option values, and the checks that several commands share."""

from __future__ import annotations

import errno
import math
import os
from pathlib import Path

import numpy as np

from autoscaler.cli.errors import InputError
from autoscaler.cli.output_format import OutputFormat as OutputFormat
from autoscaler.plan.strategies import Setting, strategy
from autoscaler.policy.quantity import duration_s, share


def seconds(option: str, text: str, positive: bool = False) -> float:
    """A duration such as `90s`, `5m`, `2h`, `1d`."""
    try:
        value = duration_s(text)
    except ValueError as error:
        raise InputError(f"{option} {text!r}: {error}") from None
    if positive and value <= 0:
        raise InputError(f"{option} {text!r}: must be longer than nothing, for example 60s")
    return value


def late_share(text: str) -> float:
    """A share of late requests such as `1%`, above 0 and below 100 %."""
    try:
        value = share(text)
    except ValueError as error:
        raise InputError(f"--late {text!r}: {error}") from None
    if not 0.0 < value < 1.0:
        raise InputError(f"--late {text!r}: must lie between 0 and 100 %, for example 1%")
    return value


SIGNAL_SETS = {"arrivals": "arrivals", "queue,gpu": "queue,gpu"}


def signal_set(text: str) -> str:
    """The signals that the loop may see: `arrivals` or `queue,gpu`."""
    if text.replace(" ", "") not in SIGNAL_SETS:
        raise InputError(f"--signals {text!r}: choose {' or '.join(SIGNAL_SETS)}")
    return text.replace(" ", "")


def positive(option: str, value: float) -> float:
    """A finite number above zero."""
    if not (math.isfinite(value) and value > 0):
        raise InputError(f"{option} {value:g}: must be a number above 0, for example 30")
    return value


def several(option: str, text: str) -> list[str]:
    """Values parted by commas, at least one."""
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        raise InputError(f"{option} {text!r}: give one value or several, parted by commas")
    return parts


def strategies(option: str, text: str) -> tuple[str, ...]:
    """Names of strategies parted by commas, each once."""
    names = several(option, text)
    for name in names:
        try:
            strategy(name, Setting(0.0, False, np.zeros((1, 1), dtype=np.int64)))
        except ValueError as error:
            raise InputError(f"{option} {text!r}: {error}") from None
    return tuple(dict.fromkeys(names))


def output_file(option: str, path: Path) -> Path:
    """A file that can be written: its folder exists, and it is no folder itself. Checked before long work.

    Raises InputError, or OSError where the folder is a file or must not be written to.
    """
    if path.parent.is_file():
        raise NotADirectoryError(errno.ENOTDIR, f"{path.parent} is a file, not a folder", f"{option} {path}")
    if not path.parent.is_dir():
        raise InputError(f"{option} {path}: the folder {path.parent} does not exist; create it or write elsewhere")
    if path.is_dir():
        raise InputError(f"{option} {path}: is a folder; name a file in it")
    if not os.access(path if path.exists() and not path.is_file() else path.parent, os.W_OK):
        raise PermissionError(errno.EACCES, "must not be written to by this user; write elsewhere", f"{option} {path}")
    return path
