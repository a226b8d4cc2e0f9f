"""Which pods are of the newest revision, and which of them new ones will be like."""

from __future__ import annotations

from typing import Any

import pytest

from autoscaler.adapters.kubernetes.cluster.revisions import model, newest, print_of
from autoscaler.adapters.kubernetes.cluster.sight import SeenPod, seen_pod

LABEL = "pod-template-hash"


def template(image: str = "chat:1", gpus: int = 1) -> dict[str, Any]:
    requests = {"nvidia.com/gpu": str(gpus)}
    return {"spec": {"containers": [{"name": "chat", "image": image, "resources": {"requests": requests}}]}}


def pod(name: str, revision: str, minute: int, ready: bool = True, **of: Any) -> SeenPod:
    """A pod of a revision, created in this minute of an hour."""
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    meta = {"name": name, "namespace": "n", "labels": {LABEL: revision}}
    created = {"creationTimestamp": f"2026-03-02T09:{minute:02}:00Z"}
    return seen_pod({"metadata": {**meta, **created}, **template(**of), "status": {"conditions": conditions}}, "house")


OLD = [pod("a", "old", 1), pod("b", "old", 2), pod("late", "old", 40)]
NEW = [pod("c", "new", 30, ready=False, image="chat:2"), pod("d", "new", 31, ready=False, image="chat:2")]


def test_the_newest_is_the_one_whose_first_pod_came_last() -> None:
    assert newest([*OLD, *NEW]) == "new"


def test_a_change_that_is_taken_back_makes_the_old_one_the_newest() -> None:
    assert newest([*OLD, *NEW], print_of(template("chat:1"))) == "old"
    assert newest([*OLD, *NEW], print_of(template("chat:2"))) == "new"


def test_where_none_looks_like_the_template_the_last_to_come_counts() -> None:
    assert newest([*OLD, *NEW], print_of(template("mirror/chat:1"))) == "new"


def test_requests_tell_revisions_of_one_image_apart() -> None:
    larger = pod("e", "larger", 3, gpus=4)
    assert newest([*OLD, larger], print_of(template(gpus=4))) == "larger"


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        pytest.param(OLD, "late", id="one revision: the youngest that is ready"),
        pytest.param([*OLD, *NEW], "d", id="a rollout: the youngest of the new one, ready or not"),
        pytest.param([*OLD, *NEW, pod("r", "new", 30)], "r", id="a ready one of the new one first"),
        pytest.param(NEW, None, id="one revision that never was ready"),
        pytest.param([], None, id="nobody"),
    ],
)
def test_new_pods_will_be_like(pods: list[SeenPod], expected: str | None) -> None:
    found = model(pods)
    assert (None if found is None else found.name) == expected


def test_groups_tell_their_own_revision() -> None:
    leader = pod("g-0", "", 1)
    labels = {"leaderworkerset.sigs.k8s.io/template-revision-hash": "r7", "controller-revision-hash": "g-55"}
    told = seen_pod({"metadata": {"name": leader.name, "namespace": "n", "labels": labels}}, "house")
    assert newest([told]) == "r7"
