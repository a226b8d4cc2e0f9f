"""Errors with a meaning for the caller; adapters translate their library's exceptions into these."""

from __future__ import annotations


class PortError(Exception):
    """Something outside did not do what it was asked; the message says what, where and why."""


class Unavailable(PortError):
    """No answer in time, or a server error: try again on the next tick."""


class Conflict(PortError):
    """Somebody else changed the object meanwhile: read again, decide again."""


class Forbidden(PortError):
    """Permission is missing: no use trying again before a person has changed it."""


class QuotaExceeded(PortError):
    """A quota refuses the object."""


class Invalid(PortError):
    """The request itself is refused."""
