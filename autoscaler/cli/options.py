"""Parsing of option values, and the checks that several commands share."""

from __future__ import annotations

from enum import StrEnum

from autoscaler.cli.errors import InputError
from autoscaler.policy.quantity import duration_s, share


class OutputFormat(StrEnum):
    """What a command prints."""

    TEXT = "text"
    JSON = "json"


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
