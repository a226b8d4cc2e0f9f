"""What people do to the plan of a policy while `autoscaler run` serves it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cluster.api import Json
from tests.cluster.clock import epoch_s, read_stamp, stamp, stays, wait_until
from tests.cluster.cluster import PLANS, Cluster
from tests.cluster.controllers import TICK_S, Controller, Site
from tests.cluster.exporter import Exporter
from tests.cluster.live import DEPLOYMENTS, deployment
from tests.cluster.pools import BURST, PRIMARY
from tests.cluster.prometheus import Prometheus

Start = Callable[[str], Controller]
Measured = Callable[[str, float, str], None]
SOON_S, KNOWN_S = 30.0, 40.0
STOPPED = "its CapacityPlan was deleted"
NEEDS = 3
"""Replicas for 10 requests a second, of which one carries 4."""


@pytest.fixture
def site(cluster: Cluster, prometheus: Prometheus, exporter: Exporter, tmp_path: Path) -> Site:
    """A Deployment without replicas, a policy that acts for it, and demand for three replicas."""
    cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, 0, gpus=8))
    found = Site(cluster, tmp_path, (PRIMARY, BURST), prometheus.url)
    found.write("chat")
    exporter.rate("requests_total", 10.0, model="chat")
    return found


@pytest.fixture
def start(site: Site) -> Iterator[Start]:
    """Starts a controller; it is stopped at the end of the test."""
    with ExitStack() as stack:

        def begin(identity: str) -> Controller:
            controller = Controller(site, identity)
            stack.callback(controller.program.stop)
            controller.start()
            return controller

        yield begin


def replicas(site: Site) -> int:
    return int(site.cluster.api.get(DEPLOYMENTS, "chat", site.cluster.namespace)["spec"]["replicas"])


def managers(site: Site) -> list[Json]:
    """Who wrote what of the plan, as the server keeps it."""
    return list((plan_of(site) or {})["metadata"]["managedFields"])


def told(site: Site, words: str) -> bool:
    """In condition Ready, and beside the workload."""
    ready: Json = next((one for one in status(site).get("conditions") or () if one["type"] == "Ready"), {})
    notes = [one["note"] for one in site.cluster.api.list("events.k8s.io/v1/events", site.cluster.namespace)]
    return words in ready.get("message", "") and any(words in note for note in notes)


def wish(site: Site, spec: Json) -> None:
    site.cluster.api.patch(PLANS, "chat", {"spec": spec}, site.house)


def plan_of(site: Site) -> Json | None:
    return site.cluster.api.find(PLANS, "chat", site.house)


def status(site: Site) -> Json:
    return dict((plan_of(site) or {}).get("status") or {})


def condition(site: Site, kind: str) -> tuple[str, str]:
    """Status and reason."""
    found = {one["type"]: one for one in status(site).get("conditions") or ()}
    return (found[kind]["status"], found[kind]["reason"]) if kind in found else ("", "")


def problems(controller: Controller, words: str) -> list[Json]:
    return [line for line in controller.log("problem") if words in line["problem"]]


def test_a_plan_shows_what_the_loop_does(site: Site, start: Start) -> None:
    start("one")
    wait_until(lambda: replicas(site) >= NEEDS, "the floor to follow demand", KNOWN_S)
    wait_until(lambda: condition(site, "SignalsHealthy") == ("True", "DemandKnown"), "demand to be shown", SOON_S)
    wait_until(lambda: status(site).get("floorReplicas", 0) >= NEEDS, "the floor to be shown", SOON_S)
    shown = status(site)
    assert shown["mode"] == "act"
    assert shown["demandReplicas"] == pytest.approx(2.5, rel=0.2)
    assert shown["plannedFloorReplicas"] >= NEEDS
    assert "forecast" in shown["reason"]
    assert shown["readyReplicas"] == shown["warmGpus"] == 0
    assert "leadP90Seconds" not in shown
    assert shown["wish"] == {"paused": False}
    assert {one["type"] for one in shown["conditions"]} == {
        "Ready", "SignalsHealthy", "CapacityAvailable", "WithinBudget", "ForecastTrusted", "FloorFollowed"
    }  # fmt: skip
    assert condition(site, "Ready") == ("True", "Acting")
    assert condition(site, "WithinBudget") == ("True", "NoBudget")
    assert abs(read_stamp(shown["observedAt"]) - epoch_s()) < 60.0


def test_a_floor_that_a_person_sets_ends_when_it_says_so(site: Site, start: Start, measured: Measured) -> None:
    start("one")
    wait_until(lambda: replicas(site) >= NEEDS, "the floor to follow demand", KNOWN_S)
    begin = epoch_s()
    end = stamp(begin + 45.0)
    wish(site, {"override": {"floor": 12, "until": end, "reason": "launch"}})
    wait_until(lambda: replicas(site) == 12, "the floor that was set", 20.0)
    measured("run: from kubectl patch to the floor of an override, tick 1 s", epoch_s() - begin, "none")
    shown = wait_until(
        lambda: (now := status(site))["wish"].get("override") and now, "the override to be shown", SOON_S
    )  # fmt: skip
    by = shown["wish"]["override"].pop("by")
    assert shown["wish"]["override"] == {"floor": 12, "until": end, "reason": "launch"}
    (setter,) = [one for one in managers(site) if "f:override" in one["fieldsV1"].get("f:spec", {})]
    assert by == f"{setter['manager']} at {setter['time']}"
    wait_until(lambda: told(site, f"floor 12 set by {by}, until {end} (launch)"), "it to be told", SOON_S)
    assert "override" in shown["reason"]
    wait_until(lambda: replicas(site) < 12, "the end of the override", 90.0)
    assert epoch_s() >= read_stamp(end)
    assert replicas(site) >= NEEDS
    wait_until(lambda: "override" not in status(site)["wish"], "the end to be shown", SOON_S)


def test_a_paused_policy_moves_nothing_over_a_restart_and_until_it_is_resumed(
    site: Site, start: Start, exporter: Exporter
) -> None:
    first = start("one")
    wait_until(lambda: replicas(site) >= NEEDS, "the floor to follow demand", KNOWN_S)
    wish(site, {"paused": True})
    wait_until(lambda: condition(site, "Ready") == ("False", "Paused"), "the pause to be shown", SOON_S)
    before = replicas(site)
    exporter.rate("requests_total", 60.0, model="chat")
    wait_until(lambda: status(site)["plannedFloorReplicas"] > before + 3, "a plan for more", KNOWN_S)
    first.program.stop()
    second = start("two")
    wait_until(lambda: second.metric("planned_floor_replicas", policy="chat"), "the second to plan", KNOWN_S)
    stays(lambda: replicas(site) == before, "what stood when it was paused", 5 * TICK_S)
    assert "paused" in status(site)["reason"]
    wish(site, {"paused": False})
    wait_until(lambda: replicas(site) > before + 3, "the floor to move", SOON_S)
    wait_until(lambda: condition(site, "Ready") == ("True", "Acting"), "the end of the pause to be shown", SOON_S)


def test_who_deletes_a_plan_stops_its_policy_until_its_file_changes(
    site: Site, start: Start, measured: Measured
) -> None:  # fmt: skip
    controller = start("one")
    wait_until(lambda: replicas(site) >= NEEDS, "the floor to follow demand", KNOWN_S)
    begin = epoch_s()
    site.cluster.api.delete(PLANS, "chat", site.house)
    wait_until(lambda: replicas(site) == 0, "the floor to be given back", SOON_S)
    measured("run: from a deleted plan to the floor given back, tick 1 s", epoch_s() - begin, "none")
    wait_until(lambda: problems(controller, STOPPED), "the stop to be told", SOON_S)
    stays(lambda: replicas(site) == 0 and plan_of(site) is None, "the stop", 5 * TICK_S)
    assert controller.metric("policies", mode="act") == 0.0
    site.write("other", mode="observe")
    wait_until(lambda: controller.metric("policies", mode="observe") == 1.0, "another policy", SOON_S)
    assert (replicas(site), plan_of(site)) == (0, None)
    site.write("chat", schedules="{name: n, start: '0 3 * * *', duration: 1h, timezone: UTC, atLeast: {replicas: 1}}")
    wait_until(lambda: replicas(site) >= NEEDS, "the policy to act again", KNOWN_S)
    assert plan_of(site) is not None


def test_the_plan_of_a_policy_that_is_removed_goes(site: Site, start: Start) -> None:
    site.write("other", mode="observe")
    start("one")
    wait_until(lambda: plan_of(site), "the plan", SOON_S)
    (site.policies / "chat.yaml").unlink()
    wait_until(lambda: plan_of(site) is None, "the plan to go", SOON_S)
    left = [one["metadata"]["name"] for one in site.cluster.api.list(PLANS, site.house)]
    assert left == ["other"]


def test_a_dry_tick_knows_what_people_wish_and_touches_no_plan(site: Site, prometheus: Prometheus) -> None:
    prometheus.wait_for("sum(rate(requests_total[10s])) > 9", KNOWN_S)
    site.cluster.create_plan("chat", site.house)
    wish(site, {"paused": True, "override": {"floor": 7, "until": stamp(epoch_s() + 3600.0)}})
    before = plan_of(site)
    done = subprocess.run(
        [sys.executable, "-m", "autoscaler", "plan", "--format", "json"],
        cwd=Path(__file__).parents[2], env={"PATH": os.environ["PATH"], **site.environment("plan", 0)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout
    found = json.loads(done.stdout)
    (row,) = found["policies"]
    assert row["planned"] == 7
    assert "override" in row["reason"]
    assert row["reason"].endswith("paused")
    assert row["wish"].startswith("paused; floor 7 set, until ")  # the server keeps no manager of who says no name
    assert found["actions"] == [{"action": "ask for at least 7 replicas of chat", "withheld": True}]
    assert plan_of(site) == before
