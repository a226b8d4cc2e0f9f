"""The leadership port: of several controllers, one acts."""

from __future__ import annotations

from typing import Protocol


class LeadershipPort(Protocol):
    """Stands for election in the background from `start` until `stop`."""

    def start(self) -> None:
        """Begins to stand for election; returns at once."""
        ...

    def is_leader(self) -> bool:
        """True only while nobody else can lead; ask again before every act. Never raises."""
        ...

    def stop(self) -> None:
        """Leads no longer, and gives the lead away so that another need not wait. Never raises."""
        ...
