"""What the metrics port answered last, for those who tell of its age."""

from __future__ import annotations

from autoscaler.domain.signal import SignalReadings
from autoscaler.ports.metrics import MetricsPort


class HeardMetrics:
    """The metrics port; `last` is None where nothing was answered, or nothing asked yet."""

    def __init__(self, metrics: MetricsPort) -> None:
        self._metrics = metrics
        self.last: SignalReadings | None = None

    def read(self, now_s: float) -> SignalReadings:
        self.last = None
        self.last = self._metrics.read(now_s)
        return self.last
