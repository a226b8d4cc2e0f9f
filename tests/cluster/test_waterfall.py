"""Where the time of each start goes, on a real control plane: each stage of each start as injected, whether the pod's
conditions or a scrape tells of it, with restarts in the middle; and starts that fail or stick, shown as such."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

import numpy as np
import pytest

from autoscaler.adapters.kubernetes.transport import Transport
from autoscaler.adapters.prometheus.server import PrometheusServer
from autoscaler.adapters.prometheus.settings import PrometheusSettings
from autoscaler.adapters.prometheus.stamps import PrometheusStamps
from autoscaler.adapters.system_clock import SystemClock
from autoscaler.compose.stamped import StampedStarts
from autoscaler.domain.lead_time import Part, Stage, Start, StartEnd, StartPath
from tests.cluster.clock import epoch_s, read_stamp, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.exporter import Exporter
from tests.cluster.karpenter import Karpenter
from tests.cluster.kubelet import BEGUN, FORMAT, PRESENT, TAKEN, UNTOLD, Containers, Kubelet
from tests.cluster.live import DEPLOYMENTS, LiveFleet, deployment, live_fleet
from tests.cluster.objects import condition
from tests.cluster.pools import ZONES, Pool
from tests.cluster.product_link import product_link
from tests.cluster.prometheus import Prometheus
from tests.cluster.stages import PULLED, STAMPED, Drawing, Law, Stages
from tests.cluster.watch import Watch

Measured = Callable[[str, float, str], None]
WITHIN_S = 2.0
STARTS_S = 240.0
FIRST, SECOND = 26, 30
"""Replicas of the first wave, for which all nodes are bought, and of the second, of which some find one."""
LAW = Law(Stages(boot_s=6, gpu_s=4), spread=0.4)
REGISTRATION_S = 3
WARM = Pool("gpu-slow", gpus=8, stages=Stages(boot_s=0))
SLOW = Pool("gpu-slow", gpus=4, law="slow", registration_s=REGISTRATION_S)
LEAST = Stages(image_s=3, weights_s=4, cuda_s=2, transfer_s=2, warm_s=2)
MOST = Stages(image_s=7, weights_s=9, cuda_s=4, transfer_s=5, warm_s=4)
DIGEST = "0a1b2c3d4e5f"
STAMPED_STAGES = (Stage.WEIGHTS, Stage.CUDA, Stage.TRANSFER)
STUCK = {STAMPED: "nobody"}
PULL_OF_AN_HOUR = Stages(image_s=3600)
QUICK = Stages(image_s=2)


@pytest.fixture
def transport(cluster: Cluster) -> Iterator[Transport]:
    with product_link(cluster) as link:
        yield link


@pytest.fixture
def fleet(cluster: Cluster, transport: Transport) -> Iterator[LiveFleet]:
    """One workload of a GPU a replica, on nodes of four."""
    cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, 0))
    with live_fleet(LiveFleet(cluster, transport, (SLOW,), ("chat",))) as found:
        yield found


@pytest.fixture
def drawing(cluster: Cluster) -> Iterator[Drawing]:
    with Drawing(cluster.api, {"slow": LAW}, seed=5) as found:
        yield found


@pytest.fixture
def kubelet(cluster: Cluster, exporter: Exporter) -> Iterator[Kubelet]:
    with Kubelet(cluster.api, cluster.namespace, exporter) as found:
        yield found


@dataclass
class Observer:
    """What a controller and its record know of starts, over several lives of the process."""

    fleet: LiveFleet
    prometheus: str
    told: dict[str, Start] = field(default_factory=dict)
    """Those that ended, as they were told last: of replicas by name, of nodes by uid."""
    waiting: dict[str, Start] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """A process that has seen nothing yet."""
        clock = SystemClock()
        server = PrometheusServer(PrometheusSettings(self.prometheus), clock)
        self.starts = StampedStarts(PrometheusStamps(server))

    def restart(self) -> None:
        self.fleet.restart()
        self.begin()

    def look(self) -> None:
        self.fleet.inventory()
        now_s = epoch_s()
        found = self.starts.take(self.fleet.port.starts(now_s), now_s)
        self.waiting = {_name(one): one for one in found if one.end is StartEnd.WAITING}
        self.told |= {_name(one): one for one in found if one.end is not StartEnd.WAITING}

    def wait(self, is_so: Callable[[], object], what: str) -> None:
        def look() -> bool:
            self.look()
            return bool(is_so())

        wait_until(look, what, STARTS_S, 0.25)

    def complete(self, names: Mapping[str, Stages]) -> set[str]:
        """Those of these whose stages are all told."""
        return {name for name in names if name in self.told and Stage.TRANSFER in self.told[name].stages}


def _name(start: Start) -> str:
    return start.pod.partition("/")[2] or start.uid


class Replicas:
    """Makes pods whose stages are drawn evenly between LEAST and MOST."""

    def __init__(self, cluster: Cluster, seed: int) -> None:
        self._cluster, self._generator = cluster, np.random.default_rng(seed)
        self.meant: dict[str, Stages] = {}
        self.notes: dict[str, dict[str, str]] = {}

    def make(self, count: int) -> dict[str, Stages]:
        """By name; every other one stamps by conditions, and one of four finds its image."""
        made = {}
        for n in range(len(self.meant), len(self.meant) + count):
            found = UNTOLD if n % 8 == 7 else PRESENT if n % 8 in (2, 3) else TAKEN
            notes = {STAMPED: ("conditions", "metrics")[n % 2], PULLED: found}
            made[f"replica-{n}"] = self._draw(0 if found == PRESENT else None)
            self._create(f"replica-{n}", made[f"replica-{n}"], notes)
        self.meant |= made
        return made

    def make_troubled(self, name: str, stages: Stages = QUICK, gpus: int = 1) -> str:
        """By the name in which its start is told: while it has no node, its uid."""
        uid = self._create(name, stages, STUCK, gpus)
        return uid if gpus > WARM.gpus else name

    def _create(self, name: str, stages: Stages, notes: dict[str, str], gpus: int = 1) -> str:
        self.notes[name] = notes
        made = self._cluster.create_pod(name, stages=stages, annotations=notes, labels={"app": "chat"}, gpus=gpus)
        return str(made["metadata"]["uid"])

    def _draw(self, image_s: int | None) -> Stages:
        drawn = {
            name: int(self._generator.integers(getattr(LEAST, name), getattr(MOST, name) + 1))
            for name in ("image_s", "weights_s", "cuda_s", "transfer_s", "warm_s")
        }
        return Stages(**(drawn if image_s is None else drawn | {"image_s": image_s}))


def of_replica(stages: Stages) -> dict[Stage, float]:
    seconds = {
        Stage.IMAGE: stages.image_s, Stage.WEIGHTS: stages.weights_s, Stage.CUDA: stages.cuda_s,
        Stage.TRANSFER: stages.transfer_s, Stage.WARM_UP: stages.warm_s,
    }  # fmt: skip
    return {stage: float(value or 0) for stage, value in seconds.items()}


def as_stamped(stages: Stages, at_s: Mapping[tuple[str, str], float]) -> dict[Stage, float]:
    """What a process did that could not keep to its stages to the tenth: it was ready when it was to be."""
    told = {stage: at_s[stage.value, "end"] - at_s[stage.value, "begin"] for stage in STAMPED_STAGES}
    loads_s = sum(float(getattr(stages, f"{stage.value}_s") or 0) for stage in STAMPED_STAGES)
    begun_s, loaded_s = at_s[BEGUN], at_s[Stage.TRANSFER.value, "end"]
    told[Stage.START] = at_s[Stage.WEIGHTS.value, "begin"] - begun_s
    return told | {Stage.WARM_UP: begun_s + loads_s + float(stages.warm_s or 0) - loaded_s}


def of_node(stages: Stages) -> dict[Stage, float]:
    return {
        Stage.JOINED: float(REGISTRATION_S), Stage.NODE_READY: float(stages.boot_s or 0),
        Stage.GPU: float(stages.gpu_s or 0),
    }  # fmt: skip


def test_each_stage_of_each_start_is_as_it_was_injected(
    cluster: Cluster, fleet: LiveFleet, drawing: Drawing, kubelet: Kubelet, prometheus: Prometheus,
    start_karpenter: Callable[..., Karpenter], measured: Measured,
) -> None:  # fmt: skip
    start_karpenter((SLOW,))
    observer, replicas = Observer(fleet, prometheus.url), Replicas(cluster, seed=3)
    with Watch(cluster.api, "nodes") as nodes:
        first = replicas.make(FIRST)
        observer.wait(lambda: observer.complete(first), "the first replica to be ready")
        assert observer.waiting
        observer.restart()  # in the middle of the first wave
        observer.wait(lambda: len(observer.complete(first)) >= FIRST // 2, "half of them to be ready")
        for name in observer.complete(first):
            cluster.api.delete("pods", name, cluster.namespace)  # others find their places
        second = replicas.make(SECOND)
        observer.wait(lambda: second.keys() & observer.waiting.keys(), "the second wave to begin")
        observer.restart()
        every = first | second
        observer.wait(lambda: len(observer.complete(every)) == len(every), "all replicas to be ready")
        named = {one.object["metadata"]["uid"]: one.object for one in nodes.seen}

    gaps: dict[Stage, list[float]] = {}
    for name, stages in every.items():
        start = observer.told[name]
        stamped = kubelet.stamped.get(name)
        check(gaps, start, of_replica(stages) | ({} if stamped is None else as_stamped(stages, stamped)), name)
        assert start.path in paths(replicas.notes[name][PULLED]), name
        assert (start.zone in ZONES, start.digest) == (True, DIGEST), name
        assert start.model_format == (FORMAT if replicas.notes[name][STAMPED] == "metrics" else ""), name
    bought = [start for start in observer.told.values() if start.part is Part.NODE]
    for start in bought:
        check(gaps, start, of_node(drawing.made[named[start.uid]["metadata"]["name"]]), start.uid)
    assert {start.uid for start in bought} == named.keys()
    report(gaps, measured)

    known = {name: start.stages for name, start in observer.told.items() if name in second}
    observer.told.clear()
    observer.restart()  # with nothing saved, what stands is told again as it was
    observer.wait(lambda: len(observer.complete(second)) == len(second), "what stands to be told again")
    assert {name: observer.told[name].stages for name in known} == known


def report(gaps: Mapping[Stage, Sequence[float]], measured: Measured) -> None:
    for stage, found in gaps.items():
        what = f"waterfall: {stage.value} of {len(found)} starts off by"
        measured(f"{what}, mean", fmean(found), "0 injected")
        measured(f"{what}, most", max(found, key=abs), f"{WITHIN_S:g} allowed")


def check(gaps: dict[Stage, list[float]], start: Start, meant: Mapping[Stage, float], what: str) -> None:
    """How long a node waits to be ordered is not injected; what a process takes between two stamps is START."""
    assert start.end is StartEnd.COMPLETE, what
    assert meant.keys() - {Stage.START} <= start.stages.keys() <= {*meant, Stage.ORDERED}, what
    for stage, seconds in meant.items():
        off_s = start.stages.get(stage, 0.0) - seconds
        gaps.setdefault(stage, []).append(off_s)
        assert abs(off_s) <= WITHIN_S, f"{what}: {stage.value}: {start.stages}, meant: {meant}"


def paths(found: str) -> set[StartPath]:
    """What a start may be by what the kubelet found: without a word of it, the node alone tells."""
    if found == UNTOLD:
        return {StartPath.COLD_NODE, StartPath.WARM_NODE}
    return {StartPath.IMAGE_PRESENT if found == PRESENT else StartPath.COLD_NODE}


def bound(cluster: Cluster, name: str) -> float:
    found = condition(cluster.api.get("pods", name, cluster.namespace), "PodScheduled")
    return read_stamp(found["lastTransitionTime"])


LOOPS = "CrashLoopBackOff; restarted 3 times; OOMKilled, exit code 137"


@pytest.fixture
def containers(cluster: Cluster) -> Containers:
    return Containers(cluster.api, cluster.namespace)


def test_starts_that_fail_or_stick_are_shown_as_such(
    cluster: Cluster, fleet: LiveFleet, containers: Containers, prometheus: Prometheus, measured: Measured
) -> None:
    """They end and hang while they load; the controller restarts when all of that has begun."""
    observer, replicas = Observer(fleet, prometheus.url), Replicas(cluster, seed=4)
    cluster.add_nodes(WARM, "zone-b")
    crashes, loops, fails, goes = (replicas.make_troubled(name) for name in ("crashes", "loops", "fails", "goes"))
    hangs, homeless = replicas.make_troubled("hangs", PULL_OF_AN_HOUR), replicas.make_troubled("homeless", gpus=16)
    observer.wait(lambda: all(map(containers.runs, (crashes, loops, fails, goes))), "containers to run")
    observer.wait(lambda: {hangs, homeless} <= observer.waiting.keys(), "all to wait")
    bound_s = {name: bound(cluster, name) for name in (crashes, fails, goes)}

    containers.hang(hangs, "ImagePullBackOff")
    containers.crash(crashes, "Error", 1, runs=1)
    containers.crash(loops, "OOMKilled", 137, runs=4)
    containers.fail(fails, "OOMKilled", 137)
    failed_s = epoch_s()
    observer.wait(lambda: fails in observer.told, "the failed one to be told")
    observer.restart()
    cluster.api.delete("pods", goes, cluster.namespace, {"gracePeriodSeconds": 0})
    gone_s = epoch_s()
    containers.again(crashes)
    observer.wait(lambda: goes in observer.told, "the deleted one to be told")
    containers.ready(crashes)
    ready_s = epoch_s()
    observer.wait(lambda: crashes in observer.told, "the one that came through to be told")

    known = observer.told | observer.waiting
    said = {name: (start.end, start.open_stage, start.why) for name, start in known.items()}
    reason = said[homeless][2].partition(":")[0]
    assert (*said[homeless][:2], reason) == (StartEnd.WAITING, Stage.ORDERED, "Unschedulable")
    assert said[crashes] == (StartEnd.COMPLETE, None, "restarted once; Error, exit code 1")
    assert said[fails] == (StartEnd.FAILED, Stage.START, "OOMKilled, exit code 137")
    assert said[goes] == (StartEnd.FAILED, Stage.START, "deleted")
    assert said[loops] == (StartEnd.WAITING, Stage.START, LOOPS)
    assert said[hangs] == (StartEnd.WAITING, Stage.IMAGE, "ImagePullBackOff")
    for name, ended_s in ((crashes, ready_s), (fails, failed_s), (goes, gone_s)):
        off_s = observer.told[name].seconds - (ended_s - bound_s[name])
        measured(f"waterfall: a start that {name} off by", off_s, f"{WITHIN_S:g} allowed")
        assert abs(off_s) <= WITHIN_S, name
