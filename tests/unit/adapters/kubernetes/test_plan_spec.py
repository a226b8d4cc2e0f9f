"""What the spec of a plan wishes, also where the API server let through what cannot be meant."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from autoscaler.adapters.kubernetes.plans.plan import Since, read_wish, seen_plan
from autoscaler.domain.wish import NOTHING, Override, Wish
from autoscaler.ports.plans import ShownPlan

END = "2026-12-01T18:00:00Z"
END_S = datetime(2026, 12, 1, 18, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("spec", "wish"),
    [
        pytest.param({}, NOTHING, id="nothing"),
        pytest.param({"paused": False}, NOTHING, id="not paused"),
        pytest.param({"paused": True}, Wish(True), id="paused"),
        pytest.param({"override": {"floor": 8, "until": END}}, Wish(False, Override(8, END_S)), id="override"),
        pytest.param(
            {"override": {"floor": 0, "until": "2026-12-01T20:30:00+02:30"}}, Wish(False, Override(0, END_S)), id="zero"
        ),
        pytest.param(
            {"paused": True, "override": {"floor": 8, "until": END}}, Wish(True, Override(8, END_S)), id="both"
        ),
        pytest.param(
            {"override": {"floor": 8, "until": END, "reason": "launch"}},
            Wish(False, Override(8, END_S, "launch")),
            id="a reason",
        ),
    ],
)
def test_a_wish_is_read(spec: dict[str, Any], wish: Wish) -> None:
    assert read_wish(spec) == (wish, ())


@pytest.mark.parametrize(
    ("override", "words"),
    [
        pytest.param({"floor": 8}, "no end; add until", id="no end"),
        pytest.param({"floor": 8, "until": "2026-12-01T18:00:00"}, "no time zone; add one", id="no time zone"),
        pytest.param({"floor": 8, "until": "soon"}, "is no time; write one", id="no time"),
        pytest.param({"floor": -1, "until": END}, "at least 0", id="negative"),
        pytest.param({"floor": 2.5, "until": END}, "whole number", id="half a replica"),
        pytest.param({"floor": True, "until": END}, "whole number", id="a truth"),
        pytest.param({"until": END}, "whole number", id="no floor"),
        pytest.param(8, "no pair", id="a number"),
    ],
)
def test_what_cannot_be_read_is_no_wish_and_is_told(override: object, words: str) -> None:
    wish, (said,) = read_wish({"paused": True, "override": override})
    assert wish == Wish(True)
    assert words in said
    assert said.startswith("spec.override is ignored: ")


def test_a_pause_that_is_no_truth_is_told() -> None:
    wish, (said,) = read_wish({"paused": "yes"})
    assert wish == NOTHING
    assert "neither true nor false" in said


@pytest.mark.parametrize(("now_s", "override"), [(END_S - 1.0, Override(8, END_S)), (END_S, None), (END_S + 1.0, None)])
def test_an_override_that_has_ended_is_none(now_s: float, override: Override | None) -> None:
    wish, problems = read_wish({"paused": True, "override": {"floor": 8, "until": END}})
    assert problems == ()
    assert wish.in_force(now_s) == Wish(True, override)


def test_what_is_kept_of_a_plan() -> None:
    meta = {"name": "chat", "uid": "u", "resourceVersion": "7", "generation": 3}
    shown = {"type": "Ready", "status": "False", "lastTransitionTime": END, "reason": "Paused", "message": "m"}
    plan = seen_plan({"metadata": {**meta, "labels": {"gpu-autoscaler.io/policy": "chat"}}, "spec": {"paused": True}})
    assert (plan.name, plan.uid, plan.version, plan.generation) == ("chat", "u", "7", 3)
    assert (plan.ours, plan.leaving, plan.wish, plan.shown) == (True, False, Wish(True), {})
    other = seen_plan({"metadata": {**meta, "deletionTimestamp": END}, "status": {"conditions": [shown]}})
    assert (other.ours, other.leaving, other.wish) == (False, True, NOTHING)
    assert other.shown == {"Ready": Since("False", END)}


def entry(manager: str, at: str, fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"manager": manager, "operation": "Update", "time": at, "fieldsV1": {"f:spec": fields}, **more}


def test_who_set_what_last_is_kept() -> None:
    """The newest of those that hold the field; who only holds another one is none of them."""
    floor: dict[str, Any] = {"f:override": {".": {}, "f:floor": {}, "f:until": {}}}
    managed = [
        entry("kubectl-client-side-apply", "2026-11-25T08:00:00Z", floor | {"f:paused": {}}),
        entry("kubectl-edit", "2026-11-25T09:00:00Z", floor),
        entry("kubectl-patch", "2026-11-25T10:00:00Z", {"f:paused": {}}),
        {"manager": "gpu-autoscaler", "time": "2026-11-25T11:00:00Z", "fieldsV1": {"f:status": {}}},
    ]
    meta = {"name": "chat", "uid": "u", "resourceVersion": "1", "managedFields": managed}
    spec = {"paused": True, "override": {"floor": 8, "until": END}}
    by = ("kubectl-edit at 2026-11-25T09:00:00Z", "kubectl-patch at 2026-11-25T10:00:00Z")
    assert seen_plan({"metadata": meta, "spec": spec}).wish == Wish(True, Override(8, END_S, "", by[0]), by[1])
    assert seen_plan({"metadata": meta, "spec": {"paused": False}}).wish == NOTHING


def test_where_the_server_does_not_say_who_it_was_nobody_is_named() -> None:
    plan = {"metadata": {"name": "chat", "uid": "u", "resourceVersion": "1"}, "spec": {"paused": True}}
    assert seen_plan(plan).wish == Wish(True)


def test_what_the_leader_shows_is_kept_for_those_who_follow() -> None:
    status = {
        "mode": "act", "plannedFloorReplicas": 7, "observedAt": END, "reason": "forecast; hold",
        "wish": {"paused": True},
    }  # fmt: skip
    plan: dict[str, Any] = {"metadata": {"name": "chat", "uid": "u", "resourceVersion": "1"}, "status": status}
    assert seen_plan(plan).status == ShownPlan(7, True, True, "forecast; hold", END_S)
    del status["plannedFloorReplicas"]
    assert seen_plan(plan).status is None
