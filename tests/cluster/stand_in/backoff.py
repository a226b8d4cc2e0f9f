"""Groups in which a scale-up has failed are left alone for a while, each time twice as long."""

from __future__ import annotations

from dataclasses import dataclass

from tests.cluster.stand_in.settings import Settings


@dataclass(frozen=True, slots=True)
class Failure:
    """The last failed scale-up of a group (epoch seconds), how long it backs off, and what the provider said."""

    at_s: float
    for_s: float
    code: str
    message: str


class Backoff:
    """Failures by group."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._failures: dict[str, Failure] = {}

    def failed(self, group: str, at_s: float, code: str, message: str) -> None:
        """Takes note of a failed scale-up; several at one time count once."""
        last = self._failures.get(group)
        if last is None or at_s - last.at_s > self._settings.backoff_reset_s:
            for_s = self._settings.backoff_first_s
        else:
            for_s = min(2.0 * last.for_s, self._settings.backoff_most_s)
        self._failures[group] = Failure(at_s, for_s, code, message)

    def of(self, group: str, at_s: float) -> Failure | None:
        """The failure for which a group is left alone; None where it may grow."""
        last = self._failures.get(group)
        return last if last is not None and at_s < last.at_s + last.for_s else None
