"""Full fidelity: stages drawn from distributions, queues, scrapes, a scheduler with preemption, a node autoscaler with
its own delays, shared nodes of several GPUs, spot losses, stock-outs and an HPA where a workload has one.

Implements the metrics, cluster and starts ports. Strategies meet the same luck: each purpose draws from its own seeded
stream.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from autoscaler.domain.arrays import Bools, Floats, Ints
from autoscaler.domain.hpa import SYNC_PERIOD_S, HorizontalScaler
from autoscaler.domain.inventory import Inventory
from autoscaler.domain.lead_time import Start
from autoscaler.domain.rollout import Rollout
from autoscaler.domain.signal import SignalReadings
from autoscaler.simulator.cloud import Cloud, largest_nodes, stream
from autoscaler.simulator.cluster import Cluster
from autoscaler.simulator.delays import Delays
from autoscaler.simulator.engine import Engine
from autoscaler.simulator.flow import Flow
from autoscaler.simulator.journal import Journal
from autoscaler.simulator.node_autoscaler import NodeAutoscaler
from autoscaler.simulator.objects import Node, Pod
from autoscaler.simulator.replicas import ReplicaSet
from autoscaler.simulator.scheduler import Scheduler
from autoscaler.simulator.settings import ClusterSetting, HpaSetting, NewImage, WorkloadSetting
from autoscaler.simulator.starter import Starter
from autoscaler.simulator.starts import StartsReader
from autoscaler.simulator.telemetry import Telemetry
from autoscaler.simulator.world import Stock, TickRecord


class FullWorld:
    """W workloads on P pools."""

    def __init__(self, setting: ClusterSetting) -> None:
        self._setting = setting
        self._engine = Engine()
        workloads, pools = setting.workloads, setting.pools
        self._cluster = Cluster(self._engine, len(workloads), len(pools))
        self._flows = [Flow(w.requests_per_s, w.late_after_s, w.patience_s) for w in workloads]
        self._telemetry = Telemetry(self._engine, self._flows, setting)
        self._cloud = Cloud(self._cluster, setting)
        self._autoscaler = NodeAutoscaler(self._cluster, self._cloud, setting, self._evict)
        delays = Delays(setting.faults, stream(setting.seed, 7))
        starter = Starter(self._cluster, workloads, stream(setting.seed, 5), delays)
        self._scheduler = Scheduler(self._cluster, starter, setting.bind_s)
        self._sets = [ReplicaSet(self._cluster, w, s) for w, s in enumerate(workloads)]
        self._floor: Ints = np.array(setting.start_replicas, dtype=np.int64)
        self._cluster.on_ready = self._ready_changed
        self._cloud.on_notice = self._drain
        self._stand()
        self._cluster.on_pods = self._pods_changed
        self._pods_changed()
        for w, workload in enumerate(workloads):
            self._arrive(w, 0)
            if workload.hpa is not None:
                self._plan_hpa(w, workload.hpa, HorizontalScaler(workload.hpa.target))
        for fault in setting.faults:
            if isinstance(fault, NewImage):
                self._engine.at(fault.at_s, partial(self._sets[fault.workload].roll_out, fault))
        self._before = self._totals()
        self._reader: StartsReader | None = None

    # metrics port

    def read(self, now_s: float) -> SignalReadings:
        """What was scraped last."""
        return self._telemetry.read(now_s)

    # cluster port

    def inventory(self, now_s: float) -> Inventory:
        """What stands now."""
        cluster = self._cluster
        pools = range(len(self._setting.pools))
        pending = [sum(p.node is None for p in pods) for pods in cluster.replicas]
        up = [n for n in cluster.nodes if n.usable and not n.leaving]
        return Inventory(
            ready=cluster.ready.copy(),
            starting=cluster.starting.copy(),
            pending=np.array(pending, dtype=np.int64),
            floor=self._floor.copy(),
            placeholders=cluster.placeholder_list(),
            free_gpus=np.array([sum(n.free for n in up if n.pool == p) for p in pools], dtype=np.int64),
            nodes=np.array([sum(n.pool == p for n in up) for p in pools], dtype=np.int64),
            nodes_starting=np.array([sum(n.pool == p and not n.usable for n in cluster.nodes) for p in pools]),
            obtainable=np.array([self._autoscaler.obtainable(p) for p in pools]),
            rollouts=self._rollouts(),
        )

    def set_floor(self, workload: int, replicas: int) -> None:
        """The replica count itself, or `minReplicas` where an HPA owns it."""
        self._floor[workload] = replicas
        owned = self._setting.workloads[workload].hpa is not None
        here = self._sets[workload]
        here.scale(max(here.target, replicas) if owned else replicas)

    def create_placeholder(self, workload: int, pool: int, slot: int) -> None:
        """Pinned to the pool."""
        self._cluster.create_placeholder(workload, self._setting.workloads[workload].gpus, pool, slot)

    def delete_placeholder(self, workload: int, pool: int, slot: int) -> None:
        """Its GPUs are free at once; whether the node goes is the node autoscaler's to say."""
        self._cluster.delete_placeholder((workload, pool, slot))

    # starts port

    def starts(self, now_s: float) -> list[Start]:
        """As `StartsPort`, for one reader that looks for the first time at the first call."""
        if self._reader is None:
            self._reader = self.starts_reader()
        return self._reader.starts(now_s)

    def starts_reader(self) -> StartsReader:
        """One more reader of starts, as after a restart of the controller: it tells all that stands now anew."""
        return StartsReader(self._cluster, self._setting, self._autoscaler)

    def _rollouts(self) -> tuple[Rollout | None, ...]:
        found = tuple(here.rollout for here in self._sets)
        return found if any(found) else ()

    # what happens by itself

    def _stand(self) -> None:
        """Replicas that serve at time 0, on nodes of their first pool with room, and the least nodes of each pool."""
        for w, count in enumerate(self._setting.start_replicas):
            workload = self._setting.workloads[w]
            for _ in range(count):
                node = self._standing_node(workload)
                pod = self._cluster.create_replica(w, workload.gpus, workload.pools)
                if node is not None:
                    node.images[w] = 0.0
                    self._cluster.bind(pod, node)
                    self._cluster.serve(pod)
            self._sets[w].target = count
        for p, setting in enumerate(self._setting.pools):
            for _ in range(setting.pool.min_nodes - sum(n.pool == p for n in self._cluster.nodes)):
                self._cloud.standing(p, len(self._cluster.nodes) % len(setting.pool.zones))

    def _standing_node(self, workload: WorkloadSetting) -> Node | None:
        """A node with room, or one more where its pool may have it."""
        for pool in workload.pools:
            there = [n for n in self._cluster.nodes if n.pool == pool]
            found = next((n for n in there if n.free >= workload.gpus), None)
            setting = self._setting.pools[pool]
            if found is None and workload.gpus <= setting.pool.gpus_per_node and len(there) < largest_nodes(setting):
                found = self._cloud.standing(pool, len(self._cluster.nodes) % len(setting.pool.zones))
            if found is not None:
                return found
        return None

    def _pods_changed(self) -> None:
        self._scheduler.poke()
        self._autoscaler.poke()

    def _ready_changed(self, w: int) -> None:
        flow = self._flows[w]
        flow.to(self._engine.now_s)
        flow.ready = int(self._cluster.ready[w].sum())
        if self._sets[w].is_rolling:
            self._engine.at(self._engine.now_s, self._sets[w].reconcile)

    def _evict(self, pod: Pod) -> None:
        self._sets[pod.workload].evict(pod)

    def _drain(self, node: Node) -> None:
        for pod in [p for p in node.pods if p.is_placeholder]:
            self._cluster.evict(pod)
        for replicas in self._sets:
            replicas.drain(node)
        self._pods_changed()

    def _arrive(self, w: int, step: int) -> None:
        workload, flow = self._setting.workloads[w], self._flows[w]
        flow.to(self._engine.now_s)
        requests = float(workload.requests[step]) if step < workload.requests.size else math.nan
        self._telemetry.unknown[w] = math.isnan(requests)
        flow.rate = 0.0 if math.isnan(requests) else requests / workload.step_s
        if step + 1 <= workload.requests.size:
            self._engine.at((step + 1) * workload.step_s, lambda: self._arrive(w, step + 1))

    def _plan_hpa(self, w: int, hpa: HpaSetting, scaler: HorizontalScaler) -> None:
        def sync() -> None:
            self._engine.at(self._engine.now_s + SYNC_PERIOD_S, sync)
            here = self._sets[w]
            rate = self._telemetry.arrival_rate(w)
            load = rate / self._setting.workloads[w].requests_per_s
            use = load / here.target if here.target else (math.inf if load > 0.0 else math.nan)
            wanted = scaler.replicas(self._engine.now_s, np.array([here.target]), np.array([use]))
            here.scale(max(int(wanted[0]), int(self._floor[w])))

        self._engine.at(SYNC_PERIOD_S, sync)

    # the world

    @property
    def notices(self) -> int:
        """Spot nodes called back so far."""
        return self._cloud.notices

    def advance(self, until_s: float) -> TickRecord:
        """Runs to `until_s`; means over the tick for replicas and GPUs, counts at its end for pods and nodes."""
        began_s = self._engine.now_s
        asked = self._floor.copy()
        self._engine.run_until(until_s)
        for flow in self._flows:
            flow.to(until_s)
        tick_s = until_s - began_s
        before, self._before = self._before, self._totals()
        arrived, served, late, ready_s, starts = self._before - before
        billed = self._cluster.meter.take(until_s) / tick_s
        known = self._known(began_s, until_s)
        per_replica = np.array([w.requests_per_s for w in self._setting.workloads])
        bound, pending = self._placeholder_counts()
        gpus = np.array([w.gpus for w in self._setting.workloads])
        return TickRecord(
            arrivals=np.where(known, arrived, np.nan),
            offered_replicas=np.where(known, arrived / (per_replica * tick_s), np.nan),
            ready_replicas=ready_s / tick_s,
            starting_replicas=self._cluster.starting.sum(axis=1),
            queue=np.array([flow.queue for flow in self._flows]),
            served=served,
            late=late,
            billed_gpus=billed,
            placeholders_bound=bound,
            placeholders_pending=pending,
            warm_gpus=bound * gpus,
            floor=asked,
            starts=starts.astype(np.int64),
        )

    def _totals(self) -> Floats:
        """Running totals, float [5, W]: arrived, served, late, ready seconds, starts."""
        rows = [(f.arrived, f.served, f.late, f.ready_s) for f in self._flows]
        return np.array([(*row, n) for row, n in zip(rows, self._cluster.starts, strict=True)], dtype=np.float64).T

    def _known(self, from_s: float, until_s: float) -> Bools:
        known = []
        for workload in self._setting.workloads:
            first, end = int(from_s // workload.step_s), math.ceil(until_s / workload.step_s - 1e-9)
            part = workload.requests[first:end]
            known.append(part.size == end - first and bool(np.isfinite(part).all()))
        return np.array(known)

    def _placeholder_counts(self) -> tuple[Ints, Ints]:
        counts = np.zeros((2, len(self._sets)), dtype=np.int64)
        for placeholder in self._cluster.placeholder_list():
            counts[0 if placeholder.bound else 1, placeholder.workload] += 1
        return counts[0], counts[1]

    def node_counts(self) -> Ints:
        """Nodes up, on order, and of those up the ones that placeholders alone hold, int [3, P]."""
        counts = np.zeros((3, len(self._setting.pools)), dtype=np.int64)
        for node in self._cluster.nodes:
            counts[0 if node.usable else 1, node.pool] += 1
            if node.usable and node.pods and all(p.is_placeholder for p in node.pods):
                counts[2, node.pool] += 1
        return counts

    def stock(self) -> Stock:
        """What stands now."""
        zones = [len(p.pool.zones) for p in self._setting.pools]
        by_zone = [np.zeros(n, dtype=np.int64) for n in zones]
        held = np.zeros(len(zones), dtype=np.int64)
        for node in self._cluster.nodes:
            by_zone[node.pool][node.zone] += node.usable
            held[node.pool] += node.placeholder_gpus
        made, used = np.array(self.journal.made), np.array(self.journal.used)
        return Stock(self.node_counts(), np.concatenate(by_zone), held, made, used)

    @property
    def journal(self) -> Journal:
        """What happened so far."""
        return self._cluster.journal
