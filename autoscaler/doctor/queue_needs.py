"""What the controller must be allowed to do for policies for queued work, and for no others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from autoscaler.doctor.facts import QueueFacts, Unread
from autoscaler.doctor.needs import WATCH, Permission

KUEUE = "kueue.x-k8s.io"
GROUPS = {"jobs": "batch", "jobsets": "jobset.x-k8s.io", "workloads": KUEUE}
"""Pods are read everywhere already."""


def queue_permissions(queues: Iterable[QueueFacts]) -> tuple[Permission, ...]:
    """Each once, of the kinds that there are: all, where that could not be told."""
    return tuple(dict.fromkeys(one for queue in queues for one in _of(queue)))


def _of(queue: QueueFacts) -> Iterator[Permission]:
    model = queue.policy.model
    missing = () if isinstance(queue.missing, Unread) else queue.missing
    for kind in model.kinds:
        if kind in GROUPS and kind not in missing:
            for space in model.namespaces:
                yield from _each(space, GROUPS[kind], kind, WATCH, "seeing work that waits")
            if kind == "workloads":
                yield from _each(None, KUEUE, "resourceflavors", WATCH, "the nodes that Kueue has chosen")
    if model.admission_check is not None and "workloads" not in missing:
        use = "letting work go when its nodes stand"
        yield from _each(None, KUEUE, "admissionchecks", ("get",), use)
        yield from _each(None, KUEUE, "admissionchecks/status", ("patch",), use)
        for space in model.namespaces:
            yield from _each(space, KUEUE, "workloads", ("get",), use)
            yield from _each(space, KUEUE, "workloads/status", ("patch",), use)


def _each(
    namespace: str | None, group: str, resource: str, verbs: Iterable[str], use: str
) -> Iterator[Permission]:  # fmt: skip
    for verb in verbs:
        yield Permission(namespace, group, resource, verb, "", use, optional=False)
