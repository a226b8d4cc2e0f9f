"""The break-even hold: what was wanted is kept until it has not been wanted for the time that a restart would cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Floats


@dataclass(slots=True)
class Hold:
    """wanted: float [N, ..., W], a ring of what was wanted in the last ticks; at_s: float [N, ..., 1], when.

    Owned by the loop.
    """

    at_s: Floats
    wanted: Floats
    newest: int

    @staticmethod
    def fresh(shape: tuple[int, ...], longest_s: float, tick_s: float) -> Hold:
        """Nothing wanted yet."""
        length = max(1, int(np.ceil(longest_s / tick_s - 1e-9)) + 1)
        return Hold(np.full((length, *(1,) * len(shape)), -np.inf), np.zeros((length, *shape)), -1)

    def keep(self, now_s: float, wanted: Floats, hold_s: Floats) -> Floats:
        """The largest of what was wanted in the last `hold_s` (float [W], seconds), now included."""
        self.newest = (self.newest + 1) % self.at_s.size
        self.at_s[self.newest] = now_s
        self.wanted[self.newest] = wanted
        recent = self.at_s > now_s - np.maximum(hold_s, 0.0) - 1e-6
        out: Floats = np.maximum.reduce(self.wanted * recent, axis=0)
        return out
