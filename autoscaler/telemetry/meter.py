"""The meter: what workloads and pools have used and cost, and how much work came, and came late, while we lead.

What one tick saw is taken to hold until the next; after a longer gap nobody knows. What a follower sees its leader
counts already, so that the counters of all controllers add up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from prometheus_client.core import Metric

from autoscaler.controller.tick import Tick
from autoscaler.domain.arrays import Floats
from autoscaler.domain.observation import Observation
from autoscaler.domain.queue import QueueReport
from autoscaler.telemetry import names
from autoscaler.telemetry.pool_metrics import GPU_STATES, pool_gpus, pool_places, queued_gpus
from autoscaler.telemetry.samples import Labels, carried, counter, labelled
from autoscaler.telemetry.seats import Seats

LONGEST_S = 300.0
HOUR_S = 3600.0
USES = ("serving", "starting", "warm")
STARTING = USES.index("starting")
WORK, LATE = 0, 1


@dataclass(frozen=True, slots=True)
class _Use:
    """What one tick saw, by seats and pools. by_seat: GPUs [N, `USES`]. by_pool: GPUs [P, `GPU_STATES`]."""

    at_s: float
    seats: Seats
    by_seat: Floats
    by_pool: Floats

    @staticmethod
    def of(now_s: float, observation: Observation, seats: Seats, queue: QueueReport | None) -> _Use:
        inventory, fleet = observation.inventory, seats.fleet
        bound, _ = inventory.placeholder_counts()
        counts = [count[seats.rows, seats.pools] for count in (inventory.ready, inventory.starting, bound)]
        by_seat = np.stack(counts, axis=1) * fleet.gpus_per_replica[seats.rows][:, None]
        by_pool = pool_gpus(inventory, fleet, bound, queued_gpus(queue, fleet))
        return _Use(now_s, seats, by_seat.astype(np.float64), by_pool.astype(np.float64))


@dataclass(frozen=True, slots=True)
class _Sums:
    """GPU-seconds and dollars by seat and use, GPU-seconds by pool, and replica-seconds of work [W, (all, late)]."""

    seats: tuple[Labels, ...]
    pools: tuple[Labels, ...]
    policies: tuple[Labels, ...]
    gpu_s: Floats
    dollars: Floats
    pool_gpu_s: Floats
    work_s: Floats

    @staticmethod
    def empty() -> _Sums:
        parts = (np.zeros((0, columns)) for columns in (len(USES), len(USES), len(GPU_STATES), 2))
        return _Sums((), (), (), *parts)

    def moved(self, seats: Seats) -> _Sums:
        """The same for other policies: those that are gone are left out, new ones begin at zero. A copy."""
        fleet, policies = seats.fleet, tuple((name,) for name in seats.fleet.names)
        pools = tuple(pool_places(fleet))
        return _Sums(
            seats.places, pools, policies, carried(self.gpu_s, self.seats, seats.places),
            carried(self.dollars, self.seats, seats.places), carried(self.pool_gpu_s, self.pools, pools),
            carried(self.work_s, self.policies, policies),
        )  # fmt: skip


class Meter:
    """Read by any thread while another adds: what is shown is replaced as a whole."""

    def __init__(self) -> None:
        self._use: _Use | None = None
        self._sums = _Sums.empty()

    def add(self, tick: Tick, seats: Seats) -> None:
        """One tick, of the fleet of `seats`."""
        sums, before = self._sums.moved(seats), self._use
        report = tick.report
        seen = report.observation if tick.leads and report is not None else None
        if before is not None and tick.leads and 0.0 < tick.now_s - before.at_s <= LONGEST_S:
            _add_use(sums, before, seats, tick.now_s - before.at_s)
            if seen is not None:
                _add_work(sums, seen, tick.now_s - before.at_s)
        if seen is not None and report is not None:
            self._use = _Use.of(tick.now_s, seen, seats, report.queue)
        elif not tick.leads:
            self._use = None
        elif before is not None and tick.now_s - before.at_s <= LONGEST_S:
            self._use = _Use(tick.now_s, before.seats, before.by_seat, before.by_pool)
        self._sums = sums

    def collect(self) -> Iterator[Metric]:
        """All of it, as counters."""
        sums = self._sums
        yield counter(names.GPU_SECONDS, labelled(sums.seats, USES, sums.gpu_s))
        yield counter(names.COST, zip(sums.seats, sums.dollars.sum(axis=1).tolist(), strict=True))
        seats = (place[:2] for place in sums.seats)
        yield counter(names.START_COST, zip(seats, sums.dollars[:, STARTING].tolist(), strict=True))
        yield counter(names.POOL_GPU_SECONDS, labelled(sums.pools, GPU_STATES, sums.pool_gpu_s))
        yield counter(names.WORK, zip(sums.policies, sums.work_s[:, WORK].tolist(), strict=True))
        yield counter(names.LATE_WORK, zip(sums.policies, sums.work_s[:, LATE].tolist(), strict=True))


def _add_use(sums: _Sums, use: _Use, seats: Seats, for_s: float) -> None:
    """What was seen is added where it was; a place that is no more is nobody's."""
    old, fleet = use.seats, seats.fleet
    by_seat = carried(use.by_seat, old.places, seats.places) * for_s
    sums.gpu_s[:] += by_seat
    price = np.array([pool.price_per_gpu_hour_dollars for pool in fleet.pools])[seats.pools]
    sums.dollars[:] += by_seat * price[:, None] / HOUR_S
    sums.pool_gpu_s[:] += carried(use.by_pool, pool_places(old.fleet), pool_places(fleet)) * for_s


def _add_work(sums: _Sums, seen: Observation, for_s: float) -> None:
    """Signals tell of the time since the tick before. Where late work is unknown, work is not counted either."""
    both = np.isfinite(seen.demand) & np.isfinite(seen.late)
    sums.work_s[:, WORK] += np.where(both, seen.demand, 0.0) * for_s
    sums.work_s[:, LATE] += np.where(both, np.minimum(seen.late, seen.demand), 0.0) * for_s
