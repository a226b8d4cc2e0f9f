"""CapacityPlans on the real API server: what it refuses, what it prints, and what becomes of them and of us."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from ruamel.yaml import YAML

from autoscaler.adapters.kubernetes.objects import Objects
from autoscaler.adapters.kubernetes.plans.capacity_plans import CapacityPlans
from autoscaler.adapters.kubernetes.plans.reports import ReportSettings
from autoscaler.adapters.kubernetes.transport import Transport
from autoscaler.domain.wish import NOTHING, Override, Wish
from autoscaler.ports.plans import Condition, PlanFigures, PlanStatus, PoolPlaceholders
from tests.cluster.api import Json, Refused, path_of
from tests.cluster.clock import epoch_s, read_stamp, stamp, wait_until
from tests.cluster.cluster import PLANS, Cluster
from tests.cluster.control_plane import CRDS, OUR_DEFINITIONS
from tests.cluster.credentials import PRODUCT
from tests.cluster.product_link import product_link

Open = Callable[[], CapacityPlans]
SOON_S = 30.0
QUICK = ReportSettings(every_s=0.1)
FIGURES = PlanFigures(
    ready_replicas=3, floor_replicas=4, planned_floor_replicas=5, placeholders=(PoolPlaceholders("h100", 2, 1),),
    warm_gpus=16, demand_replicas=3.1415, late_percent=0.777, reason="forecast; hold", lead_p90_s=312.4,
)  # fmt: skip


@pytest.fixture
def transport(cluster: Cluster) -> Iterator[Transport]:
    with product_link(cluster) as link:
        yield link


@pytest.fixture
def open_plans(cluster: Cluster, transport: Transport) -> Iterator[Open]:
    """Plans as one process of ours sees them, in the namespace of the test; ended with the test."""
    with ExitStack() as stack:

        def begin() -> CapacityPlans:
            plans = CapacityPlans(transport, Objects(transport, "gpu-autoscaler"), cluster.namespace, report=QUICK)
            plans.start()
            stack.callback(plans.stop)
            plans.read()
            return plans

        yield begin


def change(cluster: Cluster, name: str, spec: Json | None) -> None:
    cluster.api.patch(PLANS, name, {"spec": spec}, cluster.namespace)


def status_of(cluster: Cluster, name: str) -> Json:
    found = cluster.api.find(PLANS, name, cluster.namespace)
    return dict((found or {}).get("status") or {})


def meant(plans: CapacityPlans, policy: str) -> Wish:
    """What is wished, whoever wishes it."""
    wish = plans.wish(policy)
    override = None if wish.override is None else replace(wish.override, by="")
    return Wish(wish.paused, override)


def until(in_s: float) -> float:
    return float(int(epoch_s() + in_s))


def status(holds: bool | None = True, reason: str = "Acting", **more: Any) -> PlanStatus:
    given = {"figures": FIGURES, "observed_at_s": epoch_s(), **more}
    return PlanStatus(True, conditions=(Condition("Ready", holds, reason, "what is planned is done"),), **given)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        pytest.param({"override": {"floor": 3}}, "an override needs an end", id="no end"),
        pytest.param({"override": {"until": "2027-01-01T00:00:00Z"}}, "spec.override.floor: Required", id="no floor"),
        pytest.param(
            {"override": {"floor": -1, "until": "2027-01-01T00:00:00Z"}}, "greater than or equal to 0", id="negative"
        ),
        pytest.param({"override": {"floor": 3, "until": "2027-01-01T00:00:00"}}, "date-time", id="no time zone"),
        pytest.param({"override": {"floor": 3, "until": "tomorrow"}}, "date-time", id="no time"),
        pytest.param({"override": {"floor": 3.5, "until": "2027-01-01T00:00:00Z"}}, "integer", id="half a replica"),
        pytest.param({"paused": "yes"}, "boolean", id="no truth"),
    ],
)  # fmt: skip
def test_a_wish_that_cannot_be_meant_is_refused(cluster: Cluster, spec: Json, words: str) -> None:
    cluster.create_plan("chat", cluster.namespace)
    with pytest.raises(Refused, match=words):
        change(cluster, "chat", spec)
    change(cluster, "chat", {"paused": True, "override": {"floor": 0, "until": "2027-01-01T00:00:00+01:00"}})


def test_each_policy_has_one_plan_that_is_made_once(cluster: Cluster, open_plans: Open) -> None:
    plans = open_plans()
    plans.ensure(["chat", "code"])
    made = {one["metadata"]["name"]: one["metadata"] for one in cluster.api.list(PLANS, cluster.namespace)}
    assert {name: meta["labels"] for name, meta in made.items()} == {
        name: {"gpu-autoscaler.io/policy": name} for name in ("chat", "code")
    }
    assert plans.uid("chat") == made["chat"]["uid"]
    change(cluster, "chat", {"paused": True})
    again = open_plans()
    again.ensure(["chat", "code"])
    assert meant(again, "chat") == Wish(paused=True)
    assert " at 20" in again.wish("chat").paused_by
    assert again.uid("chat") == made["chat"]["uid"]
    assert plans.owner("code") == {
        "apiVersion": "gpu-autoscaler.io/v1alpha1", "kind": "CapacityPlan", "name": "code", "uid": made["code"]["uid"],
    }  # fmt: skip
    assert plans.problems() == again.problems() == ()


def test_what_people_wish_is_seen_when_they_wish_it(
    cluster: Cluster, open_plans: Open, measured: Callable[[str, float, str], None]
) -> None:
    plans = open_plans()
    plans.ensure(["chat"])
    assert plans.wish("chat") == plans.wish("nobody") == NOTHING
    end_s, begin = until(3600.0), epoch_s()
    change(cluster, "chat", {"override": {"floor": 8, "until": stamp(end_s)}})
    wait_until(lambda: meant(plans, "chat") == Wish(False, Override(8, end_s)), "the override to be seen", SOON_S)
    measured("plans: from a patch to a wish", epoch_s() - begin, "none")
    change(cluster, "chat", {"paused": True, "override": None})
    wait_until(lambda: meant(plans, "chat") == Wish(True), "the pause to be seen", SOON_S)


def test_what_is_reported_is_shown_and_printed(cluster: Cluster, open_plans: Open) -> None:
    plans = open_plans()
    plans.ensure(["chat"])
    change(cluster, "chat", {"paused": True})
    wait_until(lambda: plans.wish("chat").paused, "the pause to be seen", SOON_S)
    end_s = until(60.0)
    plans.report("chat", status(wish=Wish(True, Override(8, end_s))))
    shown = wait_until(lambda: status_of(cluster, "chat"), "the status", SOON_S)
    (ready,) = shown.pop("conditions")
    seen_at = shown.pop("observedAt")
    assert shown == {
        "mode": "act", "readyReplicas": 3, "floorReplicas": 4, "plannedFloorReplicas": 5, "warmGpus": 16,
        "placeholders": [{"pool": "h100", "bound": 2, "pending": 1}], "demandReplicas": 3.1, "latePercent": 0.78,
        "leadP90Seconds": 312, "reason": "forecast; hold", "observedGeneration": 2,
        "wish": {"paused": True, "override": {"floor": 8, "until": stamp(end_s)}},
    }  # fmt: skip
    assert ready == {
        "type": "Ready", "status": "True", "reason": "Acting", "message": "what is planned is done",
        "observedGeneration": 2, "lastTransitionTime": seen_at,
    }  # fmt: skip
    table = cluster.api.call(
        "GET", path_of(PLANS, namespace=cluster.namespace),
        accept="application/json;as=Table;v=v1;g=meta.k8s.io",
    )  # fmt: skip
    heads = [column["name"] for column in table["columnDefinitions"] if column["priority"] == 0]
    assert heads == ["Name", "Mode", "Demand", "Ready", "Floor", "Warm GPUs", "Lead p90", "Late %", "Reason", "Age"]
    cells = dict(zip((column["name"] for column in table["columnDefinitions"]), table["rows"][0]["cells"], strict=True))
    assert {head: str(cells[head]) for head in heads[:-1]} == {
        "Name": "chat", "Mode": "act", "Demand": "3.1", "Ready": "3", "Floor": "4", "Warm GPUs": "16",
        "Lead p90": "312", "Late %": "0.78", "Reason": "forecast; hold",
    }  # fmt: skip
    assert cells["Paused"] is True
    assert cells["Override until"] == stamp(end_s)


def test_a_condition_keeps_its_time_until_it_changes_whoever_reports(cluster: Cluster, open_plans: Open) -> None:
    def transition() -> tuple[str, float]:
        (ready,) = status_of(cluster, "chat").get("conditions") or [{}]
        return ready.get("reason", ""), read_stamp(ready["lastTransitionTime"]) if ready else 0.0

    first, began_s = open_plans(), until(-7200.0)
    first.ensure(["chat"])
    first.report("chat", status(False, "Paused", observed_at_s=began_s))
    wait_until(lambda: transition() == ("Paused", began_s), "the first status", SOON_S)
    first.report("chat", status(False, "NotDone", observed_at_s=began_s + 60.0))
    wait_until(lambda: transition() == ("NotDone", began_s), "another reason", SOON_S)
    second = open_plans()
    second.report("chat", status(False, "Problem", observed_at_s=began_s + 120.0))
    wait_until(lambda: transition() == ("Problem", began_s), "the status of another process", SOON_S)
    second.report("chat", status(True, observed_at_s=began_s + 180.0))
    wait_until(lambda: transition() == ("Acting", began_s + 180.0), "a change", SOON_S)


def test_noise_is_no_change(cluster: Cluster, open_plans: Open) -> None:
    plans = open_plans()
    plans.ensure(["chat"])
    plans.report("chat", status())
    before = wait_until(lambda: status_of(cluster, "chat"), "the status", SOON_S)
    plans.report("chat", status(figures=replace(FIGURES, demand_replicas=3.1499), observed_at_s=epoch_s() + 5.0))
    plans.ensure(["code"])
    plans.report("code", status())
    wait_until(lambda: status_of(cluster, "code"), "what was reported after it", SOON_S)
    assert status_of(cluster, "chat") == before
    plans.report("chat", status(figures=replace(FIGURES, demand_replicas=3.2), observed_at_s=epoch_s() + 5.0))
    wait_until(lambda: status_of(cluster, "chat").get("demandReplicas") == 3.2, "a change", SOON_S)


def test_a_plan_that_somebody_deletes_is_not_made_again_until_that_is_known(
    cluster: Cluster, open_plans: Open
) -> None:  # fmt: skip
    plans = open_plans()
    plans.ensure(["chat", "code"])
    wait_until(lambda: plans.are_known, "the plans to be known", SOON_S)
    old = plans.uid("chat")
    cluster.api.delete(PLANS, "chat", cluster.namespace)
    wait_until(lambda: plans.deleted() == {"chat"}, "the deletion to be seen", SOON_S)
    plans.ensure(["chat", "code"])
    assert (plans.uid("chat"), plans.wish("chat")) == ("", NOTHING)
    assert cluster.api.find(PLANS, "chat", cluster.namespace) is None
    assert plans.take_deleted() == {"chat"}
    assert plans.deleted() == frozenset()
    plans.ensure(["chat", "code"])
    assert plans.uid("chat") not in ("", old)


def test_plans_of_policies_that_are_gone_are_removed_and_those_of_others_are_not(
    cluster: Cluster, open_plans: Open
) -> None:
    plans = open_plans()
    plans.ensure(["chat", "code"])
    cluster.create_plan("by-hand", cluster.namespace)
    wait_until(lambda: plans.uid("by-hand"), "the other's plan to be seen", SOON_S)
    assert plans.keep_only({"code"}) == ()
    left = {one["metadata"]["name"] for one in cluster.api.list(PLANS, cluster.namespace)}
    assert left == {"code", "by-hand"}
    wait_until(lambda: not plans.uid("chat"), "the removal to be seen", SOON_S)
    assert plans.deleted() == frozenset()


def test_without_the_right_to_plans_that_is_said_and_nothing_is_taken_for_known(cluster: Cluster) -> None:
    with product_link(cluster, PRODUCT) as link:
        plans = CapacityPlans(link, Objects(link, "gpu-autoscaler"), cluster.namespace)
        plans.read()
        plans.ensure(["chat"])
        (line,) = plans.problems()
        assert not plans.are_known
    assert "403" in line
    assert "let us read and write capacityplans" in line
    assert "no placeholder can be owned" in line


def test_without_the_definition_that_is_said_and_it_may_come_later(cluster: Cluster, open_plans: Open) -> None:
    (file,) = OUR_DEFINITIONS.glob("capacityplans.yaml")
    definition = YAML(typ="safe", pure=True).load(file.read_text())
    cluster.api.delete(CRDS, definition["metadata"]["name"])
    try:
        wait_until(lambda: not served(cluster), "the definition to be gone", SOON_S)
        plans = open_plans()
        plans.ensure(["chat"])
        (line,) = plans.problems()
        assert "kubectl apply -f helm/crds/" in line
        assert plans.are_known
        assert (plans.uid("chat"), plans.wish("chat")) == ("", NOTHING)
        plans.report("chat", status())
    finally:
        cluster.api.create(CRDS, definition)
        wait_until(lambda: served(cluster), "the definition to be served again", SOON_S)
    wait_until(lambda: made(plans, "chat"), "the plan to be made", SOON_S)
    wait_until(lambda: plans.problems() == (), "the problem to be gone", 60.0)


def made(plans: CapacityPlans, policy: str) -> str:
    plans.ensure([policy])
    return plans.uid(policy)


def served(cluster: Cluster) -> bool:
    """Not found while it is gone, too many requests while its storage is made."""
    try:
        cluster.api.list(PLANS)
    except Refused as error:
        if error.code not in (404, 429):
            raise
        return False
    return True
