"""The queue port: work that waits, the room that is held for it, and the word to Kueue."""

from __future__ import annotations

from typing import Protocol

from autoscaler.domain.queue import CheckState, Queue


class QueuePort(Protocol):
    """Queued work of all rules of a run. Every write is idempotent."""

    def queue(self, now_s: float) -> Queue:
        """What waits at `now_s`. Raises `Unavailable` where it cannot be said: the caller then changes nothing."""
        ...

    def hold(self, uid: str, pools: tuple[int, ...]) -> None:
        """Makes the placeholders that are missing of the work of this uid, seen last; pools: of its pod sets.

        All of them or none: where one is refused, those made in this call are deleted. Raises `PortError`.
        """
        ...

    def free(self, uid: str) -> None:
        """Deletes all placeholders of this work, whether it is still known or not. Raises `PortError`."""
        ...

    def answer(self, uid: str, state: CheckState, message: str) -> None:
        """Says this of the work through the AdmissionCheck of its rule. Raises `PortError`."""
        ...

    def serve(self, rule: int) -> None:
        """Says that the AdmissionCheck of this rule is answered; done already where it says so. Raises `PortError`."""
        ...
