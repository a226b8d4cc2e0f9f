"""What became of a placeholder: one row for each that the API shows."""

from __future__ import annotations

from typing import Any

import pytest

from autoscaler.placeholder.fate import Fate, Sighting, Verdict, fate
from tests.unit.placeholder.objects import node, pod

NODE = node("n1")
LEAVING = node("n1", taints=[{"key": "ToBeDeletedByClusterAutoscaler", "effect": "NoSchedule"}])
DEAD = {**NODE, "status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}


def seen(
    on: str | None = "n1",
    disrupted: str | None = None,
    phase: str = "Running",
    scheduled: dict[str, str] | None = None,
    gone: bool = False,
    released: bool = False,
    there: Any = NODE,
    waited_s: float = 5.0,
    succeeded: bool = False,
    **status: str,
) -> Sighting:
    conditions = [{"type": "DisruptionTarget", "status": "True", "reason": disrupted}] if disrupted else []
    conditions += [{"type": "PodScheduled", "status": "False", **scheduled}] if scheduled else []
    of = pod(nodeName=on)
    whole = {**of, "status": {"phase": phase, "conditions": conditions, **status}}
    return Sighting(whole, gone, released, there if on else None, waited_s, succeeded)


NO_ROOM = {"reason": "Unschedulable", "message": "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."}


@pytest.mark.parametrize(
    ("sighting", "wanted", "cause", "delete"),
    [
        pytest.param(seen(), Fate.HELD, "Bound", False, id="bound"),
        pytest.param(seen(phase="Pending"), Fate.HELD, "Bound", False, id="bound, pause not pulled yet"),
        pytest.param(
            seen(disrupted="PreemptionByScheduler"), Fate.CONSUMED, "PreemptionByScheduler", False, id="taken"
        ),
        pytest.param(
            seen(disrupted="PreemptionByScheduler", gone=True, there=None),
            Fate.CONSUMED,
            "PreemptionByScheduler",
            False,
            id="taken, seen as deleted",
        ),
        pytest.param(
            seen(disrupted="PreemptionByScheduler", gone=True, released=True),
            Fate.CONSUMED,
            "PreemptionByScheduler",
            False,
            id="taken in the moment in which we released it",
        ),
        pytest.param(
            seen(disrupted="EvictionByEvictionAPI", gone=True, there=LEAVING),
            Fate.DRAINED,
            "EvictionByEvictionAPI",
            False,
            id="consolidated",
        ),
        pytest.param(
            seen(disrupted="DeletionByTaintManager", gone=True), Fate.LOST, "DeletionByTaintManager", False, id="taint"
        ),
        pytest.param(
            seen(disrupted="DeletionByPodGC", phase="Failed"), Fate.LOST, "DeletionByPodGC", True, id="collected"
        ),
        pytest.param(
            seen(disrupted="TerminationByKubelet", phase="Failed", reason="Terminated"),
            Fate.LOST,
            "TerminationByKubelet",
            True,
            id="node shut down",
        ),
        pytest.param(
            seen(disrupted="TerminationByKubelet", phase="Failed", reason="Evicted"),
            Fate.FAILED,
            "Evicted",
            True,
            id="node pressure",
        ),
        pytest.param(
            seen(phase="Failed", reason="UnexpectedAdmissionError"),
            Fate.FAILED,
            "UnexpectedAdmissionError",
            True,
            id="device race",
        ),
        pytest.param(seen(phase="Failed", reason="OutOfcpu"), Fate.FAILED, "OutOfcpu", True, id="admission"),
        pytest.param(
            seen(phase="Failed", reason="TopologyAffinityError", there=None),
            Fate.FAILED,
            "TopologyAffinityError",
            True,
            id="refused by a node that is gone meanwhile",
        ),
        pytest.param(seen(phase="Succeeded"), Fate.FAILED, "Succeeded", True, id="ended"),
        pytest.param(seen(there=None), Fate.LOST, "NodeGone", True, id="Running on a node that is gone"),
        pytest.param(seen(there=DEAD), Fate.LOST, "NodeUnknown", True, id="Running in a dead zone"),
        pytest.param(seen(there=LEAVING), Fate.DRAINED, "ToBeDeletedByClusterAutoscaler", True, id="node is leaving"),
        pytest.param(seen(gone=True, released=True), Fate.RELEASED, "Released", False, id="released"),
        pytest.param(seen(released=True), Fate.HELD, "Bound", False, id="release asked, not done"),
        pytest.param(seen(gone=True), Fate.LOST, "Deleted", False, id="gone, nothing tells"),
        pytest.param(seen(gone=True, succeeded=True), Fate.CONSUMED, "Succeeded", False, id="gone, a pod in its place"),
        pytest.param(seen(on=None, gone=True), Fate.FAILED, "Deleted", False, id="gone before it had a node"),
        pytest.param(seen(on=None, scheduled=NO_ROOM), Fate.PENDING, "Unschedulable", False, id="pending"),
        pytest.param(seen(on=None, scheduled=NO_ROOM, waited_s=601), Fate.STUCK, "Unschedulable", True, id="stuck"),
        pytest.param(seen(on=None, waited_s=601), Fate.STUCK, "NotTried", True, id="no such scheduler"),
        pytest.param(
            seen(on=None, scheduled={"reason": "SchedulingGated"}, waited_s=601),
            Fate.STUCK,
            "SchedulingGated",
            True,
            id="gated by a webhook",
        ),
    ],
)
def test_rows(sighting: Sighting, wanted: Fate, cause: str, delete: bool) -> None:
    found = fate(sighting, stuck_after_s=600.0)
    assert found == Verdict(wanted, cause, found.reason, delete)
    assert found.reason


def test_reasons_say_what_was_seen() -> None:
    drained = seen(disrupted="EvictionByEvictionAPI", gone=True, there=LEAVING)
    assert "ToBeDeletedByClusterAutoscaler" in fate(drained, 600).reason
    assert "Insufficient nvidia.com/gpu" in fate(seen(on=None, scheduled=NO_ROOM, waited_s=601), 600).reason
    assert "default-scheduler" in fate(seen(on=None), 600).reason
    refused = seen(phase="Failed", reason="OutOfcpu", message="Node didn't have enough resource: cpu")
    assert "enough resource: cpu" in fate(refused, 600).reason


def test_a_disruption_that_was_called_off_is_none() -> None:
    off = seen(disrupted="PreemptionByScheduler")
    conditions: Any = off.pod["status"]["conditions"]
    conditions[0]["status"] = "False"
    assert fate(off, 600).fate is Fate.HELD
