"""Manifests of placeholders for queued work: as those of replicas, but for whose they are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from autoscaler.placeholder.constraints import Surroundings
from autoscaler.placeholder.manifest import PLACEHOLDER, ROLE, House
from autoscaler.placeholder.pin import Pin
from autoscaler.placeholder.queued import ITEM, QUEUED, QueueSeat, queued_name, queued_placeholder, seat_of
from autoscaler.placeholder.shape import Shape, shape

OWNER = {"apiVersion": "gpu-autoscaler.io/v1alpha1", "kind": "CapacityPlan", "name": "training", "uid": "plan"}
HOUSE = House("house", "pause:1", "placeholders", {"cost-center": "7"}, {})
PIN = Pin("steady", ({"key": "gpu", "operator": "In", "values": ["h100"]},), (), (), "nvidia.com/gpu", 8)


def seat(uid: str = "job-1", pod_set: str = "main", index: int = 0, pool: str = "steady") -> QueueSeat:
    return QueueSeat("training", pool, uid, pod_set, index, OWNER, datetime(2026, 12, 1, tzinfo=UTC))


def made(**more: Any) -> Shape:
    resources = {"limits": {"nvidia.com/gpu": "8"}, "requests": {"nvidia.com/gpu": "8", "cpu": "4"}}
    spec = {"containers": [{"name": "train", "resources": resources}], **more}
    found = shape(
        {"metadata": {"namespace": "training", "labels": {"app": "train"}}, "spec": spec}, PIN, Surroundings()
    )
    assert isinstance(found, Shape)
    return found


def test_it_is_told_apart_from_those_of_replicas_and_tells_whose_it_is() -> None:
    pod = queued_placeholder(made(), seat(index=3), HOUSE)
    labels = pod["metadata"]["labels"]
    assert labels[ROLE] == QUEUED != PLACEHOLDER
    assert labels["cost-center"] == "7"
    assert seat_of(pod) == ("job-1", "main", 3)
    assert pod["metadata"]["ownerReferences"] == [{**OWNER, "controller": True}]
    assert pod["spec"]["preemptionPolicy"] == "Never"
    assert pod["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "8"


def test_names_tell_seats_apart_and_are_labels() -> None:
    seats = [seat(), seat(uid="job-2"), seat(pod_set="workers"), seat(index=1), seat(pool="cheap")]
    names = [queued_name(one) for one in seats]
    assert len(set(names)) == len(names)
    assert queued_name(seat()) == names[0]
    long = queued_name(QueueSeat("p" * 63, "q" * 63, "uid", "main", 12, OWNER, seat().expires))
    assert len(long) <= 63


def test_pods_that_keep_apart_keep_their_placeholders_apart_and_nobody_elses() -> None:
    """One a host: among the placeholders of this piece of work, not among all of the policy."""
    rule = {"labelSelector": {"matchLabels": {"app": "train"}}, "topologyKey": "kubernetes.io/hostname"}
    apart = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [rule]}}
    pod = queued_placeholder(made(affinity=apart), seat(), HOUSE)
    terms = pod["spec"]["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    ours = [term for term in terms if term["labelSelector"] == {"matchLabels": {ROLE: QUEUED, ITEM: "job-1"}}]
    assert [term["topologyKey"] for term in ours] == ["kubernetes.io/hostname"]
