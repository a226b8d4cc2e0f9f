"""Kinds of work that may wait, watched where they are installed: a kind that is not there has nothing waiting."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from autoscaler.adapters.kubernetes.cache import Change
from autoscaler.adapters.kubernetes.listing import Selection
from autoscaler.adapters.kubernetes.resource import Resource
from autoscaler.adapters.kubernetes.transport import Call, Transport
from autoscaler.adapters.kubernetes.waiting.work import Work, seen_job, seen_job_set, seen_workload
from autoscaler.adapters.kubernetes.watching import Watching, WatchSettings
from autoscaler.placeholder.pod import Json, spec
from autoscaler.policy.queue import WorkKind
from autoscaler.ports.errors import NotFound, PortError

KUEUE_GROUP = "kueue.x-k8s.io"
VERSIONS = ("v1beta2", "v1beta1")
JOBS = Resource("batch", "v1", "jobs", "Job")
JOB_SETS = Resource("jobset.x-k8s.io", "v1alpha2", "jobsets", "JobSet")
AGAIN_S = 60.0
"""How often it is asked whether a kind was installed meanwhile."""


@dataclass(frozen=True, slots=True)
class Flavor:
    """A ResourceFlavor of Kueue: what it adds to the pods that it is assigned to."""

    node_labels: Json
    tolerations: Sequence[Json]


def seen_flavor(flavor: Json) -> Flavor:
    """What is kept of one."""
    return Flavor(spec(flavor).get("nodeLabels") or {}, tuple(spec(flavor).get("tolerations") or ()))


def kueue(version: str, plural: str, kind: str) -> Resource:
    """A kind of Kueue."""
    return Resource(KUEUE_GROUP, version, plural, kind)


@dataclass(slots=True)
class _Family:
    """Watches of one kind. resource: None while it is not installed."""

    kind: WorkKind
    see: Callable[[Json], Work]
    places: tuple[str, ...]
    resource: Resource | None
    watches: list[Watching[Work]]


class Kinds:
    """Watches of all kinds that rules name, in their namespaces. Pods are watched elsewhere."""

    def __init__(
        self, transport: Transport, wanted: dict[WorkKind, tuple[str, ...]], watch: WatchSettings, stale_after_s: float,
        told: Callable[[Change[Work]], None],
    ) -> None:  # fmt: skip
        """wanted: namespaces by kind. told: of every change, in the threads of the watches."""
        self._told = told
        self._transport, self._watch, self._stale_after_s = transport, watch, stale_after_s
        see: dict[WorkKind, Callable[[Json], Work]] = {
            "jobs": seen_job, "jobsets": seen_job_set, "workloads": seen_workload,
        }  # fmt: skip
        self._families = [
            _Family(kind, see[kind], wanted[kind], None, []) for kind in see if wanted.get(kind)
        ]  # fmt: skip
        self._flavors: Watching[Flavor] | None = None
        self._asked_s = -math.inf
        self._unasked: str | None = None
        self.kueue_version = ""

    def start(self) -> None:
        """Begins to watch what is installed; asks the server which that is. Never raises."""
        self.look()

    def look(self) -> None:
        """Asks again for kinds that were not there, once in a while."""
        now_s = self._transport.clock.monotonic_s()
        missing = [one for one in self._families if one.resource is None]
        if not missing or now_s < self._asked_s + AGAIN_S:
            return
        self._asked_s, self._unasked = now_s, None
        for family in missing:
            try:
                family.resource = self._installed(family.kind)
            except PortError as error:
                self._unasked, self._asked_s = str(error), -math.inf
                continue
            if family.resource is not None:
                self._begin(family, family.resource)

    def wait_listed(self, deadline_s: float) -> None:
        """Waits for the first lists, for so many seconds each; what is not listed then is told by `works`."""
        for watch in self._all():
            watch.wait_listed(deadline_s)

    def stop(self) -> None:
        for watch in self._all():
            watch.stop()
        if self._flavors is not None:
            self._flavors.stop()

    def works(self) -> tuple[list[Work], tuple[str, ...]]:
        """All that is known, and which kinds that are there are not seen, or were long ago, in words."""
        works: list[Work] = []
        problems = [] if self._unasked is None else [f"which kinds of work there are is not known: {self._unasked}"]
        for family in self._families:
            for watch in family.watches:
                seen = watch.snapshot()
                if seen.age_s <= self._stale_after_s:
                    works += seen.items.values()
                    continue
                why = seen.problem or "the server has not answered yet"
                problems.append(f"queued {family.kind}: no news: {why}; what is held for them stays until there is")
        return works, tuple(dict.fromkeys(problems))

    def flavor(self, flavor: str) -> Flavor | None:
        """None where it is not known."""
        if self._flavors is None:
            return None
        return next((one for key, one in self._flavors.snapshot().items.items() if key.name == flavor), None)

    def _all(self) -> Iterator[Watching[Work]]:
        return (watch for family in self._families for watch in family.watches)

    def _begin(self, family: _Family, resource: Resource) -> None:
        family.watches = [
            Watching(self._transport, Selection(resource, place), family.see, (self._told,), self._watch)
            for place in family.places
        ]
        if family.kind == "workloads":
            self.kueue_version = resource.version
            flavors = Selection(kueue(resource.version, "resourceflavors", "ResourceFlavor"))
            self._flavors = Watching(self._transport, flavors, seen_flavor, (), self._watch)
            self._flavors.start()
        for watch in family.watches:
            watch.start()

    def _installed(self, kind: WorkKind) -> Resource | None:
        """The kind in the newest version that is served and that we speak."""
        if kind == "jobs":
            return JOBS
        group = JOB_SETS.group if kind == "jobsets" else KUEUE_GROUP
        try:
            call = Call(f"ask for versions of {group}", "GET", f"/apis/{group}", repeatable=True)
            served = [str(one.get("version")) for one in self._transport.send(call).get("versions") or ()]
        except NotFound:
            return None
        if kind == "jobsets":
            return JOB_SETS if JOB_SETS.version in served else None
        spoken = next((version for version in VERSIONS if version in served), None)
        return None if spoken is None else kueue(spoken, "workloads", "Workload")
