"""How long to wait before trying again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double from `first_s` to `most_s` seconds; half of each is drawn, so that many do not come at once."""

    first_s: float = 0.2
    most_s: float = 30.0

    def delay_s(self, failures: int, draw: float) -> float:
        """Seconds to wait after so many failures in a row (>= 1); `draw` is uniform in [0, 1)."""
        whole = min(self.most_s, self.first_s * 2.0 ** min(failures - 1, 32))
        return whole * (0.5 + 0.5 * draw)
