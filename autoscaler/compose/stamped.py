"""Starts as the cluster tells them, with the stages that others stamp."""

from __future__ import annotations

from collections.abc import Sequence

from autoscaler.coldstart.splitting import Splitting
from autoscaler.domain.lead_time import Start
from autoscaler.domain.stamp import Stamp
from autoscaler.ports.errors import Unavailable
from autoscaler.ports.stamps import StampsPort


class StampedStarts:
    """Who stamps is asked only while a replica starts, or has started lately."""

    def __init__(self, stamps: StampsPort) -> None:
        self._stamps = stamps
        self._splitting = Splitting()
        self._problem: str | None = None

    def take(self, starts: Sequence[Start], now_s: float) -> list[Start]:
        """The starts, split as far as anything is told, and those of before of which more is known now."""
        return self._splitting.take(starts, self._told(starts, now_s), now_s)

    def problems(self) -> tuple[str, ...]:
        """Why stamps could not be read the last time that they were asked for."""
        return () if self._problem is None else (f"{self._problem}; stages are not told apart until they can be read",)

    def _told(self, starts: Sequence[Start], now_s: float) -> Sequence[Stamp]:
        if not self._splitting.wants_stamps(starts, now_s):
            self._problem = None
            return ()
        try:
            stamps = self._stamps.stamps(now_s)
        except Unavailable as error:
            self._problem = str(error)
            return ()
        self._problem = None
        return stamps
