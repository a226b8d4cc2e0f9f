"""What faults do to metrics: scrapes that fail, answers that are none, and low values when they come back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autoscaler.domain.arrays import Bools, Floats
from autoscaler.domain.signal import LATE_SHARE
from autoscaler.simulator.settings import CounterReset, Fault, LowReturn, MetricsOutage, ScrapeGap, WrongAnswers


class Disturbance:
    """The faults of one run, looked up by the time of a scrape."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._outages = [f for f in faults if isinstance(f, MetricsOutage)]
        self._gaps = [f for f in faults if isinstance(f, ScrapeGap)]
        self._wrong = [f for f in faults if isinstance(f, WrongAnswers)]
        self._resets = [f for f in faults if isinstance(f, CounterReset)]

    def fails(self, now_s: float) -> bool:
        """Whether no scrape succeeds now."""
        return any(o.from_s <= now_s < o.until_s for o in self._outages)

    def skips(self, workload: int, now_s: float) -> bool:
        """Whether this workload is not scraped now."""
        here = (g for g in self._gaps if g.signal is None and g.workload in (None, workload))
        return any(g.from_s <= now_s < g.until_s for g in here)

    def was_reset(self, workload: int, after_s: float, now_s: float) -> bool:
        """Whether the counters of this workload began anew after one scrape and up to another."""
        return any(after_s < r.at_s <= now_s for r in self._resets if r.workload in (None, workload))

    def gaps(self, now_s: float, shape: tuple[int, ...]) -> Bools:
        """Where the answer of the scrape before stands, bool [W, S]."""
        stands = np.zeros(shape, dtype=bool)
        for gap in self._gaps:
            if gap.from_s <= now_s < gap.until_s:
                _mark(stands, gap)
        return stands

    def spoil(self, now_s: float, values: Floats, at_s: Floats) -> None:
        """Puts wrong and low answers in the place of true ones: values and their times, float [W, S]."""
        for outage in self._outages:
            _lower(values, np.ones(values.shape, dtype=bool), outage.low, now_s - outage.until_s)
        spoilt: list[ScrapeGap | WrongAnswers] = [*self._gaps, *self._wrong]
        for fault in spoilt:
            here = np.zeros(values.shape, dtype=bool)
            _mark(here, fault)
            _lower(values, here, fault.low, now_s - fault.until_s)
            if isinstance(fault, WrongAnswers) and fault.from_s <= now_s < fault.until_s:
                values[here] = fault.value
                at_s[here] = -np.inf if fault.empty else now_s


def _mark(where: Bools, fault: ScrapeGap | WrongAnswers) -> None:
    row = slice(None) if fault.workload is None else fault.workload
    column = slice(None) if fault.signal is None else int(fault.signal)
    where[row, column] = True


def _lower(values: Floats, here: Bools, low: LowReturn | None, since_s: float) -> None:
    """Counts and levels; a share of late requests is what it is."""
    if low is not None and 0.0 <= since_s < low.for_s:
        here = here.copy()
        here[:, LATE_SHARE] = False
        values[here] *= low.share
