"""The cloud: grants nodes where a zone has stock, boots them, and calls spot nodes back."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import accumulate

import numpy as np

from autoscaler.simulator.cluster import SPOT_NOTICE, Cluster
from autoscaler.simulator.delays import Delays
from autoscaler.simulator.journal import Happening
from autoscaler.simulator.objects import Node
from autoscaler.simulator.settings import (
    GIVE_UP_S,
    POOL_STAGES,
    ClusterSetting,
    PoolSetting,
    SpotMarket,
    StockOut,
    ZoneLoss,
)

REFUSAL_S = 30.0
"""From asking a zone without stock to the refusal."""


def stream(seed: int, *key: int) -> np.random.Generator:
    """Random numbers of one purpose: independent of what else is drawn, so that strategies meet the same luck."""
    return np.random.default_rng([seed, *key])


class Cloud:
    """Every pool's market. on_refused: called with a node that its zone did not grant, or that never came.
    on_notice: with a node that will be taken; it has been marked as leaving.
    """

    def __init__(self, cluster: Cluster, setting: ClusterSetting) -> None:
        self._cluster, self._engine, self._pools = cluster, cluster.engine, setting.pools
        self._delays = Delays(setting.faults, stream(setting.seed, 6))
        self._no_stock_until_s = [[0.0] * len(p.pool.zones) for p in setting.pools]
        self._boots = [stream(setting.seed, 1, p) for p in range(len(setting.pools))]
        self._lives = [stream(setting.seed, 2, p) for p in range(len(setting.pools))]
        self._taken = [stream(setting.seed, 3, p) for p in range(len(setting.pools))]
        self._stock_outs = [f for f in setting.faults if isinstance(f, StockOut)]
        self._number = 0
        self.notices = 0
        self.on_refused: Callable[[Node], None] = lambda _: None
        self.on_notice: Callable[[Node], None] = lambda _: None
        for p, pool in enumerate(setting.pools):
            if pool.spot is not None:
                for zone in range(len(pool.pool.zones)):
                    self._plan_zone_event(p, zone, pool.spot, stream(setting.seed, 4, p, zone))
        for fault in setting.faults:
            if isinstance(fault, ZoneLoss):
                self._plan_zone_loss(fault)

    def order(self, pool: int, zone: int) -> Node:
        """Asks a zone for a node: it is granted and boots, or is refused after `REFUSAL_S`."""
        node = self._new(pool, zone)
        now_s = self._engine.now_s
        if self._has_stock(pool, zone):
            self._cluster.grant(node)
            lengths_s = self._delays.slowed(POOL_STAGES, self._pools[pool].stages, self._boots[pool], now_s)
            node.edges_s = tuple(accumulate(lengths_s, initial=now_s))
            if self._delays.is_lost(pool, now_s):
                node.edges_s = (now_s, *(math.inf for _ in lengths_s))
                self._engine.at(now_s + GIVE_UP_S, lambda: self._give_up(node))
            else:
                self._engine.at(now_s + sum(lengths_s), lambda: self._cluster.usable(node))
            self._plan_end(node)
        else:
            node.edges_s = (now_s,)
            why = f"zone {self._pools[pool].pool.zones[zone]} has no stock"
            self._engine.at(now_s + REFUSAL_S, lambda: self._refuse(node, why))
        return node

    def _give_up(self, node: Node) -> None:
        if not node.gone:
            self._refuse(node, f"it did not join within {GIVE_UP_S:.0f} s")

    def standing(self, pool: int, zone: int) -> Node:
        """A node that has been up all along."""
        node = self._new(pool, zone)
        self._cluster.grant(node)
        self._cluster.usable(node)
        self._plan_end(node)
        return node

    def _new(self, pool: int, zone: int) -> Node:
        gpus = self._pools[pool].pool.gpus_per_node
        node = Node(self._number, pool, zone, gpus, gpus)
        self._number += 1
        self._cluster.nodes.append(node)
        return node

    def _has_stock(self, pool: int, zone: int) -> bool:
        now_s = self._engine.now_s
        out = any(f.pool == pool and f.zone in (None, zone) and f.from_s <= now_s < f.until_s for f in self._stock_outs)
        return not out and now_s >= self._no_stock_until_s[pool][zone]

    def _refuse(self, node: Node, why: str) -> None:
        node.why = why
        self._cluster.journal.add_event(self._engine.now_s, Happening.REFUSED, node.pool, node.zone)
        self._cluster.remove_node(node)
        self.on_refused(node)

    # spot

    def _plan_end(self, node: Node) -> None:
        market = self._pools[node.pool].spot
        if market is not None:
            scale_s = market.mean_up_s / math.gamma(1.0 + 1.0 / market.shape)
            life_s = scale_s * float(self._lives[node.pool].weibull(market.shape))
            self._engine.at(self._engine.now_s + life_s, lambda: self._notice(node, market))

    def _plan_zone_event(self, pool: int, zone: int, market: SpotMarket, rng: np.random.Generator) -> None:
        if market.zone_events_a_day > 0.0:
            wait_s = float(rng.exponential(86_400.0 / market.zone_events_a_day))
            self._engine.at(self._engine.now_s + wait_s, lambda: self._zone_event(pool, zone, market, rng))

    def _zone_event(self, pool: int, zone: int, market: SpotMarket, rng: np.random.Generator) -> None:
        self._call_back(pool, zone, market, market.zone_share)
        self._plan_zone_event(pool, zone, market, rng)

    def _plan_zone_loss(self, fault: ZoneLoss) -> None:
        market = self._pools[fault.pool].spot or SpotMarket()

        def lose() -> None:
            self._call_back(fault.pool, self._fullest(fault.pool) if fault.zone is None else fault.zone, market, 1.0)

        self._engine.at(fault.at_s, lose)

    def _fullest(self, pool: int) -> int:
        """The zone with the most nodes of a pool, the first of equals."""
        counts = [0] * len(self._pools[pool].pool.zones)
        for node in self._cluster.nodes:
            if node.pool == pool:
                counts[node.zone] += 1
        return counts.index(max(counts))

    def _call_back(self, pool: int, zone: int, market: SpotMarket, share: float) -> None:
        self._no_stock_until_s[pool][zone] = self._engine.now_s + market.drought_s
        before = self.notices
        for node in [n for n in self._cluster.nodes if n.pool == pool and n.zone == zone]:
            if self._taken[pool].random() < share:
                self._notice(node, market)
        self._cluster.journal.add_event(self._engine.now_s, Happening.ZONE, pool, zone, self.notices - before)

    def _notice(self, node: Node, market: SpotMarket) -> None:
        if node.gone or node.called_back or not node.granted:
            return
        node.leaving = node.called_back = True
        if not node.came:
            node.asker, node.why = self._cluster.asker(node), SPOT_NOTICE
        self.notices += 1
        self._cluster.journal.add_event(self._engine.now_s, Happening.NOTICE, node.pool, node.zone)
        self._engine.at(self._engine.now_s + market.notice_s, lambda: self._cluster.remove_node(node))
        self.on_notice(node)


def largest_nodes(pool: PoolSetting) -> float:
    """Most nodes that a pool may have."""
    return math.inf if pool.pool.max_nodes is None else float(pool.pool.max_nodes)
