"""Simple fidelity: constant lead times, one GPU a replica and a node, no backlog; comparable with theory.

An ask in tick t is billed from t and serves from t + ceil(lead / tick). Releases act at once, youngest starting first,
then ready ones. A replica takes a bound placeholder's GPU, else the oldest pending one's. Each GPU is billed once:
billed = ready + starting + placeholders + idle.

A released GPU is idle, and billed, for the scale-down delay of the node autoscaler; where there is none its node goes
at once, unless a placeholder is asked for in that tick. Whatever is asked for meanwhile takes an idle GPU before it
displaces a placeholder, as a scheduler preempts only where nothing is free. The youngest goes first: Cluster Autoscaler
softly taints the nodes that it has found empty, so the scheduler prefers the ones emptied since, and the oldest run
out of their delay undisturbed. An idle GPU whose node is still on its way is the last choice.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Floats, Ints
from autoscaler.domain.inventory import Inventory, Placeholder
from autoscaler.domain.signal import SIGNALS, SignalKind, SignalReadings
from autoscaler.simulator.engine import Engine, Event
from autoscaler.simulator.journal import Journal
from autoscaler.simulator.world import Stock, TickRecord

_ROUNDING_S = 1e-6


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


@dataclass(frozen=True, slots=True, eq=False)
class _Idle:
    """A released GPU: up at `node_at_s`, taken away at `gone_s` (now where there is no scale-down delay)."""

    node_at_s: float
    gone_s: float


class SimpleWorld:
    """W workloads, each on its own demand; implements the metrics and cluster ports.

    requests: float [W, T] a tick, NaN where the trace is missing. capacity: float [W], requests a tick and replica.
    node_lead_s, replica_lead_s: float [W]. signals: the signals that can be read. scale_down_delay_s: how long a
    released GPU stays.
    """

    def __init__(
        self, requests: Floats, capacity: Floats, tick_s: float, node_lead_s: Floats, replica_lead_s: Floats,
        signals: frozenset[SignalKind], scale_down_delay_s: float = 0.0,
    ) -> None:  # fmt: skip
        self._requests, self._offered = requests.T.copy(), (requests / capacity[:, None]).T.copy()
        self._gaps = set(np.flatnonzero(np.isnan(self._requests).any(axis=1)).tolist())
        self._capacity, self._tick_s = capacity, tick_s
        self._node_lead_s, self._replica_lead_s = node_lead_s, replica_lead_s
        self._delay_s = math.ceil(scale_down_delay_s / tick_s - 1e-9) * tick_s
        self._visible = [kind for kind in _MEASURES if kind in signals]
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
        self._idle: list[list[_Idle]] = [[] for _ in range(workloads)]
        self.journal = Journal(workloads)
        self._readings = SignalReadings.empty(workloads)
        self._nothing = np.zeros(1, dtype=np.int64)
        self._none = np.zeros(workloads, dtype=np.int64)
        self._obtainable = np.ones(1, dtype=bool)

    # metrics port

    def read(self, now_s: float) -> SignalReadings:
        """Signals of the tick before; a tick without data leaves them missing."""
        return self._readings

    # cluster port

    def inventory(self, now_s: float) -> Inventory:
        """What stands now; the one pool is index 0."""
        held = [
            Placeholder(w, 0, slot, one.node_at_s <= now_s)
            for w, slots in enumerate(self._held)
            if slots
            for slot, one in slots.items()
        ]
        return Inventory(
            ready=self._ready[:, None].copy(),
            starting=self._starting[:, None].copy(),
            pending=self._none,
            floor=self._floor.copy(),
            placeholders=tuple(held),
            free_gpus=np.array([self._free_gpus()]) if any(self._idle) else self._nothing,
            nodes=self._nothing,
            nodes_starting=self._nothing,
            obtainable=self._obtainable,
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
        """On an idle GPU, one released in this tick included, or on a new node."""
        if slot in self._held[workload]:
            return
        now_s = self._engine.now_s
        idle = self._next_idle(workload)
        node_at_s = now_s + float(self._node_lead_s[workload])
        if idle is not None:
            self._idle[workload].remove(idle)
            node_at_s = idle.node_at_s
        self._held[workload][slot] = _Held(now_s, node_at_s)
        self.journal.made[workload] += 1

    def delete_placeholder(self, workload: int, pool: int, slot: int) -> None:
        """Its GPU falls idle; without a scale-down delay the node goes with it."""
        held = self._held[workload].pop(slot, None)
        if held is not None and self._delay_s > 0.0:
            self._idle[workload].append(_Idle(held.node_at_s, self._engine.now_s + self._delay_s))

    def _start(self, w: int, count: int) -> None:
        self._starts[w] += count
        self._starting[w] += count
        by_node: dict[float, int] = {}
        for _ in range(count):
            node_at_s = self._node_for_replica(w)
            by_node[node_at_s] = by_node.get(node_at_s, 0) + 1
        for node_at_s, n in by_node.items():
            self._plan_cohort(w, _Cohort(n, node_at_s))

    def _plan_cohort(self, w: int, cohort: _Cohort) -> None:
        now_s = self._engine.now_s
        lead_s = max(cohort.node_at_s - now_s, 0.0) + float(self._replica_lead_s[w])
        ready_s = now_s + math.ceil(lead_s / self._tick_s - 1e-9) * self._tick_s
        self._cohorts[w].append(cohort)
        cohort.event = self._engine.at(ready_s, lambda: self._serve(w, cohort))

    def _node_for_replica(self, w: int) -> float:
        """When its node is up: an idle GPU's, a placeholder's, or a new one's; what is up goes before what comes."""
        now_s, held = self._engine.now_s, self._held[w]
        slot = min(held, key=lambda s: (held[s].node_at_s > now_s, held[s].asked_s, s), default=None)
        idle = self._next_idle(w) if self._delay_s > 0.0 else None
        if idle is not None and (idle.node_at_s <= now_s or slot is None or held[slot].node_at_s > now_s):
            self._idle[w].remove(idle)
            return idle.node_at_s
        if slot is None:
            return now_s + float(self._node_lead_s[w])
        self.journal.used[w] += 1
        return held.pop(slot).node_at_s

    def _next_idle(self, w: int) -> _Idle | None:
        """The idle GPU that is taken next: of those that are up the youngest, else the one that is up first."""
        now_s = self._engine.now_s
        return min(reversed(self._idle[w]), key=lambda one: max(one.node_at_s, now_s), default=None)

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
        """Released nodes go to placeholders asked for in this tick, before or after the release; the rest idle."""
        now_s = self._engine.now_s
        fresh = [h for h in self._held[w].values() if h.asked_s == now_s and h.node_at_s > node_at_s]
        for held in fresh[:count]:
            held.node_at_s = node_at_s
        left = count - min(count, len(fresh))
        self._idle[w].extend(_Idle(node_at_s, now_s + self._delay_s) for _ in range(left))

    # the world

    def advance(self, until_s: float) -> TickRecord:
        """Runs the tick that begins now and ends at `until_s`; its starts that take no time serve in it."""
        self._engine.run_until(self._tick * self._tick_s)
        requests, offered = self._requests[self._tick], self._offered[self._tick]
        ready = self._ready.astype(np.float64)
        late = np.maximum(offered - ready, 0.0) * self._capacity
        served = requests - late
        if self._tick in self._gaps:
            late, served = np.nan_to_num(late), np.nan_to_num(served)
        bound, pending = self._placeholder_counts()
        billed = self._ready + self._starting + bound + pending + self._idle_counts()
        record = TickRecord(
            arrivals=requests,
            offered_replicas=offered,
            ready_replicas=ready,
            starting_replicas=self._starting.copy(),
            queue=late,
            served=served,
            late=late,
            billed_gpus=billed[:, None].astype(np.float64),
            placeholders_bound=bound,
            placeholders_pending=pending,
            warm_gpus=bound,
            floor=self._floor.copy(),
            starts=self._starts.copy(),
        )
        self._readings = self._measured(record)
        self._starts[:] = 0
        self._tick += 1
        self._engine.run_until(until_s)
        for idle in filter(None, self._idle):
            idle[:] = [one for one in idle if one.gone_s > until_s + _ROUNDING_S]
        return record

    def node_counts(self) -> Ints:
        """Nodes up, on order, and of those up the ones that placeholders alone hold, int [3, 1]; a GPU is a node."""
        now_s = self._engine.now_s
        bound, pending = (int(count.sum()) for count in self._placeholder_counts())
        booting = sum(c.count for cohorts in self._cohorts for c in cohorts if c.node_at_s > now_s)
        idle, free = int(self._idle_counts().sum()), self._free_gpus()
        up = int((self._ready + self._starting).sum()) - booting + bound + free
        return np.array([[up], [booting + pending + idle - free], [bound]])

    def stock(self) -> Stock:
        """What stands now."""
        nodes, held = self.node_counts(), sum(count.sum() for count in self._placeholder_counts())
        made, used = np.array(self.journal.made), np.array(self.journal.used)
        return Stock(nodes, nodes[0], np.array([held]), made, used)

    def _placeholder_counts(self) -> tuple[Ints, Ints]:
        if not any(self._held):
            return self._none, self._none
        counts = np.zeros((2, len(self._held)), dtype=np.int64)
        for w, slots in enumerate(self._held):
            for held in slots.values():
                counts[0 if held.node_at_s <= self._engine.now_s else 1, w] += 1
        return counts[0], counts[1]

    def _idle_counts(self) -> Ints:
        """Idle GPUs that are billed, int [W]: without a delay none is."""
        if self._delay_s <= 0.0 or not any(self._idle):
            return self._none
        return np.array([len(idle) for idle in self._idle], dtype=np.int64)

    def _free_gpus(self) -> int:
        now_s = self._engine.now_s
        return sum(one.node_at_s <= now_s < one.gone_s for idle in self._idle for one in idle)

    def _measured(self, record: TickRecord) -> SignalReadings:
        values = np.full((record.floor.size, SIGNALS), np.nan)
        for kind in self._visible:
            values[:, kind] = _MEASURES[kind](record, self._tick_s)
        return SignalReadings(values, np.where(np.isfinite(values), 0.0, np.inf))


def _utilization(record: TickRecord, tick_s: float) -> Floats:
    ready = np.where(record.ready_replicas > 0, record.ready_replicas, np.nan)
    out: Floats = np.minimum(record.offered_replicas / ready, 1.0)
    return out


_MEASURES: dict[SignalKind, Callable[[TickRecord, float], Floats]] = {
    SignalKind.ARRIVALS: lambda record, tick_s: record.arrivals / tick_s,
    SignalKind.QUEUE: lambda record, _: np.where(np.isfinite(record.arrivals), record.queue, np.nan),
    SignalKind.SERVED: lambda record, tick_s: np.where(np.isfinite(record.arrivals), record.served / tick_s, np.nan),
    SignalKind.GPU_UTILIZATION: _utilization,
}
"""What each signal reads after a tick, float [W]."""
