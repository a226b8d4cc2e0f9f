"""The metrics port: signals keyed by (workload, signal)."""

from __future__ import annotations

from typing import Protocol

from autoscaler.domain.signal import SignalReadings


class MetricsPort(Protocol):
    """Reads every signal of the fleet at once."""

    def read(self, now_s: float) -> SignalReadings:
        """Newest samples scraped before `now_s` (seconds). A signal without an answer is NaN; never a guess.

        Raises `Unavailable` where nothing at all could be read: the caller treats all signals as missing.
        """
        ...
