"""What stood in each tick of a replay, as arrays: nodes by pool and zone, and placeholders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Floats
from autoscaler.domain.pool import Pool
from autoscaler.evaluation.comparison import PoolTimeline
from autoscaler.evaluation.incidents import Incident
from autoscaler.evaluation.ledger import Ledger
from autoscaler.simulator.world import Stock


@dataclass(frozen=True, slots=True, eq=False)
class Stocks:
    """The fields of `Stock` over T ticks: nodes float [T, 3, P], by_zone float [T, Z], held_gpus float [T, P], made and
    used float [T, W]; NaN where not recorded."""

    nodes: Floats
    by_zone: Floats
    held_gpus: Floats
    made: Floats
    used: Floats

    @staticmethod
    def empty(ticks: int, workloads: int, pools: Sequence[Pool]) -> Stocks:
        """Nothing recorded yet."""
        zones = sum(len(pool.zones) for pool in pools)
        shapes = ((3, len(pools)), (zones,), (len(pools),), (workloads,), (workloads,))
        return Stocks(*(np.full((ticks, *shape), np.nan) for shape in shapes))

    def put(self, tick: int, stock: Stock) -> None:
        """Records what stood at the begin of a tick."""
        self.nodes[tick], self.by_zone[tick], self.held_gpus[tick] = stock.nodes, stock.by_zone, stock.held_gpus
        self.made[tick], self.used[tick] = stock.made, stock.used

    def pool_timelines(
        self, pools: Sequence[Pool], time_s: Floats, incidents: Sequence[Incident]
    ) -> tuple[PoolTimeline, ...]:
        """One timeline a pool, each with the incidents of its own."""
        first_zone = np.cumsum([0, *(len(pool.zones) for pool in pools)]).tolist()
        return tuple(
            PoolTimeline(
                pool=pool.name,
                capacity_type=pool.capacity_type,
                time_s=time_s,
                nodes=self.nodes[:, 0, p],
                nodes_starting=self.nodes[:, 1, p],
                nodes_warm=self.nodes[:, 2, p],
                zones=pool.zones,
                by_zone=self.by_zone[:, first_zone[p] : first_zone[p + 1]],
                incidents=tuple(one for one in incidents if one.pool == pool.name),
            )
            for p, pool in enumerate(pools)
        )

    def ledger(self, pools: Sequence[Pool], billed_gpus: Floats, tick_s: float) -> Ledger:
        """billed_gpus: float [T, W, P]."""
        price = np.array([pool.price_per_gpu_hour_dollars for pool in pools]) * tick_s / 3600.0
        held = self.held_gpus
        return Ledger(billed_gpus @ price, held.sum(axis=1), held @ price, self.made, self.used)
