"""Policies that a person has stopped by deleting their plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from autoscaler.policy.check import PolicyDocument, QueueDocument
from autoscaler.policy.folder import PolicySet

AnyPolicy = PolicyDocument | QueueDocument


class Stopped:
    """Which policies are stopped: until their document changes, or for the rest of this process."""

    def __init__(self, take_deleted: Callable[[], Iterable[str]]) -> None:
        """`take_deleted`: names of plans that somebody deleted since the last call."""
        self._take_deleted = take_deleted
        self._documents: dict[str, AnyPolicy] = {}

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._documents)

    def without(self, found: PolicySet, served: Iterable[AnyPolicy]) -> PolicySet:
        """The policies that go on. served: those in force up to now, with whose plan nobody else can have meant to stop
        anything.
        """
        deleted = self._take_deleted()
        self._documents |= {document.name: document for document in served if document.name in deleted}
        now: dict[str, AnyPolicy] = {document.name: document for document in found.policies}
        now |= {document.name: document for document in found.queues}
        self._documents = {
            name: document
            for name, document in self._documents.items()
            if name in now and _says_the_same(now[name], document)
        }
        stopped = [now[name] for name in self._documents]
        return replace(found, documents=tuple(d for d in found.documents if not any(d is one for one in stopped)))

    def problems(self) -> tuple[str, ...]:
        """One line each."""
        return tuple(
            f"{name}: its CapacityPlan was deleted: the policy is stopped until its file changes or the controller "
            "restarts"
            for name in sorted(self._documents)
        )


def _says_the_same(one: AnyPolicy, other: AnyPolicy) -> bool:
    """Wherever in the file it stands by now."""
    return one.model == other.model and one.attached == other.attached
