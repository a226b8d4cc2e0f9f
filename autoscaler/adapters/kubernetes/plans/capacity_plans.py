"""The plans of our policies: made, watched and removed, and what stands in the way of that.

They are read once before anything is decided, so that no pause is overlooked, and watched from then on. A plan that
somebody deletes is not made again: whoever stops the policy asks `taken_deleted`. Where the kind is missing or may not
be touched nothing is known of wishes, there is no owner for placeholders, and `problems` says so.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from threading import Lock

from autoscaler.adapters.kubernetes.cache import Change, Happened, Key
from autoscaler.adapters.kubernetes.json_object import Json
from autoscaler.adapters.kubernetes.listing import Selection, pages
from autoscaler.adapters.kubernetes.objects import Name, Objects
from autoscaler.adapters.kubernetes.plans.plan import CAPACITY_PLANS, POLICY, SeenPlan, seen_plan
from autoscaler.adapters.kubernetes.plans.reports import ReportSettings, StatusReports
from autoscaler.adapters.kubernetes.transport import Transport
from autoscaler.adapters.kubernetes.watching import Snapshot, Watching, WatchSettings
from autoscaler.domain.wish import NOTHING, Wish
from autoscaler.ports.errors import AlreadyExists, Conflict, Forbidden, NotFound, PortError
from autoscaler.ports.plans import PlanStatus, ShownPlan

INSTALL = "install the definition (`kubectl apply -f helm/crds/`), and let us read and write capacityplans"
WITHOUT = "until then no placeholder can be owned, so none is made, and nobody can override or pause"


class CapacityPlans:
    """Plans in one namespace. Watches and reports between `start` and `stop`; without, it knows what `read` found."""

    def __init__(
        self, transport: Transport, objects: Objects, namespace: str, watch: WatchSettings | None = None,
        report: ReportSettings | None = None,
    ) -> None:  # fmt: skip
        self._transport, self._objects, self._namespace = transport, objects, namespace
        self._selection = Selection(CAPACITY_PLANS, namespace)
        self._watch = Watching(transport, self._selection, seen_plan, (self._told,), watch)
        self._reports = StatusReports(objects, transport.clock, namespace, self.seen, report)
        self._lock = Lock()
        self._own: dict[str, SeenPlan] = {}
        self._deleted: set[str] = set()
        self._removed: set[str] = set()
        self._unread: str | None = None
        self._unmade: str | None = None
        self._firm = False

    def start(self) -> None:
        """Begins to watch, and to show what is reported; returns at once."""
        self._watch.start()
        self._reports.start()

    def stop(self) -> None:
        """Ends both."""
        self._reports.stop()
        self._watch.stop()

    def report(self, policy: str, status: PlanStatus) -> None:
        """As `PlansPort`."""
        self._reports.report(policy, status)

    def read(self) -> None:
        """Reads all plans now, unless the watch has listed them. Raises `Unavailable` where nobody answers."""
        if self._is_listed(self._watch.snapshot()):
            return
        try:
            found = [seen_plan(item) for page in pages(self._transport, self._selection) for item in page.items]
        except (NotFound, Forbidden) as error:
            self._unread, self._firm = _refused(error), isinstance(error, NotFound)
            return
        self._unread, self._firm = None, True
        with self._lock:
            self._own.update({plan.name: plan for plan in found})

    @property
    def are_known(self) -> bool:
        """Whether it is certain which plans there are; none where the kind is not installed."""
        return self._firm or self._is_listed(self._watch.snapshot())

    def ensure(self, policies: Iterable[str]) -> None:
        """Makes the plans that are missing, but for those that somebody deleted. For the leader alone."""
        self._unmade = None
        for policy in policies:
            if self.seen(policy) is not None or policy in self._deleted:
                continue
            try:
                self._make(policy)
            except (NotFound, Forbidden) as error:
                self._unmade = _refused(error)
                return  # what stops one stops all
            except PortError as error:
                self._unmade = f"{policy}: its CapacityPlan could not be made: {error}"

    def keep_only(self, policies: Collection[str]) -> tuple[str, ...]:
        """Removes the plans of ours that are of other policies; what could not be removed, one line each."""
        failed = []
        for plan in self._standing():
            if plan.ours and not plan.leaving and plan.name not in policies:
                try:
                    self.remove(plan.name)
                except PortError as error:
                    failed.append(str(error))
        return tuple(failed)

    def remove(self, policy: str) -> None:
        """Deletes the plan of a policy that is gone, and with it the policy's placeholders. Raises `PortError`."""
        plan = self.seen(policy)
        if plan is None:
            return
        with self._lock:
            self._removed.add(plan.uid)
        try:
            self._objects.delete(self._name(policy), only=plan.uid)
        except PortError:
            with self._lock:
                self._removed.discard(plan.uid)
            raise
        with self._lock:
            self._own.pop(policy, None)

    def seen(self, policy: str) -> SeenPlan | None:
        """The plan of a policy; None where there is none, or somebody deleted it."""
        seen = self._watch.snapshot()
        found = seen.items.get(Key(self._namespace, policy))
        with self._lock:
            own = self._own.get(policy)
            if own is not None and self._is_listed(seen) and seen.version and int(own.version) <= int(seen.version):
                del self._own[policy]
                own = None
            if policy in self._deleted:
                return None
        return own or found

    def names(self) -> tuple[str, ...]:
        """Of the plans of ours that stand, sorted."""
        return tuple(plan.name for plan in self._standing() if plan.ours and not plan.leaving)

    def wish(self, policy: str) -> Wish:
        """As `WishBook`."""
        plan = self.seen(policy)
        return NOTHING if plan is None else plan.wish

    def shown(self, policy: str) -> ShownPlan | None:
        """What the leader shows of a policy; None where it shows nothing."""
        plan = self.seen(policy)
        return None if plan is None else plan.status

    def uid(self, policy: str) -> str:
        """Of the plan of a policy; empty where there is none."""
        plan = self.seen(policy)
        return "" if plan is None else plan.uid

    def owner(self, policy: str) -> Json:
        """The plan of a policy as the owner of something; its uid is empty where there is none."""
        kind = CAPACITY_PLANS
        return {"apiVersion": kind.api_version, "kind": kind.kind, "name": policy, "uid": self.uid(policy)}

    def deleted(self) -> frozenset[str]:
        """Names of plans that somebody else deleted, since they were taken last."""
        with self._lock:
            return frozenset(self._deleted)

    def take_deleted(self) -> frozenset[str]:
        """The same, and they may be made again from now on."""
        with self._lock:
            found, self._deleted = frozenset(self._deleted), set()
        return found

    def problems(self) -> tuple[str, ...]:
        """What stands in the way, one line each."""
        seen = self._watch.snapshot()
        why = (None if self._is_listed(seen) else self._unread) or self._unmade
        if why is None and self._is_listed(seen) and seen.problem is not None:
            why = f"CapacityPlans: no news of overrides and pauses: {seen.problem}"
        lines = [line for line in (why, self._reports.problem if why is None else None) if line is not None]
        return (*lines, *(f"{plan.name}: CapacityPlan: {said}" for plan in self._standing() for said in plan.problems))

    def _standing(self) -> list[SeenPlan]:
        names = {key.name for key in self._watch.snapshot().items}
        with self._lock:
            names |= set(self._own)
        return [plan for name in sorted(names) if (plan := self.seen(name)) is not None]

    def _make(self, policy: str) -> None:
        name = self._name(policy)
        try:
            made = self._objects.create(name, {"metadata": {"labels": {POLICY: policy}}})
        except AlreadyExists:
            there = self._objects.get(name)
            if there is None or "deletionTimestamp" in there["metadata"]:
                raise Conflict(f"create {name}: one of this name is being deleted; next tick") from None
            made = there
        with self._lock:
            self._own[policy] = seen_plan(made)

    def _told(self, change: Change[SeenPlan]) -> None:
        """Handler of the watch, in its thread. One that leaves counts as deleted: nothing more is made for it."""
        plan, before = change.now, change.before
        goes = change.happened is Happened.DELETED or (change.happened is Happened.CHANGED and plan.leaving)
        if not goes or (before is not None and before.leaving):
            return
        with self._lock:
            if plan.uid in self._removed:
                self._removed.discard(plan.uid)
                return
            own = self._own.get(plan.name)
            if own is not None and own.uid == plan.uid:
                del self._own[plan.name]
            self._deleted.add(plan.name)

    def _name(self, policy: str) -> Name:
        return Name(CAPACITY_PLANS, self._namespace, policy)

    @staticmethod
    def _is_listed(seen: Snapshot[SeenPlan]) -> bool:
        return math.isfinite(seen.age_s)


def _refused(error: PortError) -> str:
    return f"CapacityPlans cannot be kept: {error}; {INSTALL}; {WITHOUT}"
