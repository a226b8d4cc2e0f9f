"""The bill: GPU-seconds of every node from its grant to its end, and who held them."""

from __future__ import annotations

import numpy as np

from autoscaler.domain.arrays import Floats, Ints


class Meter:
    """Integrates GPUs over virtual time. up: int [P], GPUs billed now. held: int [W, P], of those held by pods."""

    def __init__(self, workloads: int, pools: int) -> None:
        self.up: Ints = np.zeros(pools, dtype=np.int64)
        self.held: Ints = np.zeros((workloads, pools), dtype=np.int64)
        self._up_seconds = np.zeros(pools)
        self._held_seconds = np.zeros((workloads, pools))
        self._at_s = 0.0

    def to(self, now_s: float) -> None:
        """Accounts for the time up to now; call before anything changes."""
        elapsed_s = now_s - self._at_s
        if elapsed_s > 0.0:
            self._up_seconds += self.up * elapsed_s
            self._held_seconds += self.held * elapsed_s
            self._at_s = now_s

    def take(self, now_s: float) -> Floats:
        """GPU-seconds since the last call, float [W, P], which add up to all that was billed.

        What nobody held is shared among those who held GPUs of that pool, in proportion; equally where nobody did.
        """
        self.to(now_s)
        held, up = self._held_seconds, self._up_seconds
        total = held.sum(axis=0)
        share = np.where(total > 0.0, held / np.where(total > 0.0, total, 1.0), 1.0 / held.shape[0])
        out: Floats = held + share * (up - total)
        self._held_seconds, self._up_seconds = np.zeros_like(held), np.zeros_like(up)
        return out
