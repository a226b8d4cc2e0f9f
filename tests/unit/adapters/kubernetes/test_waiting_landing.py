"""Where pods of queued work could land, and which pods are whose when it was let go."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from autoscaler.adapters.kubernetes.cache import Key
from autoscaler.adapters.kubernetes.cluster.sight import SeenPod, seen_pod
from autoscaler.adapters.kubernetes.waiting.kinds import Flavor
from autoscaler.adapters.kubernetes.waiting.landing import CLAIMS, FRESH_S, Landings
from autoscaler.adapters.kubernetes.waiting.turning import COME_WITHIN_S, turnover
from autoscaler.adapters.kubernetes.waiting.work import Template, Work, seen_job
from autoscaler.placeholder.constraints import Surroundings
from autoscaler.placeholder.pin import Pin
from autoscaler.placeholder.pod import Json
from autoscaler.placeholder.turnover import Turnover
from autoscaler.ports.errors import Invalid, NotFound
from tests.stepped_clock import SteppedClock

GPU = "nvidia.com/gpu"
PINS = tuple(
    Pin(name, ({"key": "gpu", "operator": "In", "values": [name]},), (), (), GPU, 8) for name in ("h100", "a100")
)
FLAVORS = {"h100": Flavor({"gpu": "h100"}, ({"key": "team", "operator": "Exists"},))}
MADE, MADE_S = "2026-12-01T08:00:00Z", 1_796_112_000.0


def template(gpus: int, flavors: tuple[str, ...] = (), **spec: Any) -> Template:
    limits = {"cpu": "1", **({GPU: str(gpus)} if gpus else {})}
    containers = [{"name": "c", "resources": {"limits": limits}}]
    return Template(
        "main", 2, {"metadata": {"namespace": "training"}, "spec": {"containers": containers, **spec}}, flavors
    )


def work(*templates: Template) -> Work:
    meta = {"name": "train", "namespace": "training", "uid": "job", "resourceVersion": "1", "creationTimestamp": MADE}
    found = seen_job({"metadata": meta, "spec": {"suspend": True}})
    return replace(found, templates=templates)


def landings(clock: SteppedClock, around: Any = lambda pod: Surroundings()) -> Landings:
    return Landings(PINS, around, FLAVORS.get, clock)


@pytest.mark.parametrize(
    ("pods", "gpus", "said"),
    [
        pytest.param(template(8), 8, "", id="fits"),
        pytest.param(template(16), None, "a node of pool h100 has 8", id="too large"),
        pytest.param(
            template(8, nodeSelector={"gpu": "a100"}), None, "excludes the nodes of pool h100", id="elsewhere"
        ),
        pytest.param(template(8, resourceClaims=[{"name": "gpu"}]), None, CLAIMS, id="by claims"),
        pytest.param(template(8, ("h100",)), 8, "", id="a flavor of the same nodes"),
    ],
)
def test_landing(pods: Template, gpus: int | None, said: str) -> None:
    found = landings(SteppedClock()).landing(work(pods), pods, 0)
    assert found.gpus == gpus
    assert said in found.refused


def test_what_kueue_has_chosen_holds() -> None:
    """A flavor pins its pods to its nodes, and lets them onto those: their placeholders too."""
    pods, place = template(8, ("h100",)), landings(SteppedClock())
    assert place.landing(work(pods), pods, 1).gpus is None
    assert place.shape(pods, 0).constraints.node_selector == {"gpu": "h100"}
    with pytest.raises(Invalid, match="a100"):
        place.shape(pods, 1)


def test_pod_sets_without_gpus_need_no_room() -> None:
    driver, workers = template(0), template(4)
    assert landings(SteppedClock()).asking(work(driver, workers), (0, 1)) == [workers]


def test_what_could_not_be_read_is_a_reason_and_is_read_again() -> None:
    errors: list[Exception] = [NotFound("read persistentvolumeclaims training/data: 404")]

    def around(pod: Json) -> Surroundings:
        if errors:
            raise errors.pop()
        return Surroundings()

    clock = SteppedClock()
    pods, place = template(8), landings(clock, around)
    assert "training/data" in place.landing(work(pods), pods, 0).refused
    assert place.landing(work(pods), pods, 0).gpus is None
    clock.move(FRESH_S + 1.0)
    assert place.landing(work(pods), pods, 0).gpus == 8


def pod(
    name: str, node: str = "", gpus: int = 8, phase: str = "Pending", owner: str = "job"
) -> tuple[Key, SeenPod]:  # fmt: skip
    labels = {"batch.kubernetes.io/controller-uid": owner}
    meta = {"name": name, "namespace": "training", "uid": name, "labels": labels, "creationTimestamp": MADE}
    spec = {**template(gpus).pod["spec"], **({"nodeName": node} if node else {})}
    return Key("training", name), seen_pod({"metadata": meta, "spec": spec, "status": {"phase": phase}}, "house")


def test_pods_of_the_work_are_counted_and_nobody_elses() -> None:
    """One that ended came, a driver without GPUs takes no placeholder, and another Job's pods are not waited for."""
    pods = dict(
        [
            pod("a"), pod("b", node="n"), pod("c", node="n", phase="Succeeded"), pod("driver", gpus=0),
            pod("other", owner="other"),
        ]
    )  # fmt: skip
    early = turnover(work(), 3, pods, MADE_S + 5.0, MADE_S, 10.0)
    assert early == Turnover(total=3, pending=1, placed=2, stuck=0, told=True, over=False)
    assert turnover(work(), 3, pods, MADE_S + 11.0, MADE_S, 10.0).stuck == 1
    assert turnover(work(), 3, pods, MADE_S + 11.0, MADE_S + 5.0, 10.0).stuck == 0  # let go a moment ago
    assert turnover(work(), 3, pods, MADE_S + COME_WITHIN_S + 1.0, MADE_S, 10.0).over
