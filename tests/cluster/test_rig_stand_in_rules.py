"""Rules of the stand-in that are cheaper to see without a cluster."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.cluster.api import Json
from tests.cluster.clock import stamp
from tests.cluster.objects import pod, required
from tests.cluster.pools import BURST, PRIMARY, SMALL, ZONE_LABEL, node, templates
from tests.cluster.stand_in.backoff import Backoff
from tests.cluster.stand_in.demand import asks, ripe
from tests.cluster.stand_in.request import GPU, amounts, quantity, request
from tests.cluster.stand_in.room import Room, place, refusal
from tests.cluster.stand_in.settings import Settings
from tests.cluster.stand_in.snapshot import Group

NOW_S = 1_800_000_000.0
HOST = "kubernetes.io/hostname"


def settings(**more: Any) -> Settings:
    return Settings(1, "", "", [], **more)


def room(zone: str = "zone-a", name: str = "n") -> Room:
    body = node(PRIMARY, zone, name)
    return Room(name, body["metadata"]["labels"], body["spec"]["taints"], amounts(body["status"]["allocatable"]))


def pending(name: str = "p", age_s: float = 0.0, **more: Any) -> Json:
    made = pod(name, "team", **more)
    made["metadata"] |= {"creationTimestamp": stamp(NOW_S - age_s), "uid": name}
    made["status"] = {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}
    return made


@pytest.mark.parametrize(
    ("text", "number"), [("8", 8.0), ("250m", 0.25), ("1Gi", 2.0**30), ("1.5k", 1500.0), ("1e3", 1000.0), ("2E", 2e18)]
)
def test_quantities(text: str, number: float) -> None:
    assert quantity(text) == pytest.approx(number)


def test_the_largest_step_of_the_start_counts() -> None:
    body = pod("p", "team", gpus=1)
    asked = {"resources": {"requests": {"cpu": "2"}}}
    body["spec"]["initContainers"] = [asked | {"restartPolicy": "Always"}, {"resources": {"requests": {"cpu": "9"}}}]
    body["spec"]["overhead"] = {"cpu": "500m"}
    assert request(body)["cpu"] == pytest.approx(11.5)
    assert request(body)[GPU] == 1.0


def test_what_asks_for_a_node() -> None:
    assert asks(pending())
    assert asks(pending(priority=-10))
    assert not asks(pending(priority=-11))
    assert not asks(pending(schedulingGates=[{"name": "g"}]))
    assert not asks(pending(nodeName="n"))
    nominated = pending()
    nominated["status"]["nominatedNodeName"] = "n"
    assert not asks(nominated)


def test_the_oldest_gpu_pod_decides_when_all_are_helped() -> None:
    old, young, new = pending("old", 31.0), pending("young", 5.0), pending("new", 1.0)
    assert ripe([young], NOW_S, settings()) == []
    assert ripe([old, young, new], NOW_S, settings()) == [old, young]
    assert ripe([new], NOW_S, settings(bypass=True)) == [new]
    assert ripe([pending("cpu", 3.0, gpus=0)], NOW_S, settings()) != []


def test_why_a_pod_does_not_fit() -> None:
    here = room()
    assert refusal(pending(gpus=8), here, [here]) is None
    assert refusal(pending(gpus=9), here, [here]) == f"Insufficient {GPU}"
    assert refusal(pending(affinity=required(zone="zone-b")), here, [here]) is not None
    assert refusal(pending(tolerations=[]), here, [here]) == f"node(s) had untolerated taint {{{GPU}: present}}"


def test_anti_affinity_holds_in_both_directions() -> None:
    term = {"topologyKey": ZONE_LABEL, "labelSelector": {"matchLabels": {"app": "chat"}}}
    apart = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    rooms = [room("zone-a", "a1"), room("zone-a", "a2"), room("zone-b", "b1")]
    assert place(pending("one", labels={"app": "chat"}, affinity=apart), rooms) is rooms[0]
    assert place(pending("two", labels={"app": "chat"}, affinity=apart), rooms) is rooms[2]
    assert place(pending("plain", labels={"app": "chat"}), rooms) is None
    assert place(pending("other", labels={"app": "else"}), rooms) is rooms[0]


def test_a_hard_spread_keeps_the_zones_level() -> None:
    rule = {"maxSkew": 1, "topologyKey": ZONE_LABEL, "whenUnsatisfiable": "DoNotSchedule"}
    rule |= {"labelSelector": {"matchLabels": {"app": "chat"}}}
    rooms = [room("zone-a", "a"), room("zone-b", "b")]
    found = [place(pending(str(i), labels={"app": "chat"}, topologySpreadConstraints=[rule]), rooms) for i in range(3)]
    assert [one.name for one in found if one] == ["a", "b", "a"]


def test_back_off_doubles_to_its_limit_and_is_forgotten() -> None:
    backoff = Backoff(settings(backoff_first_s=300.0, backoff_most_s=1800.0, backoff_reset_s=10800.0))
    spans, at_s = [], 0.0
    for _ in range(5):
        backoff.failed("g", at_s, "code", "text")
        failure = backoff.of("g", at_s)
        assert failure is not None
        spans.append(failure.for_s)
        at_s += failure.for_s
        assert backoff.of("g", at_s) is None
    assert spans == [300.0, 600.0, 1200.0, 1800.0, 1800.0]
    backoff.failed("g", at_s + 20_000.0, "code", "text")
    assert backoff.of("g", at_s + 20_000.0 + 301.0) is None


def test_each_pool_is_a_group_in_each_zone() -> None:
    groups = [Group.of(one) for one in templates((PRIMARY, BURST, SMALL))]
    assert len({group.name for group in groups}) == 9
    assert {(group.least, group.most) for group in groups} == {(0, 10)}
    fresh = groups[0].room("new")
    assert (fresh.labels[HOST], fresh.free[GPU]) == ("new", 8.0)
    assert isinstance(fresh.free, Counter)
