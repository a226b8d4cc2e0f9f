"""From what is read, or the error of a port, to a fact."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from autoscaler.doctor.facts import Told, Unread, Why
from autoscaler.ports.errors import Forbidden, Invalid, NotFound, PortError, QuotaExceeded

T = TypeVar("T")
REASONS: Mapping[type[PortError], Why] = {
    NotFound: Why.MISSING,
    QuotaExceeded: Why.QUOTA,
    Forbidden: Why.FORBIDDEN,
    Invalid: Why.INVALID,
}


def told(read: Callable[[], T]) -> Told[T]:
    """What it reads, or why it could not."""
    try:
        return read()
    except PortError as error:
        why = next((why for kind, why in REASONS.items() if isinstance(error, kind)), Why.SILENT)
        return Unread(why, str(error))
