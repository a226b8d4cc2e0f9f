"""Lead times from the objects of a real control plane: each stage as injected, and restarts that change nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from autoscaler.adapters.kubernetes.transport import Transport
from autoscaler.domain.lead_time import Stage
from autoscaler.observe.lead_times import LeadTimes
from tests.cluster.clock import epoch_s, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.karpenter import Karpenter
from tests.cluster.live import DEPLOYMENTS, LiveFleet, deployment, live_fleet
from tests.cluster.node_autoscaler import NodeAutoscaler
from tests.cluster.pools import Pool
from tests.cluster.product_link import product_link
from tests.cluster.stages import Drawing, Law, Stages

CHAT, ON_DEMAND = 0, 0
WARM, COLD = 8, 10
"""Replicas that take the places of placeholders, and those that need a node each."""
NODE_LAW = Law(Stages(boot_s=6, gpu_s=5), spread=0.4)
REPLICA = Stages(image_s=4, weights_s=7, cuda_s=3)
REGISTRATION_S = 4.0
SLOW = Pool("gpu-slow", gpus=1, law="slow", registration_s=int(REGISTRATION_S))
WITHIN_S = 2.0
STARTS_S = 240.0
Measured = Callable[[str, float, str], None]


@pytest.fixture
def transport(cluster: Cluster) -> Iterator[Transport]:
    with product_link(cluster) as link:
        yield link


@pytest.fixture
def fleet(cluster: Cluster, transport: Transport) -> Iterator[LiveFleet]:
    """One workload of a GPU a replica, none of them running, on a pool of nodes of one GPU."""
    cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, 0, stages=REPLICA))
    with live_fleet(LiveFleet(cluster, transport, (SLOW,), ("chat",))) as found:
        yield found


@pytest.fixture
def drawing(cluster: Cluster) -> Iterator[Drawing]:
    """Draws how long each node takes, and remembers it."""
    with Drawing(cluster.api, {"slow": NODE_LAW}, seed=7) as found:
        yield found


@dataclass
class Process:
    """One life of the product, as far as it learns lead times."""

    fleet: LiveFleet
    lead_times: LeadTimes = field(default_factory=lambda: LeadTimes(180.0, 120.0))

    def look(self) -> None:
        self.fleet.inventory()
        self.lead_times.learn(self.fleet.port.starts(epoch_s()))

    def counts(self) -> dict[str, int]:
        """Starts that are remembered, by part."""
        record = self.lead_times.to_record("chat")
        parts = record.get(SLOW.name, {})
        assert isinstance(parts, dict)
        return {part: len(rows) for part, rows in parts.items()}

    def wait(self, **counts: int) -> None:
        def is_known() -> bool:
            self.look()
            return self.counts() == counts

        wait_until(is_known, f"the starts of {counts}", STARTS_S, 0.5)

    def saved(self) -> str:
        """What a store would hold of it."""
        return json.dumps(self.lead_times.to_record("chat"))

    def again(self, saved: str) -> Process:
        """The next life, after a crash."""
        self.fleet.restart()
        following = Process(self.fleet)
        following.lead_times.from_record("chat", json.loads(saved))
        return following


def test_stages_are_as_injected_and_restarts_change_nothing(
    fleet: LiveFleet, drawing: Drawing, start_node_autoscaler: Callable[..., NodeAutoscaler], measured: Measured
) -> None:
    autoscaler = start_node_autoscaler((SLOW,))
    process = Process(fleet)
    for slot in range(WARM):
        fleet.port.create_placeholder(CHAT, ON_DEMAND, slot)
    process.wait(node=WARM)
    fleet.port.set_floor(CHAT, WARM + COLD)
    process = process.again(
        process.saved()
    )  # in the middle of starts; the placeholders that told of the first nodes go
    process.wait(node=WARM + COLD, replica=WARM + COLD)

    final = process.saved()
    process = process.again(final)  # with all that stands told already
    process.wait(node=WARM + COLD, replica=WARM + COLD)
    assert process.saved() == final
    bare = process.again("{}")  # with nothing saved, what stands is told: not the nodes whose placeholders went
    bare.wait(node=COLD, replica=WARM + COLD)

    meant = injected(drawing, autoscaler)
    for found in process.lead_times.quantiles():
        what = f"{autoscaler.kind}: lead time, {found.stage.value}, p{100 * found.quantile:.0f}"
        if found.stage is Stage.ORDERED:
            measured(what, found.seconds, "not injected")
            continue
        seconds = float(np.quantile(meant[found.stage], found.quantile, method="inverted_cdf"))
        measured(what, found.seconds, f"{seconds:g} injected")
        assert abs(found.seconds - seconds) <= WITHIN_S, what
    assert {found.stage for found in process.lead_times.quantiles()} == {Stage.ORDERED, *meant}


def injected(drawing: Drawing, autoscaler: NodeAutoscaler) -> dict[Stage, Sequence[float]]:
    """Seconds of each stage as they were drawn or set."""
    nodes = drawing.made.values()
    found: dict[Stage, Sequence[float]] = {
        Stage.NODE_READY: [float(one.boot_s or 0) for one in nodes],
        Stage.GPU: [float(one.gpu_s or 0) for one in nodes],
        Stage.IMAGE: [float(REPLICA.image_s or 0)],
        Stage.LOAD: [float(REPLICA.weights_s or 0)],
        Stage.WARM_UP: [float(REPLICA.cuda_s or 0)],
    }
    return found | ({Stage.JOINED: [REGISTRATION_S]} if autoscaler.kind == Karpenter.kind else {})
