"""Demand history: a ring of equal bins over all series, with gaps as NaN."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Floats, Ints

DAY_S = 86_400.0
DAYS_KEPT = 15


@dataclass(slots=True)
class History:
    """Mean demand of each closed bin, float [R, N], the newest N bins; owned by the loop.

    bin_s: width of a bin in seconds. last_bin: number of the newest closed bin, bin b covering [b, b + 1) * bin_s;
    -1 before the first. open: something was added to the bin after it; open_sum, open_count: [R], what.
    """

    bin_s: float
    ring: Floats
    last_bin: int
    open_sum: Floats
    open_count: Ints
    open: bool

    @staticmethod
    def fresh(series: int, tick_s: float) -> History:
        """An empty history; bins are one minute, or one tick where ticks are longer."""
        bin_s = max(60.0, tick_s)
        length = int(DAYS_KEPT * DAY_S / bin_s)
        return History(
            bin_s=bin_s,
            ring=np.full((series, length), np.nan),
            last_bin=-1,
            open_sum=np.zeros(series),
            open_count=np.zeros(series, dtype=np.int64),
            open=False,
        )

    @property
    def day(self) -> int:
        """Bins in a day."""
        return round(DAY_S / self.bin_s)

    def known_bins(self) -> int:
        """Bins in which anything is known."""
        return int(np.isfinite(self.ring).any(axis=0).sum())

    def add(self, now_s: float, demand: Floats) -> list[tuple[int, Floats]]:
        """Adds what was seen up to `now_s` (float [R], NaN unknown); the bins that it closed, oldest first.

        A bin in which nothing was known is NaN; bins jumped over are NaN too, as far back as any are kept. Those before
        the first call are not told: time may count from 1970. Time going backwards adds nothing.
        """
        number = int(np.ceil(now_s / self.bin_s - 1e-9)) - 1
        closed: list[tuple[int, Floats]] = []
        if number <= self.last_bin:
            return closed
        if self.last_bin < 0 and not self.open:
            self.last_bin = number - 1
        while self.last_bin + 1 < number:
            closed.append(self._close())
            self.last_bin = max(self.last_bin, number - 1 - self.ring.shape[1])
        known = np.isfinite(demand)
        ends = (number + 1) * self.bin_s <= now_s + 1e-6
        if ends and not self.open:
            closed.append(self._keep(np.where(known, demand, np.nan)))
            return closed
        self.open_sum += np.where(known, demand, 0.0)
        self.open_count += known
        self.open = True
        if ends:
            closed.append(self._close())
        return closed

    def _close(self) -> tuple[int, Floats]:
        mean: Floats = self.open_sum / np.where(self.open_count > 0, self.open_count, np.nan)
        self.open_sum.fill(0.0)
        self.open_count.fill(0)
        self.open = False
        return self._keep(mean)

    def _keep(self, mean: Floats) -> tuple[int, Floats]:
        self.last_bin += 1
        self.ring[:, self.last_bin % self.ring.shape[1]] = mean
        return self.last_bin, mean

    def span(self, first_bin: int, count: int) -> Floats:
        """Demand of `count` bins from `first_bin`, float [R, count], not to be written to; NaN for bins not kept."""
        length = self.ring.shape[1]
        at = first_bin % length
        if (
            first_bin > max(-1, self.last_bin - length)
            and first_bin + count - 1 <= self.last_bin
            and at + count <= length
        ):
            return self.ring[:, at : at + count]
        bins = np.arange(first_bin, first_bin + count)
        kept = (bins >= 0) & (bins <= self.last_bin) & (bins > self.last_bin - self.ring.shape[1])
        out: Floats = np.where(kept, self.ring[:, bins % self.ring.shape[1]], np.nan)
        return out
