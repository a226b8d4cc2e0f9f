"""Errors with a meaning for the caller; adapters translate their library's exceptions into these.

Every message says what was asked, where, what came back, and what to do about it.
"""

from __future__ import annotations


class PortError(Exception):
    """Something outside did not do what it was asked; the message says what, where and why."""


class Unavailable(PortError):
    """No answer in time, or a server error: try again on the next tick. What was asked may have been done or not.

    retry_after_s: seconds that the server asks us to wait; 0 where it named no time.
    """

    def __init__(self, message: str, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Throttled(Unavailable):
    """Too many requests, or too soon: certainly not done."""


class Conflict(PortError):
    """Somebody else changed the object meanwhile: read again, decide again."""


class AlreadyExists(Conflict):
    """An object of this name is there: done, where the name stands for the content."""


class OwnedByOthers(Conflict):
    """Fields that we want to set belong to other managers: `owners` has (manager, field) pairs."""

    def __init__(self, message: str, owners: tuple[tuple[str, str], ...]) -> None:
        super().__init__(message)
        self.owners = owners


class Gone(PortError):
    """The history asked for is no longer kept: read the present state as a whole."""


class NotFound(PortError):
    """The object, or its whole kind, does not exist."""


class Forbidden(PortError):
    """Permission is missing: no use trying again before a person has changed it."""


class QuotaExceeded(PortError):
    """A quota refuses the object."""


class Invalid(PortError):
    """The request itself is refused."""


class Damaged(PortError):
    """What is stored cannot be read, or is not ours: go on without it.

    version: what a save that replaces it has to name; None where it is not ours to replace.
    """

    def __init__(self, message: str, version: str | None) -> None:
        super().__init__(message)
        self.version = version
