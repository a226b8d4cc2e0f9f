"""Simple fidelity: constant lead times, one GPU a replica and a node, no backlog; comparable with theory.

An ask in tick t is billed from t and serves from t + ceil(lead / tick). Releases act at once, youngest starting first,
then ready ones; the node goes too unless a placeholder is asked in that tick. A replica takes a bound placeholder's
GPU, else the oldest pending one's. Each GPU is billed once: billed = ready + starting + placeholders.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Floats, Ints
from autoscaler.domain.inventory import Inventory, Placeholder
from autoscaler.domain.signal import ARRIVALS, GPU_UTILIZATION, QUEUE, SERVED, SIGNALS, SignalKind, SignalReadings
from autoscaler.simulator.engine import Engine, Event
from autoscaler.simulator.world import TickRecord


@dataclass(slots=True, eq=False)
class _Cohort:
    """Replicas asked for together, whose nodes are up at `node_at_s`."""

    count: int
    node_at_s: float
    event: Event | None = None


@dataclass(slots=True)
class _Held:
    """A placeholder's GPU: asked for at `asked_s`, up at `node_at_s`."""

    asked_s: float
    node_at_s: float


class SimpleWorld:
    """W workloads, each on its own demand; implements the metrics and cluster ports.

    requests: float [W, T] a tick, NaN where the trace is missing. capacity: float [W], requests a tick and replica.
    node_lead_s, replica_lead_s: float [W]. signals: the signals that can be read.
    """

    def __init__(
        self, requests: Floats, capacity: Floats, tick_s: float, node_lead_s: Floats, replica_lead_s: Floats,
        signals: frozenset[SignalKind],
    ) -> None:  # fmt: skip
        self._requests, self._capacity, self._tick_s = requests, capacity, tick_s
        self._node_lead_s, self._replica_lead_s = node_lead_s, replica_lead_s
        self._hidden = [k for k in SignalKind if k not in signals]
        self._engine = Engine()
        self._tick = 0
        first = [row[np.isfinite(row)][0] for row in requests]
        self._ready = np.ceil(np.array(first) / capacity - 1e-9).astype(np.int64)
        workloads = self._ready.size
        self._floor = self._ready.copy()
        self._starting = np.zeros(workloads, dtype=np.int64)
        self._starts = np.zeros(workloads, dtype=np.int64)
        self._cohorts: list[list[_Cohort]] = [[] for _ in range(workloads)]
        self._held: list[dict[int, _Held]] = [{} for _ in range(workloads)]
        self._freed: list[list[float]] = [[] for _ in range(workloads)]
        self._readings = SignalReadings.empty(workloads)
        self._nothing = np.zeros(1, dtype=np.int64)
        self._no_pending = np.zeros(workloads, dtype=np.int64)

    # metrics port

    def read(self, now_s: float) -> SignalReadings:
        """Signals of the tick before; a tick without data leaves them missing."""
        return self._readings

    # cluster port

    def inventory(self, now_s: float) -> Inventory:
        """What stands now; the one pool is index 0."""
        held = tuple(
            Placeholder(w, 0, slot, one.node_at_s <= now_s)
            for w, slots in enumerate(self._held)
            for slot, one in slots.items()
        )
        return Inventory(
            ready=self._ready[:, None].copy(),
            starting=self._starting[:, None].copy(),
            pending=self._no_pending,
            floor=self._floor.copy(),
            placeholders=held,
            free_gpus=self._nothing,
            nodes=self._nothing,
            nodes_starting=self._nothing,
            obtainable=np.ones(1, dtype=bool),
        )

    def set_floor(self, workload: int, replicas: int) -> None:
        """Starts or releases the difference at once: nothing else scales the workload."""
        change = replicas - int(self._floor[workload])
        self._floor[workload] = replicas
        if change > 0:
            self._start(workload, change)
        elif change < 0:
            self._release(workload, -change)

    def create_placeholder(self, workload: int, pool: int, slot: int) -> None:
        """On a node released in this tick, or on a new one."""
        if slot in self._held[workload]:
            return
        now_s = self._engine.now_s
        freed = self._freed[workload]
        node_at_s = freed.pop() if freed else now_s + float(self._node_lead_s[workload])
        self._held[workload][slot] = _Held(now_s, node_at_s)

    def delete_placeholder(self, workload: int, pool: int, slot: int) -> None:
        """The node goes with it."""
        self._held[workload].pop(slot, None)

    def _start(self, w: int, count: int) -> None:
        now_s = self._engine.now_s
        self._starts[w] += count
        self._starting[w] += count
        by_node: dict[float, int] = {}
        for _ in range(count):
            node_at_s = self._node_for_replica(w, now_s)
            by_node[node_at_s] = by_node.get(node_at_s, 0) + 1
        for node_at_s, n in by_node.items():
            self._plan_cohort(w, _Cohort(n, node_at_s))

    def _plan_cohort(self, w: int, cohort: _Cohort) -> None:
        now_s = self._engine.now_s
        lead_s = max(cohort.node_at_s - now_s, 0.0) + float(self._replica_lead_s[w])
        ready_s = now_s + math.ceil(lead_s / self._tick_s - 1e-9) * self._tick_s
        self._cohorts[w].append(cohort)
        cohort.event = self._engine.at(ready_s, lambda: self._serve(w, cohort))

    def _node_for_replica(self, w: int, now_s: float) -> float:
        held = self._held[w]
        if not held:
            return now_s + float(self._node_lead_s[w])
        slot = min(held, key=lambda s: (held[s].node_at_s > now_s, held[s].asked_s, s))
        return held.pop(slot).node_at_s

    def _serve(self, w: int, cohort: _Cohort) -> None:
        self._cohorts[w].remove(cohort)
        self._starting[w] -= cohort.count
        self._ready[w] += cohort.count

    def _release(self, w: int, count: int) -> None:
        while count and self._cohorts[w]:
            youngest = self._cohorts[w][-1]
            n = min(count, youngest.count)
            youngest.count -= n
            count -= n
            self._starting[w] -= n
            self._give_nodes(w, n, youngest.node_at_s)
            if not youngest.count:
                self._cohorts[w].pop()
                if youngest.event is not None:
                    youngest.event.cancelled = True
        self._ready[w] -= count
        self._give_nodes(w, count, -math.inf)

    def _give_nodes(self, w: int, count: int, node_at_s: float) -> None:
        """Released nodes go to placeholders asked for in this tick, before or after the release."""
        fresh = [h for h in self._held[w].values() if h.asked_s == self._engine.now_s and h.node_at_s > node_at_s]
        for held in fresh[:count]:
            held.node_at_s = node_at_s
        self._freed[w].extend([node_at_s] * (count - min(count, len(fresh))))

    # the world

    def advance(self, until_s: float) -> TickRecord:
        """Runs the tick that begins now and ends at `until_s`; its starts that take no time serve in it."""
        self._engine.run_until(self._tick * self._tick_s)
        requests = self._requests[:, self._tick]
        offered = requests / self._capacity
        ready = self._ready.astype(np.float64)
        short = np.maximum(offered - ready, 0.0)
        late = np.nan_to_num(short * self._capacity)
        served = np.nan_to_num(requests) - late
        bound, pending = self._placeholder_counts()
        record = TickRecord(
            arrivals=requests,
            offered_replicas=offered,
            ready_replicas=ready,
            starting_replicas=self._starting.copy(),
            queue=late,
            served=served,
            late=late,
            billed_gpus_primary=ready + self._starting + bound + pending,
            billed_gpus_burst=np.zeros(ready.size),
            placeholders_bound=bound,
            placeholders_pending=pending,
            warm_gpus=bound,
            floor=self._floor.copy(),
            starts=self._starts.copy(),
        )
        self._observe(record)
        self._starts[:] = 0
        self._freed = [[] if freed else freed for freed in self._freed]
        self._tick += 1
        self._engine.run_until(until_s)
        return record

    def _placeholder_counts(self) -> tuple[Ints, Ints]:
        counts = np.zeros((2, len(self._held)), dtype=np.int64)
        for w, slots in enumerate(self._held):
            for held in slots.values():
                counts[0 if held.node_at_s <= self._engine.now_s else 1, w] += 1
        return counts[0], counts[1]

    def _observe(self, record: TickRecord) -> None:
        values = np.full((record.floor.size, SIGNALS), np.nan)
        known = np.isfinite(record.arrivals)
        values[:, ARRIVALS] = record.arrivals / self._tick_s
        values[:, QUEUE] = np.where(known, record.queue, np.nan)
        values[:, SERVED] = np.where(known, record.served / self._tick_s, np.nan)
        ready = np.where(record.ready_replicas > 0, record.ready_replicas, np.nan)
        values[:, GPU_UTILIZATION] = np.minimum(record.offered_replicas / ready, 1.0)
        values[:, self._hidden] = np.nan
        age_s = np.where(np.isfinite(values), 0.0, np.inf)
        self._readings = SignalReadings(values, age_s)
