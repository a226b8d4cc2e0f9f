"""What is read of work that may wait: whether it does, since when, how many pods, and who speaks for it."""

from __future__ import annotations

from typing import Any

import pytest

from autoscaler.adapters.kubernetes.waiting.work import (
    Work,
    WorkState,
    seen_job,
    seen_job_set,
    seen_pod_work,
    seen_workload,
    speaking,
)

MADE, LATER = "2026-12-01T08:00:00Z", "2026-12-01T09:00:00Z"
LATER_S = 1_796_115_600.0
POD = {"metadata": {"labels": {"app": "train"}}, "spec": {"containers": [{"name": "c"}]}}


def thing(name: str, spec: dict[str, Any], conditions: dict[str, str] | None = None, **meta: Any) -> dict[str, Any]:
    """conditions: status by type, all since `LATER`."""
    found = [{"type": key, "status": value, "lastTransitionTime": LATER} for key, value in (conditions or {}).items()]
    base = {
        "name": name,
        "namespace": "training",
        "uid": f"uid-{name}",
        "resourceVersion": "7",
        "creationTimestamp": MADE,
    }
    return {"metadata": base | meta, "spec": spec, "status": {"conditions": found}}


def job(name: str = "train", conditions: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    return thing(name, {"suspend": True, "template": POD, **more}, conditions)


def sizes(work: Work) -> dict[str, int]:
    return {one.name: one.count for one in work.templates}


@pytest.mark.parametrize(
    ("spec", "succeeded", "count"),
    [
        pytest.param({}, 0, 1, id="one"),
        pytest.param({"parallelism": 4}, 0, 4, id="parallel"),
        pytest.param({"parallelism": 4, "completions": 2}, 0, 2, id="fewer completions"),
        pytest.param({"parallelism": 4, "completions": 10}, 7, 3, id="the last ones"),
    ],
)
def test_pods_of_a_job(spec: dict[str, Any], succeeded: int, count: int) -> None:
    found = job(**spec)
    found["status"]["succeeded"] = succeeded
    assert sizes(seen_job(found)) == {"main": count}


@pytest.mark.parametrize(
    ("found", "state"),
    [
        pytest.param(seen_job(job()), WorkState.WAITS, id="suspended"),
        pytest.param(seen_job(job(suspend=False)), WorkState.LET_GO, id="not suspended"),
        pytest.param(seen_job(job(conditions={"Complete": "True"})), WorkState.ENDED, id="complete"),
        pytest.param(seen_job(job(conditions={"Failed": "True"})), WorkState.ENDED, id="failed"),
        pytest.param(seen_pod_work(thing("p", {"schedulingGates": [{"name": "g"}]})), WorkState.WAITS, id="gated"),
        pytest.param(seen_pod_work(thing("p", {})), WorkState.LET_GO, id="no gates"),
        pytest.param(seen_workload(thing("w", {})), WorkState.WAITS, id="no quota"),
        pytest.param(seen_workload(thing("w", {}, {"QuotaReserved": "True"})), WorkState.WAITS, id="held by a check"),
        pytest.param(seen_workload(thing("w", {}, {"Admitted": "True"})), WorkState.LET_GO, id="admitted"),
        pytest.param(seen_workload(thing("w", {}, {"Finished": "True"})), WorkState.ENDED, id="finished"),
        pytest.param(seen_workload(thing("w", {"active": False})), WorkState.ENDED, id="set aside by a person"),
    ],
)
def test_where_it_is_on_its_way(found: Work, state: WorkState) -> None:
    assert found.state is state


def test_since_when_it_waits() -> None:
    """A Job that ran and was suspended again waits since then."""
    assert seen_job(job(conditions={"Suspended": "True"})).queued_s == LATER_S
    assert seen_job(job()).queued_s == LATER_S - 3600.0
    reserved = seen_workload(thing("w", {}, {"QuotaReserved": "True"}))
    assert (reserved.queued_s, reserved.urgent) == (LATER_S, True)


def test_a_job_set_is_one_piece() -> None:
    jobs = [
        {"name": "driver", "template": {"spec": {"template": POD}}},
        {"name": "workers", "replicas": 2, "template": {"spec": {"parallelism": 4, "completions": 4, "template": POD}}},
    ]
    assert sizes(seen_job_set(thing("s", {"suspend": True, "replicatedJobs": jobs}))) == {"driver": 1, "workers": 8}


def test_a_workload_with_its_quota_says_how_many_and_on_which_nodes() -> None:
    """Kueue may have admitted fewer pods than were asked for."""
    found = thing("w", {"podSets": [{"name": "main", "count": 4, "template": POD}]}, {"QuotaReserved": "True"})
    flavors = {"nvidia.com/gpu": "h100", "cpu": "h100"}
    found["status"]["admission"] = {"podSetAssignments": [{"name": "main", "count": 3, "flavors": flavors}]}
    found["status"]["admissionChecks"] = [{"name": "nodes", "state": "Pending"}]
    (template,) = seen_workload(found).templates
    assert (template.count, template.flavors) == (3, ("h100",))
    assert template.pod["metadata"]["namespace"] == "training"
    assert seen_workload(found).checks == {"nodes": "Pending"}


def test_each_piece_counts_once() -> None:
    """Kueue's Job by its Workload, a JobSet's Job by the JobSet, and a Job that a Workload owns though unlabelled."""
    queued = seen_job(
        job(
            "queued",
        )
        | {"metadata": job("queued")["metadata"] | {"labels": {"kueue.x-k8s.io/queue-name": "q"}}}
    )
    child = job("child")
    child["metadata"]["ownerReferences"] = [{"kind": "JobSet", "uid": "uid-s"}]
    owned, alone = seen_job(job("owned")), seen_job(job("alone"))
    owner = [{"kind": "Job", "uid": "uid-owned"}]
    workload = seen_workload(thing("w", {}, ownerReferences=owner))
    assert workload.origin == "uid-owned"
    assert [one.name for one in speaking([queued, seen_job(child), owned, alone, workload])] == ["alone", "w"]


def test_pods_of_other_owners_cannot_be_told() -> None:
    assert seen_workload(thing("w", {}, ownerReferences=[{"kind": "RayJob", "uid": "x"}])).origin == ""
